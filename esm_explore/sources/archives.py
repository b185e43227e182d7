"""Archives with one structure in them: zip and tar. Nothing is written to disk."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from esm_explore.errors import ChainError
from esm_explore.sources.compressions import BROKEN, head
from esm_explore.sources.sniffing import SIZE, is_structure

# Each costs a look at its first bytes.
_MAX_FILES = 10_000
_SHOWN = 10
_BLOCK = 512
_Opener = Callable[[], BinaryIO]


def archive_kind(content: bytes) -> str:
    """Tell an archive by its content.

    Parameters
    ----------
    content : bytes
        All of the file, or its start.

    Returns
    -------
    {"zip", "tar", ""}
        Also "tar" where a part of one is left; its text must not be read as a structure's.
    """
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    # An empty tar is nothing but zeros.
    if content[:_BLOCK].count(0) == _BLOCK or content[257:262] == b"ustar" or _is_tar(content):
        return "tar"
    if b"dataBlocks" in content[:4096]:
        return ""
    if zipfile.is_zipfile(io.BytesIO(content)):
        return "zip"
    return "tar" if b"\0ustar" in content else ""


def _is_tar(content: bytes) -> bool:
    """Look at the checksum of the first header; tar of Unix V7 has no other sign."""
    try:
        tarfile.TarInfo.frombuf(content[:_BLOCK], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def only_structure(content: bytes, kind: str, title: str, limit: int) -> bytes:
    """Take the one structure out of an archive.

    Parameters
    ----------
    content : bytes
    kind : {"zip", "tar"}
    title : str
        For messages.
    limit : int
        How many bytes at most.

    Returns
    -------
    bytes
        As it is in the archive: it may be compressed, or an archive.

    Raises
    ------
    ChainError
        If there is none or several, or the archive is encrypted, damaged or too full.
    """
    members = _of_zip if kind == "zip" else _of_tar
    names, found = [], {}
    try:
        for name, opened in members(io.BytesIO(content)):
            if len(names) == _MAX_FILES:
                raise ChainError(
                    f"{title} is a {kind} archive of more than {_MAX_FILES:,} files: unpack it."
                )
            names.append(name)
            if _may_be_structure(opened):
                found[name] = opened
        if len(found) == 1:
            with next(iter(found.values()))() as file:
                return file.read(limit)
    except ChainError:
        raise
    except _Encrypted as error:
        raise ChainError(f"{title} is an encrypted {kind} archive: unpack it first.") from error
    # Python's readers let through whatever a damaged archive trips over.
    except Exception as error:
        raise ChainError(
            f"{title} is a {kind} archive that is damaged or cut off ({error})."
        ) from error
    if found:
        raise ChainError(
            f"{title} is a {kind} archive of {len(found)} structures ({_listed(found)}): unpack "
            "it, and give the one you want, or its folder to esm-explore tokenize."
        )
    held = f"it has {_listed(names)}" if names else "it is empty"
    raise ChainError(f"{title} is a {kind} archive without a structure: {held}.")


class _Encrypted(Exception):
    pass


def _of_zip(file: BinaryIO) -> Iterator[tuple[str, _Opener]]:
    archive = zipfile.ZipFile(file)
    for member in archive.infolist():
        if member.is_dir() or _is_left_by_a_system(member.filename):
            continue
        if member.flag_bits & 0x1:
            raise _Encrypted
        yield member.filename, lambda member=member: archive.open(member)


def _of_tar(file: BinaryIO) -> Iterator[tuple[str, _Opener]]:
    archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    # Python's reader takes what is left of a file for all of it, and a header that is damaged for
    # the end.
    for member in archive:
        if member.isreg() and not member.issparse() and member.offset_data + member.size > end:
            raise tarfile.ReadError("it ends within a file")
        if member.isreg() and not _is_left_by_a_system(member.name):
            yield member.name, lambda member=member: archive.extractfile(member)
    file.seek(archive.offset)
    if file.read(_BLOCK).strip(b"\0"):
        raise tarfile.ReadError("it ends within a header, or has a damaged one")


def _may_be_structure(opened: _Opener) -> bool:
    """Look at a file's start; one that is damaged is left for the reading of it to say so."""
    with opened() as file:
        try:
            start = head(file, SIZE)
        except BROKEN:
            return True
    return is_structure(start) or archive_kind(start) != ""


def _is_left_by_a_system(name: str) -> bool:
    """Tell what macOS and hidden files put beside those that a user packed."""
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".")


def _listed(names: Iterable[str]) -> str:
    """List names of files; they can hold anything."""
    shown = ["".join(c if c.isprintable() else "?" for c in name)[:80] for name in names]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
