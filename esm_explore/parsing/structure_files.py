"""What was located to atoms: PDB, mmCIF and BinaryCIF, told apart by content, and AtomArrays."""

from __future__ import annotations

import codecs

import numpy as np
from biotite.structure import AtomArray, AtomArrayStack

from esm_explore.errors import ChainError
from esm_explore.parsing.cif_files import is_cif, read_binary_cif, read_cif
from esm_explore.parsing.model import Model, check_model, complete
from esm_explore.parsing.pdb_files import is_pdb, read_pdb
from esm_explore.sources.locating import Source
from esm_explore.sources.sniffing import is_web_page

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


def read_model(source: Source, model: int = 1) -> Model:
    """Read one model of a structure.

    Parameters
    ----------
    source : Source
        Its content is bytes, an AtomArray or an AtomArrayStack.
    model : int
        Counted from 1.

    Returns
    -------
    Model

    Raises
    ------
    ChainError
        If the content is no structure, is damaged, or has fewer models.
    """
    title, data = source.title, source.content
    if isinstance(model, bool) or not isinstance(model, int | np.integer):
        raise ChainError(f"model is {model!r}; it is a number, counted from 1.")
    if not isinstance(data, bytes):
        return _of_arrays(data, model, title)
    start = data[:4096].lstrip()
    if not start:
        raise ChainError(f"{title} is empty: was it written, or downloaded, to its end?")
    if is_web_page(start):
        raise ChainError(
            f"{title} is a web page or XML, not a structure: was it saved from a browser, or is "
            "it the message of a failed download?"
        )
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


def _of_arrays(arrays: AtomArray | AtomArrayStack, model: int, title: str) -> Model:
    stack = arrays if isinstance(arrays, AtomArrayStack) else [arrays]
    check_model(model, len(stack), title)
    return Model(complete(stack[model - 1].copy()), len(stack))


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
