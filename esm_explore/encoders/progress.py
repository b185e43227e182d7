"""The bar that shows while residues are encoded, and whether bars are wanted."""

from __future__ import annotations

import os

from tqdm.auto import tqdm

SHOW_PROGRESS = 2_000


def residue_bar(total: int | None, shown: bool | None = None) -> tqdm:
    """Make a bar of residues; unless it is said otherwise, shown from 2,000 of them on."""
    shown = (total or 0) >= SHOW_PROGRESS if shown is None else shown
    return tqdm(total=total, unit="residue", disable=not shown or bars_are_hidden(), leave=False)


def bars_are_hidden() -> bool:
    """Say whether ``TQDM_DISABLE`` asks for none: tqdm's bars of notebooks do not look at it."""
    return os.environ.get("TQDM_DISABLE", "").lower() not in ("", "0", "false")
