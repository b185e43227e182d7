"""Bytes of a file to those of the one structure in it."""

from __future__ import annotations

import io

from esm_explore.errors import ChainError
from esm_explore.sources.archives import archive_kind, only_structure
from esm_explore.sources.compressions import BROKEN, compression, decompressed

# The largest PDB entries unpack to about 500 MB of mmCIF; a bomb to far more.
MAX_BYTES = 1_000_000_000
# Structures pack to a fifth or a tenth; what is small and unpacks to far more is made to do that.
_MAX_RATIO, _SMALL = 100, 32_000_000
# What is packed more often is made to be.
_MAX_LAYERS = 8
_NOT_READ = {
    b"\x1f\x9d": "a file of compress (.Z)",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"\x04\x22\x4d\x18": "an lz4 file",
}


def unpacked(content: bytes, title: str) -> bytes:
    """Unpack a file as often as it is packed.

    Parameters
    ----------
    content : bytes
        Plain, compressed (gzip, bzip2, xz, zstd), or an archive (zip, tar) with one structure.
    title : str
        For messages.

    Returns
    -------
    bytes

    Raises
    ------
    ChainError
        If it is damaged, encrypted, larger than `MAX_BYTES` unpacked, packed in a way that is
        not read here, or an archive with no structure in it, or several.
    """
    for _ in range(_MAX_LAYERS):
        if len(content) > MAX_BYTES:
            raise ChainError(
                f"{title} is larger than {MAX_BYTES:,} bytes unpacked; raise "
                "esm_explore.sources.unpacking.MAX_BYTES if that is what you want."
            )
        for magic, what in _NOT_READ.items():
            if content.startswith(magic):
                raise ChainError(f"{title} is {what}, which is not read here: unpack it first.")
        limit = min(MAX_BYTES, max(_SMALL, _MAX_RATIO * len(content)))
        if kind := compression(content):
            whole = _whole(content, kind, title, limit + 1)
        elif kind := archive_kind(content):
            whole = only_structure(content, kind, title, limit + 1)
        else:
            return content
        if limit < len(whole) <= MAX_BYTES:
            raise ChainError(
                f"{title} unpacks to more than {_MAX_RATIO} times its size, which no structure "
                f"does ({kind}): unpack it yourself if that is what you want."
            )
        content = whole
    raise ChainError(f"{title} is packed more than {_MAX_LAYERS} times over: unpack it first.")


def _whole(content: bytes, kind: str, title: str, limit: int) -> bytes:
    try:
        return decompressed(io.BytesIO(content), kind, limit)
    except BROKEN as error:
        raise ChainError(
            f"{title} is a {kind} file that is damaged or cut off ({error})."
        ) from error
