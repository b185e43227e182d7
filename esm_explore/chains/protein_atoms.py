"""Which atoms of a model are protein, and which of their alternate locations count."""

from __future__ import annotations

import numpy as np
import pandas as pd
from biotite.structure import AtomArray, filter_amino_acids, get_residue_starts

# A peptide bond is 1.33 Å long; a free amino acid in a binding site is farther off.
_BONDED = 2.0


def residue_starts(atoms: AtomArray) -> np.ndarray:
    """Find where residues begin.

    Parameters
    ----------
    atoms : AtomArray

    Returns
    -------
    ndarray, shape=(n_residues,), dtype=int
        Indices of first atoms.
    """
    return get_residue_starts(atoms) if len(atoms) else np.zeros(0, int)


def protein_chains(atoms: AtomArray) -> dict[str, AtomArray]:
    """Cut the protein chains out of a model.

    Parameters
    ----------
    atoms : AtomArray
        All atoms of the model, with the author's chain ids.

    Returns
    -------
    dict
        Atoms by chain id, in the order of the file: amino acids of the polymer, also where a
        modified one is written as HETATM, without waters, ligands, caps and free amino acids.
    """
    amino = atoms[filter_amino_acids(atoms)]
    chains = {}
    for chain_id in dict.fromkeys(amino.chain_id.tolist()):
        chain = amino[amino.chain_id == chain_id]
        chain = chain[_in_polymer(chain)]
        if len(chain):
            chains[chain_id] = chain
    return chains


def _in_polymer(atoms: AtomArray) -> np.ndarray:
    """Mark atoms of residues that are written as ATOM, or bonded to the residue beside them."""
    starts = residue_starts(atoms)
    nitrogen, carbon = (_first_atom(atoms, starts, name) for name in ("N", "C"))
    with np.errstate(invalid="ignore"):
        bonded = np.linalg.norm(carbon[:-1] - nitrogen[1:], axis=1) < _BONDED
    linked = np.zeros(len(starts), bool)
    linked[:-1] |= bonded
    linked[1:] |= bonded
    keep = linked | ~atoms.hetero[starts]
    return np.repeat(keep, np.diff([*starts, len(atoms)]))


def _first_atom(atoms: AtomArray, starts: np.ndarray, name: str) -> np.ndarray:
    """Give the position of a named atom in each residue, NaN where there is none."""
    positions = np.full((len(starts), 3), np.nan)
    found = np.flatnonzero(atoms.atom_name == name)[::-1]
    positions[np.searchsorted(starts, found, side="right") - 1] = atoms.coord[found]
    return positions


def most_occupied(atoms: AtomArray) -> tuple[AtomArray, dict[str, str]]:
    """Keep the most occupied alternate location of each residue.

    Parameters
    ----------
    atoms : AtomArray
        Of one chain, with ``altloc_id`` and ``occupancy``.

    Returns
    -------
    atoms : AtomArray
        With one location an atom. Where occupancies are equal, the first letter. Where
        alternates are different amino acids, one amino acid.
    residues : dict
        By label of each residue that had a choice: what was used, and what was not.
    """
    table = pd.DataFrame(
        {
            "residue": pd.Series(atoms.res_id).astype(str) + pd.Series(atoms.ins_code.astype(str)),
            "atom": atoms.atom_name,
            "altloc": pd.Series(atoms.altloc_id.astype(str)).str.strip(" .?"),
            "occupancy": atoms.occupancy,
        }
    )
    # A few files leave the first of two locations without a letter.
    named = table["altloc"] != ""
    both = named.groupby([table["residue"], table["atom"]]).transform("any") & ~named
    table.loc[both, "altloc"] = "blank"
    labeled = table[table["altloc"] != ""]
    if labeled.empty:
        return atoms, {}
    mean = labeled.groupby(["residue", "altloc"], sort=True)["occupancy"].mean().reset_index()
    best = mean.loc[mean.groupby("residue")["occupancy"].idxmax()].set_index("residue")["altloc"]
    chosen = (table["altloc"] == "") | (table["altloc"] == table["residue"].map(best))
    choices = {}
    for residue in table["residue"].unique():
        of_residue = mean[mean["residue"] == residue]
        if len(of_residue) > 1:
            texts = [f"{a} ({o:.2f})" for a, o in of_residue[["altloc", "occupancy"]].to_numpy()]
            used = texts.pop(list(of_residue["altloc"]).index(best[residue]))
            choices[residue] = f"{used}, not {', '.join(texts)}"
    return atoms[chosen.to_numpy()], choices
