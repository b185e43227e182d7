"""Which residue names are amino acids, and of which parent: the dictionaries and the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
from biotite.structure.info import amino_acid_names, one_letter_code
from esm.utils.residue_constants import restype_1to3

# Names that force fields and their programs give to protonation states and phosphorylated
# residues (Amber, CHARMM, GROMACS, Desmond, Rosetta), by parent; longer ones begin with the three
# letters of it (HISD, LYS+). The component dictionary has other molecules under some of them.
_FORCE_FIELDS = {
    "H": "HID HIE HIP HSD HSE HSP HSH HIN HIH HIZ",
    "C": "CYX CYM CYN CYH CYD CYZ CYT",
    "D": "ASH AS4 ASZ",
    "E": "GLH GL4 GLZ",
    "K": "LYN LYP LSN LYZ",
    "R": "ARN AR0 RN1",
    "Y": "TYM TYD Y1P Y2P YP1",
    "S": "S1P SP1 SP2 SRO",
    "T": "T1P TP1 TP2 THO",
}
_FORCE_FIELD = {name: letter for letter, names in _FORCE_FIELDS.items() for name in names.split()}
_SIDE_CHAINS = {
    "A": "",
    "R": "CG CD NE CZ NH1 NH2",
    "N": "CG OD1 ND2",
    "D": "CG OD1 OD2",
    "C": "SG",
    "Q": "CG CD OE1 NE2",
    "E": "CG CD OE1 OE2",
    "G": "",
    "H": "CG ND1 CD2 CE1 NE2",
    "I": "CG1 CG2 CD CD1",
    "L": "CG CD1 CD2",
    "K": "CG CD CE NZ",
    "M": "CG SD CE",
    "F": "CG CD1 CD2 CE1 CE2 CZ",
    "P": "CG CD",
    "S": "OG",
    "T": "OG1 CG2",
    "W": "CG CD1 CD2 NE1 CE2 CE3 CZ2 CZ3 CH2",
    "Y": "CG CD1 CD2 CE1 CE2 CZ OH",
    "V": "CG1 CG2",
}
_STANDARD = {name: letter for letter, name in restype_1to3.items() if letter != "X"}
WATERS = ["HOH", "DOD", "WAT", "H2O", "SOL", "TIP", "TIP3", "TIP4", "TIP5", "SPC", "T3P", "T4P"]
BACKBONE = ("N", "CA", "C")
_COMMON = frozenset(["N", "CA", "C", "O", "CB", "OXT", "OT1", "OT2", "OC1", "OC2", "O1", "O2"])
UNKNOWN = "X"


def is_standard(names: np.ndarray) -> np.ndarray:
    """Mark residue names that are of the 20 amino acids."""
    return np.isin(names, list(_STANDARD))


@cache
def _dictionary() -> frozenset[str]:
    return frozenset(amino_acid_names())


def parent_letter(
    name: str, atom_names: Iterable[str], hetero: bool, of_file: Mapping[str, set[str]]
) -> str | None:
    """Give the one letter of a residue's parent amino acid.

    Parameters
    ----------
    name : str
        Such as ``MSE``.
    atom_names : iterable of str
        Of all residues with that name in the file: they tell a force field's name from that of
        another molecule.
    hetero : bool
        Whether they are written as HETATM.
    of_file : mapping of str to set of str
        What the file says of parents (``MODRES``, ``_pdbx_struct_mod_residue``), by name.

    Returns
    -------
    str or None
        One of the 20, ``X`` for an amino acid of another or of no known parent (selenocysteine,
        a chromophore of three residues), None for what is no amino acid as far as names tell.

    Notes
    -----
    In this order: the 20 names, the file, names of force fields where the atoms are those of the
    parent, the wwPDB's component dictionary (through biotite), and names of four letters that
    begin with the N or C of a terminus. Never a guess from the first letter.
    """
    if name in _STANDARD:
        return _STANDARD[name]
    letters = {_STANDARD[parent] for parent in of_file.get(name, set()) & {*_STANDARD}}
    if letters:
        return letters.pop() if len(letters) == 1 else UNKNOWN
    known = _by_force_field(name, frozenset(atom_names), hetero)
    if known:
        return known
    if name in _dictionary():
        letter = one_letter_code(name)
        return letter if letter in restype_1to3 else UNKNOWN
    if len(name) == 4 and name[0] in "NC":
        return parent_letter(name[1:], atom_names, hetero, {})
    return None


def _by_force_field(name: str, atom_names: frozenset[str], hetero: bool) -> str | None:
    letter = _FORCE_FIELD.get(name)
    if letter is None and len(name) == 4:
        letter = _STANDARD.get(name[:3])
    if letter is None or not atom_names.issuperset(BACKBONE):
        return None
    own = {atom for atom in atom_names - _COMMON if not _is_hydrogen(atom)}
    others = {atom for atom in own if not (atom.startswith("P") or atom in _PHOSPHATE)}
    if not others <= set(_SIDE_CHAINS[letter].split()):
        return None
    # Cut after CB, a name that both have says nothing: deposited entries write HETATM.
    unclear = hetero and not own and name in _dictionary()
    return None if unclear else letter


_PHOSPHATE = frozenset(["O1P", "O2P", "O3P", "OP1", "OP2", "OP3", "OPA", "OPB", "OT", "OPT"])


def _is_hydrogen(atom: str) -> bool:
    # NMR programs write Q for a group of them.
    return atom.lstrip("0123456789*'")[:1] in ("H", "D", "Q")
