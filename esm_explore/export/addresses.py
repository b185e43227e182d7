"""How other programs name a residue of a chain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from esm_explore.errors import TraceError
from esm_explore.export.values import ResidueValues
from esm_explore.outputs import printable

_ID, _LABEL = re.compile(r"[A-Za-z0-9]{1,8}"), re.compile(r"-?\d+[A-Za-z]?")


def chain_id_of(data: ResidueValues, program: str) -> str:
    """Give the chain's id as a program's command names it.

    Raises
    ------
    TraceError
        If it is not made of letters and digits: it could be another command, or it is one that
        reading gave to tell chains of one id apart (``A-2``), and that the file does not have.
        If a residue's insertion code is no letter.
    """
    odd = [label for label in data.trace.labels if not _LABEL.fullmatch(label)]
    if odd:
        raise TraceError(
            f"Residue {printable(odd[0])!r} cannot be named in a file for {program}: its insertion "
            "code is no letter; .csv holds any."
        )
    name = data.trace.chain.chain_id or ""
    if not _ID.fullmatch(name):
        raise TraceError(
            f"Chain {printable(name)!r} cannot be named in a file for {program}, which finds "
            "chains of the original file by letters and digits; .cif holds any chain, with its "
            "coordinates."
        )
    return name


def by_color(data: ResidueValues) -> Iterator[tuple[str, list[str]]]:
    """Give each color with the labels of its residues, in the order of the chain."""
    groups: dict[str, list[str]] = {}
    for label, color in zip(data.trace.labels, data.colors, strict=True):
        groups.setdefault(color, []).append(label)
    yield from groups.items()
