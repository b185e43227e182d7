"""How other programs name a residue of a chain, and what they pass over as a comment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from esm_explore.chains.residues import plain_labels
from esm_explore.errors import TraceError
from esm_explore.export.values import ResidueValues
from esm_explore.outputs import printable

# To PyMOL a semicolon ends a comment, and a backslash goes on with it in the next line.
_IN_COMMENTS = re.compile(r"[^\w .,:+/()<>=|*'-]")
_ID, _LABEL = re.compile(r"[A-Za-z0-9]{1,8}"), re.compile(r"-?\d+[A-Za-z]?")


def named_residues(data: ResidueValues, program: str) -> list[tuple[int, str, str]]:
    """Give row, chain and number (with insertion code) of each residue, as a command names them.

    Raises
    ------
    TraceError
        If a chain's id is not made of letters and digits: it could be another command, or it is one
        that reading gave to tell chains of one id apart (``A-2``), and that the file does not have.
        If a residue's insertion code is no letter.
    """
    trace, labels = data.trace, plain_labels(data.trace.chain)
    named = [
        (int(row), str(trace.chain_ids[row]), labels[row]) for row in np.flatnonzero(~trace.breaks)
    ]
    odd = [label for _, _, label in named if not _LABEL.fullmatch(label)]
    if odd:
        raise TraceError(
            f"Residue {printable(odd[0])!r} cannot be named in a file for {program}: its insertion "
            "code is no letter; .csv holds any."
        )
    wrong = next((chain for _, chain, _ in named if not _ID.fullmatch(chain)), None)
    if wrong is not None:
        raise TraceError(
            f"Chain {printable(wrong)!r} cannot be named in a file for {program}, which finds "
            "chains of the original file by letters and digits; .cif holds any chain, with its "
            "coordinates."
        )
    return named


def comments(lines: Iterable[str]) -> list[str]:
    r"""Write lines for people into a file of commands; none of what they hold is a command.

    Examples
    --------
    >>> comments(["1UBI; quit"])
    ['# 1UBI\\x3b quit']
    """
    return [
        "# " + _IN_COMMENTS.sub(lambda odd: f"\\x{ord(odd[0]):02x}", printable(line))
        for line in lines
    ]


def by_color(data: ResidueValues, program: str) -> Iterator[tuple[str, str, list[str]]]:
    """Give each color and chain with the labels of its residues, in the order of the chain."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row, chain, label in named_residues(data, program):
        groups.setdefault((data.colors[row], chain), []).append(label)
    for (color, chain), labels in groups.items():
        yield color, chain, labels
