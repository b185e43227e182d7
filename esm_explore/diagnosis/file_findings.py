"""What was chosen or left out when a file was read."""

from __future__ import annotations

from typing import Any

from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.provenance import Reading
from esm_explore.chains.residues import residue_labels
from esm_explore.findings import Finding, some

# pLDDT below 0.7 is low (Jumper et al., 2021); B-factors above this say little about places.
_LOW_PLDDT = 0.7
_HIGH_B_FACTOR = 100.0


def file_findings(chain: ProteinChain, reading: Reading) -> list[Finding]:
    """Say what was chosen or left out.

    Parameters
    ----------
    chain : ProteinChain
    reading : Reading
        Of the chain.

    Returns
    -------
    list of Finding
    """
    labels = residue_labels(chain)
    found = []

    def add(severity: Any, title: str, residues: Any, why: str, remedy: str) -> None:
        found.append(Finding(severity, title, tuple(residues), why, remedy))

    if reading.ending:
        add(
            "warning" if reading.ending == "cut off" else "note",
            f"the file: {reading.ending}",
            (),
            "What is missing at the end is missing from neighborhoods.",
            "Compare the last residue with the one that the chain should end with.",
        )
    if reading.chosen_from:
        add(
            "note",
            f"chain {chain.chain_id} is the first of {reading.chosen_from}",
            (),
            "Every chain has tokens of its own.",
            "Give the chain id.",
        )
    if reading.n_models > 1:
        add(
            "note",
            f"{reading.kind} {reading.model} of {reading.n_models}; the others are ignored",
            (),
            f"Tokens differ between {reading.kind}s.",
            "Compare the tokens of all: ex.experiments.follow(encoder, ex.read_frames(...)).",
        )
    for note in reading.notes:
        add(
            "note",
            note,
            (),
            "The file does not say it as the format has it: this is what was made of it.",
            "Compare with what the file should hold.",
        )
    if reading.moved:
        add(
            "note",
            "residues that stand elsewhere in the file and were put in their places",
            reading.moved,
            "By their bonds, or where residues were missing by their numbers.",
            "Nothing, if the sequence is right.",
        )
    if reading.left_out:
        names = [f"{count} {name}" for name, count in reading.left_out.items()]
        add(
            "note",
            f"left out, being in no protein chain: {some(names)}",
            (),
            "The encoder sees protein alone.",
            "Nothing, unless one of them should be a residue of the chain.",
        )
    if reading.alternates:
        choices = [f"{label}: {choice}" for label, choice in reading.alternates.items()]
        add(
            "note",
            f"alternate locations, the most occupied used ({some(choices)})",
            reading.alternates,
            "Where the backbone has two places, tokens stand for one of them.",
            "Distrust them where occupancies are alike.",
        )
    if reading.repeated:
        add(
            "note",
            "atoms of side chains that are there twice; the first is used",
            reading.repeated,
            "Tokens are made from N, CA and C alone: none changes.",
            "Nothing, for tokens.",
        )
    if reading.modified:
        names = dict.fromkeys(reading.modified.values())
        add(
            "note",
            f"modified residues ({some([*names])})",
            reading.modified,
            "Tokens as any other's; in the sequence they have their parent's letter, or an X.",
            "Nothing, for tokens; mind the X where you give the sequence to a model.",
        )
    found += Finding.at(
        reading.occupancy == 0,
        labels,
        "warning",
        "backbones of occupancy 0",
        "They were placed without evidence in the data.",
        "Distrust tokens there and beside.",
    )
    if reading.predicted:
        low, what = chain.confidence < _LOW_PLDDT, f"pLDDT below {_LOW_PLDDT * 100:.0f}"
    else:
        low = reading.b_factor > _HIGH_B_FACTOR
        what = f"B-factors above {_HIGH_B_FACTOR:.0f} Å²"
    found += Finding.at(
        low,
        labels,
        "warning" if reading.predicted else "note",
        what,
        "Where atoms are is uncertain there, and so is each token.",
        "Leave those regions out, or compare several models.",
    )
    return found
