"""Ids of structures as people write them, and what the databases call them."""

from __future__ import annotations

import re

_ACCESSION = r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}"
_ALPHAFOLD = re.compile(
    rf"(?:(?P<name>AF-(?P<of_model>{_ACCESSION})(?:-F1)?)"
    r"(?:-MODEL_(?P<version>V[0-9]+))?(?:\.(?:CIF|PDB|BCIF)(?:\.GZ)?)?"
    rf"|(?P<accession>{_ACCESSION}))"
)
_PDB = re.compile(r"[0-9][A-Z0-9]{3}|PDB_[0-9A-Z]{8}")
_PDB_AND_CHAIN = re.compile(rf"({_PDB.pattern})(?:[:_]([A-Za-z0-9]{{1,4}})|\.([A-Za-z0-9]))", re.I)


def pdb_id(text: str) -> str | None:
    """Read an id of the PDB.

    Parameters
    ----------
    text : str
        In any case, of four characters or extended: ``1ubi`` or ``pdb_00001ubi``.

    Returns
    -------
    str or None
        Of four characters where there is such a one (``1UBI``), else as given; None if `text`
        is no id.
    """
    text = text.upper()
    if _PDB.fullmatch(text) is None:
        return None
    short = text.removeprefix("PDB_0000")
    return short if _PDB.fullmatch(short) else text.lower()


def pdb_id_and_chain(text: str) -> tuple[str, str] | None:
    """Read an id of the PDB that has a chain behind it: ``1UBI:A``, ``1UBI_A``, ``1UBI.A``."""
    match = _PDB_AND_CHAIN.fullmatch(text)
    return match and (match[1], match[2] or match[3])


def alphafold_id(text: str) -> tuple[str, str, str] | None:
    """Read an id of the AlphaFold DB.

    Parameters
    ----------
    text : str
        In any case: ``AF-P69905``, ``AF-P69905-F1``, ``AF-P69905-F1-model_v4``, that with
        ``.cif``, ``.pdb`` or ``.bcif``, or the UniProt accession alone.

    Returns
    -------
    accession : str
    name : str
        Of the structure.
    version : str
        Such as ``v4``; empty if `text` has none. None in place of all three if it is no id.
    """
    match = _ALPHAFOLD.fullmatch(text.upper())
    if match is None:
        return None
    accession = match["of_model"] or match["accession"]
    return accession, match["name"] or f"AF-{accession}", (match["version"] or "").lower()
