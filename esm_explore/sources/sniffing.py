"""Whether a file is a structure, by how it starts."""

from __future__ import annotations

import codecs

# What a sniff looks at: remarks that go on for longer begin with a record of PDB.
SIZE = 2**16
_ATOMS = (b"ATOM  ", b"HETATM")
_RECORDS = (
    *(b"HEADER", b"OBSLTE", b"TITLE ", b"SPLIT ", b"CAVEAT", b"COMPND", b"SOURCE", b"KEYWDS"),
    *(b"EXPDTA", b"NUMMDL", b"MDLTYP", b"AUTHOR", b"REVDAT", b"JRNL  ", b"REMARK", b"DBREF "),
    *(b"SEQRES", b"CRYST1", b"MODEL ", b"USER  ", b"SSBOND", b"HELIX "),
)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_structure(start: bytes) -> bool:
    """Tell whether a file begins as PDB, mmCIF or BinaryCIF do.

    Parameters
    ----------
    start : bytes
        Its first `SIZE`, not compressed.

    Returns
    -------
    bool
    """
    if b"dataBlocks" in start[:4096]:
        return True
    if start.startswith(_UTF_16):
        start = start[: len(start) // 2 * 2].decode("utf-16", "replace").encode()
    elif b"\0" in start:
        return False
    start = start.removeprefix(codecs.BOM_UTF8).replace(b"\r", b"\n")
    if any(b"\n" + record in b"\n" + start for record in _ATOMS):
        return True
    lines = (line for line in start.split(b"\n") if line.strip() and not line.startswith(b"#"))
    first = next(lines, b"")
    return first.lower().startswith(b"data_") or first.ljust(6).startswith(_RECORDS)


def is_web_page(start: bytes) -> bool:
    """Tell whether a file begins as HTML or XML do."""
    return start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml"))


def what_it_is(start: bytes) -> str:
    """Say of a file that is no structure what else it seems to be.

    Parameters
    ----------
    start : bytes

    Returns
    -------
    str
        Such as ``"a web page or XML"``.
    """
    if not start.strip():
        return "it is empty"
    if is_web_page(start):
        return "a web page or XML"
    if b"\0" in start:
        return "a binary file"
    return "no ATOM lines and no data_ block where it begins"
