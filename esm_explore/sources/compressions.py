"""Compressed files: gzip, bzip2, xz and zstd, told apart by content."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import BinaryIO

import zstandard

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
# What Python's readers raise where a file is damaged or cut off.
BROKEN = (EOFError, OSError, ValueError, MemoryError, zlib.error, lzma.LZMAError)
_PIECE = 4096


def compression(start: bytes) -> str:
    """Tell how a file is compressed.

    Parameters
    ----------
    start : bytes
        Its first ones.

    Returns
    -------
    {"gzip", "bzip2", "xz", "zstd", ""}
    """
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "")


def decompressed(file: BinaryIO, kind: str, limit: int) -> bytes:
    """Take the first bytes out of a compressed file.

    Parameters
    ----------
    file : binary file
    kind : str
        As `compression` names it.
    limit : int
        How many bytes at most.

    Returns
    -------
    bytes

    Raises
    ------
    BROKEN
        One of these, if the file is damaged or cut off before that.
    """
    if kind == "gzip":
        return gzip.GzipFile(fileobj=file).read(limit)
    if kind == "bzip2":
        return bz2.BZ2File(file).read(limit)
    if kind == "xz":
        return lzma.LZMAFile(file).read(limit)
    return _of_zstd(file, limit)


def head(file: BinaryIO, size: int, layers: int = 3) -> bytes:
    """Give the first bytes of a file, under its compressions.

    Parameters
    ----------
    file : binary file
        Read from its start, no further than needed.
    size : int
        How many bytes.
    layers : int
        How many compressions are taken off at most.

    Returns
    -------
    bytes

    Raises
    ------
    BROKEN
        As `decompressed`.
    """
    start = file.read(size)
    kind = compression(start)
    if not (kind and layers):
        return start
    file.seek(0)
    return head(io.BytesIO(decompressed(file, kind, size)), size, layers - 1)


def _of_zstd(file: BinaryIO, limit: int) -> bytes:
    """Decompress frame by frame: zstandard's own reader takes a file that is cut off for whole."""
    pieces, size, frame, rest = [], 0, None, b""
    try:
        # Small pieces: each can unpack to some 100 MB.
        while size < limit and (piece := rest or file.read(_PIECE)):
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            pieces.append(frame.decompress(piece))
            size += len(pieces[-1])
            rest = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    if frame is not None and size < limit:
        raise EOFError("it ends within a frame")
    return b"".join(pieces)[:limit]
