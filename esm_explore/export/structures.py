"""Coordinates with the value in the B factor: PDB and mmCIF."""

from __future__ import annotations

import io
import re

import numpy as np
from biotite.structure import AtomArray
from biotite.structure.io.pdb import PDBFile
from biotite.structure.io.pdbx import CIFCategory, CIFFile, set_structure

from esm_explore.errors import TraceError, warn
from esm_explore.export.values import ResidueValues
from esm_explore.findings import some
from esm_explore.outputs import printable

_WIDE = 72  # characters of a remark's text
# What fits into columns 61 to 66 of an ATOM line.
_LOWEST, _HIGHEST = -99.99, 999.99
_ODD = re.compile(r"[^A-Za-z0-9 .+,:/*_<>=()-]|^_|^[.]$")
CATEGORY = "esm_explore_residue"


def pdb(data: ResidueValues) -> bytes:
    """Write all atoms; B factors have two decimals, and 0 where there is no value.

    Raises
    ------
    TraceError
        If a value, a residue number or the chain's id does not fit into the format's columns.
    """
    numbers, meant = data.numbers()
    chain, ids = data.trace.chain, set(data.trace.chain_ids[~data.trace.breaks].tolist())
    known = numbers[np.isfinite(numbers)]
    if known.size and not (known.min() >= _LOWEST and known.max() <= _HIGHEST):
        raise _too_wide(f"values go from {known.min():.6g} to {known.max():.6g}")
    wide = next((name for name in ids if len(name) > 1), None)
    if wide is not None:
        raise _too_wide(f"the chain's id is {printable(wide)!r}")
    if not -999 <= chain.residue_index.min() <= chain.residue_index.max() <= 9999:
        raise _too_wide(f"residue numbers reach {chain.residue_index.max()}")
    if np.abs(known - known.round(2)).max(initial=0) > 0:
        warn(
            f"B factors of a .pdb have two decimals: {known.min():.4g} to {known.max():.4g} is "
            "rounded; .cif keeps all digits."
        )
    remarks = [*data.said, *(f"B factor {n}: {word}" for word, n in meant.items())]
    if len(known) < len(numbers):
        none = ~np.isfinite(numbers) & ~data.trace.breaks
        labels = np.array(data.trace.labels, dtype=object)[none]
        remarks.append(f"no value, B factor 0: {some(labels.tolist())}")
    file = PDBFile()
    file.set_structure(_atoms(data, np.nan_to_num(numbers)))
    text = io.StringIO()
    file.write(text)
    cut = [
        printable(remark)[i : i + _WIDE]
        for remark in remarks
        for i in range(0, len(printable(remark)), _WIDE)
    ]
    head = "".join(f"REMARK  99 {line}\n" for line in cut)
    return f"{head}{text.getvalue().rstrip()}\nEND\n".encode("ascii", "backslashreplace")


def _too_wide(what: str) -> TraceError:
    return TraceError(f"{what[0].upper()}{what[1:]}, which .pdb has no room for: write a .cif.")


def cif(data: ResidueValues) -> bytes:
    """Write all atoms, and a category of residues with value, color, and what they are.

    B factors are 0 where there is no value; the category has a ``?`` there.
    """
    numbers, meant = data.numbers()
    trace = data.trace
    file = CIFFile()
    set_structure(file, _atoms(data, np.nan_to_num(numbers)), data_block="esm_explore")
    block = file.block
    table = trace.to_frame()
    columns = {
        "auth_asym_id": _chain_words(data),
        "auth_seq_id": table["number"].to_numpy(),
        "pdbx_PDB_ins_code": [_word(code) or "?" for code in table["insertion_code"]],
        "label": [_word(label) for label in trace.labels],
        "has_frame": np.where(trace.has_frame, "yes", "no"),
        "value": [_word(text) or "?" for text in data.texts()],
        "b_factor": [f"{n:.6g}" if np.isfinite(n) else "?" for n in numbers.tolist()],
        "color": np.array(data.colors),
    }
    rows = ~trace.breaks
    block[CATEGORY] = CIFCategory({name: np.array(v)[rows] for name, v in columns.items()})
    about = {"mark": data.said[0], "encoder": data.said[1], "value": data.name}
    if meant:
        about["words"] = ", ".join(f"{n} {_word(word)}" for word, n in meant.items())
    block["esm_explore"] = CIFCategory(about)
    text = io.StringIO()
    file.write(text)
    # biotite leaves them bare, and what follows a bare # is a comment.
    return re.sub(r"(?<=\s)(#[0-9a-f]{6})(?=\s)", r"'\1'", text.getvalue()).encode()


def _word(text: str) -> str:
    r"""Write what means something to mmCIF, in a name from elsewhere, as ``\\x`` and its number."""
    return _ODD.sub(lambda odd: f"\\x{ord(odd[0]):02x}", text)


def _chain_words(data: ResidueValues) -> np.ndarray:
    """Give each residue's chain as it is written."""
    return np.array([_word(name or "A") for name in data.trace.chain_ids.tolist()])


def _atoms(data: ResidueValues, numbers: np.ndarray) -> AtomArray:
    """Give the chain's atoms, as esm names them, each with its residue's number as B factor."""
    chain = data.trace.chain
    atoms = chain.atom_array.copy()
    residue = np.nonzero(chain.atom37_mask.astype(bool))[0]
    atoms.set_annotation("chain_id", _chain_words(data)[residue])
    codes = [_word(code) for code in data.trace.to_frame()["insertion_code"]]
    atoms.set_annotation("ins_code", np.array(codes, dtype=str)[residue])
    atoms.set_annotation("b_factor", numbers[residue])
    return atoms
