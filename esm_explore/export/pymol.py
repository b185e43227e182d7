"""PyMOL: commands that color residues and put values into their B factors."""

from __future__ import annotations

import numpy as np

from esm_explore.export.addresses import by_color, comments, named_residues
from esm_explore.export.values import ResidueValues

_PROGRAM = "PyMOL"


def commands(data: ResidueValues) -> bytes:
    """Write commands on what is loaded: ``load 1ubi.cif``, ``@margins.pml``."""
    numbers, meant = data.numbers()
    said = [f"B factor {number}: {word}" for word, number in meant.items()]
    lines = comments(data.said + said)
    for color, chain, labels in by_color(data, _PROGRAM):
        name = f"esm_{color.removeprefix('#')}"
        rgb = ", ".join(f"{int(color[i : i + 2], 16) / 255:.4f}" for i in (1, 3, 5))
        lines += [f"set_color {name}, [{rgb}]", f"color {name}, {_residues(chain, labels)}"]
    for row, chain, label in named_residues(data, _PROGRAM):
        if np.isfinite(numbers[row]):
            lines.append(f"alter {_residues(chain, [label])}, b={numbers[row]:.6g}")
    return ("\n".join([*lines, "rebuild"]) + "\n").encode()


def _residues(chain: str, labels: list[str]) -> str:
    """Name residues; a leading minus would be a range."""
    escaped = [f"\\{label}" if label.startswith("-") else label for label in labels]
    return f"(polymer and chain {chain} and resi {'+'.join(escaped)})"
