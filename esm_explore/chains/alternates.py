"""Alternate locations: one place for each atom."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from biotite.structure import AtomArray

from esm_explore.parsing.amino_acids import BACKBONE

_BLANK = "blank"


def most_occupied(atoms: AtomArray) -> tuple[AtomArray, dict[str, str]]:
    """Keep one location of each residue: a whole backbone first, then the most occupied.

    Parameters
    ----------
    atoms : AtomArray
        Of one chain, with ``altloc_id`` and ``occupancy``.

    Returns
    -------
    atoms : AtomArray
        With one location an atom. Where occupancies are equal, the first letter. An atom that
        the chosen location does not have is taken from the most occupied one that has it. Where
        alternates are different amino acids, one amino acid.
    residues : dict
        By label of each residue that had a choice: what was used, and what was not.
    """
    letters = pd.Series(atoms.altloc_id.astype(str)).str.strip(" .?")
    if (letters == "").all():
        return atoms, {}
    table = pd.DataFrame(
        {
            "residue": pd.Series(atoms.res_id).astype(str) + pd.Series(atoms.ins_code.astype(str)),
            "name": atoms.res_name,
            "atom": atoms.atom_name,
            "altloc": letters,
            "occupancy": atoms.occupancy,
        }
    )
    # A few files leave the first of two locations without a letter.
    named = table["altloc"] != ""
    both = named.groupby([table["residue"], table["atom"]]).transform("any") & ~named
    table.loc[both, "altloc"] = _BLANK
    labeled = table[table["altloc"] != ""]
    places = labeled.groupby(["residue", "altloc"], sort=True).agg(
        occupancy=("occupancy", "mean"),
        backbone=("atom", lambda names: names[names.isin(BACKBONE)].nunique()),
        name=("name", "first"),
    )
    places = places.reset_index().sort_values(
        ["residue", "backbone", "occupancy", "altloc"], ascending=[True, False, False, True]
    )
    best = places.drop_duplicates("residue").set_index("residue")
    chosen = table["altloc"] == table["residue"].map(best["altloc"])
    # First the chosen location, then atoms without a letter, then the most occupied of others.
    order = table.assign(
        rank=(~chosen).astype(int) + (table["altloc"] != "").where(~chosen, False).astype(int)
    ).sort_values(["rank", "occupancy", "altloc"], ascending=[True, False, True], kind="stable")
    same_name = (order["name"] == order["residue"].map(best["name"])) | ~order["residue"].isin(
        best.index
    )
    order = order[same_name]
    lettered = order["altloc"] != ""
    again = order.duplicated(["residue", "atom"]) & lettered
    kept = order.index[~again].sort_values()
    return atoms[kept.to_numpy()], _choices(places, labeled["residue"].unique())


def _choices(places: pd.DataFrame, residues: Iterable[str]) -> dict[str, str]:
    """Say what was chosen for each residue that had a choice, and what was not."""
    choices = {}
    groups = dict(iter(places.groupby("residue", sort=False)))
    for residue in residues:
        of_residue = groups[residue]
        if len(of_residue) > 1:
            texts = [f"{a} ({o:.2f})" for a, o in of_residue[["altloc", "occupancy"]].to_numpy()]
            choices[residue] = f"{texts[0]}, not {', '.join(texts[1:])}"
    return choices
