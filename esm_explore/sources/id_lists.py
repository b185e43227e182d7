"""Text files with an id on each line: of the PDB, with or without a chain, or the AlphaFold DB."""

from __future__ import annotations

from pathlib import Path

from esm_explore.sources.identifiers import alphafold_id, pdb_id, pdb_id_and_chain

_SUFFIXES = (".txt", ".ids", ".list")
_LARGEST = 100_000_000


def read_id_list(path: str) -> tuple[list[str], list[str]] | None:
    """Read a list of ids.

    Parameters
    ----------
    path : str
        Of a text file: an id a line, such as ``1UBI``, ``1UBI_A``, ``AF-P69905`` or ``P69905``;
        what follows a # is a remark.

    Returns
    -------
    ids : list of str
        In order.
    others : list of str
        What is wrong with the other lines. None in place of both if it is no such file: its name
        has another ending, or no line is an id.
    """
    file = Path(path)
    if file.suffix.lower() not in _SUFFIXES or not file.is_file():
        return None
    if file.stat().st_size > _LARGEST:
        return None
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    ids, others = [], []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if pdb_id(text) or pdb_id_and_chain(text) or alphafold_id(text):
            ids.append(text)
        elif text:
            others.append(
                f"line {number}, {text[:40]!r}, is no id of the PDB (1UBI, or 1UBI_A) and none of "
                "the AlphaFold DB (AF-P69905)"
            )
    return (ids, others) if ids else None
