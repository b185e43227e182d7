"""The bar that shows while residues are encoded."""

from __future__ import annotations

from tqdm.auto import tqdm

SHOW_PROGRESS = 2_000


def residue_bar(total: int | None, shown: bool | None = None) -> tqdm:
    """Make a bar of residues; unless it is said otherwise, shown from 2,000 of them on."""
    shown = (total or 0) >= SHOW_PROGRESS if shown is None else shown
    return tqdm(total=total, unit="residue", disable=not shown, leave=False)
