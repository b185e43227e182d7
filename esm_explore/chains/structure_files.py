"""The content of a structure file to atoms: PDB, mmCIF or BinaryCIF, told apart by content."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

import numpy as np

from esm_explore.chains.cif_files import is_cif, read_binary_cif, read_cif
from esm_explore.chains.model import Model
from esm_explore.chains.pdb_files import is_pdb, read_pdb
from esm_explore.errors import ChainError

# The largest PDB entries unpack to about 500 MB of mmCIF; a gzip bomb to far more.
MAX_BYTES = 1_000_000_000
# The first two bytes of UTF-32 are the mark of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# No text, but what old editors and devices leave in it.
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])


def parse(data: bytes, model: int, title: str) -> Model:
    """Read one model of a structure file.

    Parameters
    ----------
    data : bytes
        The file, unpacked.
    model : int
        Counted from 1.
    title : str
        Of the file, for messages.

    Returns
    -------
    Model

    Raises
    ------
    ChainError
        If it is no structure, is damaged, or has fewer models.
    """
    start = data[:4096].lstrip().lower()
    if not start:
        raise ChainError(f"{title} is empty.")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ChainError(
            f"{title} is a web page or XML, not a structure: was it saved from a browser, or is "
            "it the message of a failed download?"
        )
    if isinstance(model, bool) or not isinstance(model, int | np.integer):
        raise ChainError(f"model is {model!r}; it is a number, counted from 1.")
    try:
        if b"dataBlocks" in data[:4096]:
            return read_binary_cif(data, model, title)
        text = _decoded(data)
        if is_cif(text):
            return read_cif(text, model, title)
        if is_pdb(text):
            return read_pdb(text, model, title)
    except ChainError:
        raise
    # biotite and gemmi let through whatever a damaged file trips over in their parsers.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ChainError(
            f"{title} could not be read, it is damaged or cut off ({reason})."
        ) from error
    raise ChainError(
        f"{title} is not a structure: it is neither PDB (no ATOM lines) nor mmCIF (no data_ block) "
        "nor BinaryCIF."
    )


def _decoded(data: bytes) -> str:
    """Make text of it, with one kind of line end; without a mark of Latin-1, which reads any byte.

    UTF-16 without a mark has a zero in every other byte.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None:
        start = data[:400]
        zeros = {start[0::2].count(0): "utf-16-be", start[1::2].count(0): "utf-16-le"}
        encoding = zeros[max(zeros)] if max(zeros) > len(start) // 3 else "latin-1"
    if encoding != "latin-1":
        data = data.decode(encoding, "replace").encode("latin-1", "replace")
    data = data.translate(None, _CONTROLS).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.decode("latin-1")


def read_model(path: Path, model: int = 1) -> Model:
    """Read one model of a file."""
    if not path.exists():
        raise ChainError(f"There is no file {path}.")
    if not path.is_file():
        raise ChainError(f"{path} is not a file.")
    return parse(_unpacked(path), model, str(path))


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if gzipped else path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ChainError(f"{path} is a gzip file that is damaged or cut off ({error}).") from error
    except OSError as error:
        raise ChainError(f"{path} could not be read ({error.strerror or error}).") from error
    if len(data) > MAX_BYTES:
        raise ChainError(
            f"{path} is larger than {MAX_BYTES:,} bytes unpacked; raise "
            "esm_explore.chains.structure_files.MAX_BYTES if that is what you want."
        )
    return data
