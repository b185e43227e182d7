"""A chain's arrays checked, and copied: what is made of a chain stays as it was made."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.complexes import Complex
from esm_explore.chains.provenance import keep_reading, reading_of
from esm_explore.errors import TraceError

# What stands behind the number of residues in the shape of each array, in words and numbers.
_BEYOND = {
    "residue_index": (),
    "insertion_code": (),
    "atom37_positions": (37, 3),
    "atom37_mask": (37,),
    "confidence": (),
}
# Differences of residue numbers have to be whole numbers of 64 bits, too.
_LARGEST = 2**31


def own_chain(chain: ProteinChain | Complex) -> ProteinChain:
    """Check a chain, and copy it with all its arrays.

    A trajectory moves the coordinates of one chain object from frame to frame, and whoever owns a
    chain may change it at any time: a trace and tokens keep what they were made of.

    Parameters
    ----------
    chain : ProteinChain or Complex
        Its arrays may have any byte order and memory order, and be read-only. Of a complex all
        chains are joined.

    Returns
    -------
    ProteinChain
        In this machine's byte order, each array in one piece: ``residue_index`` of int64, floats
        of 32 bits or, where they had more, 64. Atoms whose coordinates are not finite are out of
        ``atom37_mask``, and NaN. It has the reading of `chain`, as far as that still holds.

    Raises
    ------
    TraceError
        If it is no chain, or an array has another shape or holds something else than it should.
    """
    if isinstance(chain, Complex):
        chain = chain.joined
    if not isinstance(chain, ProteinChain):
        raise TraceError(
            f"Give one ProteinChain, from read_chain() or esm, not a {type(chain).__name__}; "
            "of a list, one chain after the other; a complex is what ex.read_complex(...) gives."
        )
    _check_arrays(chain)
    held = {field.name: getattr(chain, field.name) for field in fields(ProteinChain)}
    for name in ("atom37_positions", "confidence"):
        narrow = np.result_type(held[name].dtype, np.float32) == np.float32
        held[name] = _copy(held[name], np.float32 if narrow else np.float64)
    held["residue_index"] = _copy(held["residue_index"], np.int64)
    held["insertion_code"] = np.array(held["insertion_code"].tolist(), dtype=str)
    missing = ~np.isfinite(held["atom37_positions"]).all(-1)
    held["atom37_positions"][missing] = np.nan
    held["atom37_mask"] = _copy(held["atom37_mask"], bool) & ~missing
    own = ProteinChain(**held)
    reading = reading_of(chain)
    if reading is not None:
        keep_reading(own, reading)
    return own


def _copy(array: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
    return np.array(array, dtype=dtype, order="C")


def _check_arrays(chain: ProteinChain) -> None:
    """Check shapes and kinds, with a message of what it is and what it should be."""
    if not isinstance(chain.sequence, str):
        kind = type(chain.sequence).__name__
        raise TraceError(f"sequence of the chain is a {kind}; give a text, a letter a residue.")
    length = len(chain.sequence)
    for name, beyond in _BEYOND.items():
        value = getattr(chain, name)
        shape, right = getattr(value, "shape", None), (length, *beyond)
        if not isinstance(value, np.ndarray) or shape != right:
            given = f"has shape {shape}" if shape is not None else f"is a {type(value).__name__}"
            raise TraceError(
                f"{name} of the chain {given}; for a sequence of {length} residues it has to be "
                f"an array of shape {right}."
            )
    for name in ("atom37_positions", "atom37_mask", "confidence"):
        dtype = getattr(chain, name).dtype
        if dtype.kind not in "fiub":
            raise TraceError(f"{name} of the chain ({dtype}) holds no numbers: give float32.")
    numbers = chain.residue_index
    if (
        numbers.dtype.kind not in "fiu"
        or not ((numbers == np.trunc(numbers)) & (numbers > -_LARGEST) & (numbers < _LARGEST)).all()
    ):
        raise TraceError(
            f"residue_index of the chain ({numbers.dtype}) holds what is no whole number, which "
            "esm would cut off, or one beyond 2,147,483,647: give residue numbers as integers."
        )
    if not all(isinstance(code, str) for code in chain.insertion_code.tolist()):
        raise TraceError(
            f"insertion_code of the chain ({chain.insertion_code.dtype}) holds something else "
            "than text: give a text a residue, which is empty for none."
        )
