"""ChimeraX: an attribute of residues, and commands that color them."""

from __future__ import annotations

from esm_explore.export.addresses import by_color, comments, named_residues
from esm_explore.export.values import ResidueValues

_PROGRAM = "ChimeraX"


def attributes(data: ResidueValues) -> bytes:
    """Write an attribute file: ``open 1ubi.cif``, ``open margins.defattr``."""
    texts = data.texts()
    rows = [
        f"\t/{chain}:{label}\t{texts[row]}"
        for row, chain, label in named_residues(data, _PROGRAM)
        if texts[row]
    ]
    head = [
        *comments(data.said),
        f"attribute: esm_{data.name}",
        "match mode: 1-to-1",
        "recipient: residues",
    ]
    return _lines(head + rows)


def commands(data: ResidueValues) -> bytes:
    """Write commands that color what is open: ``open 1ubi.cif``, ``open margins.cxc``."""
    rows = [
        f"color /{chain}:{','.join(labels)} {color}"
        for color, chain, labels in by_color(data, _PROGRAM)
    ]
    return _lines(comments(data.said) + rows)


def _lines(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
