"""What is drawn of a code's card in a gallery: bars and neighborhoods, as JSON knows them."""

from __future__ import annotations

import numpy as np

from esm_explore.atlas.cards import Card
from esm_explore.atlas.describing import SS_WORDS
from esm_explore.escaping import for_reading

_KINDS = {
    "ss": "Secondary structure (DSSP)",
    "amino_acid": "Amino acid",
    "ramachandran": "phi and psi",
    "burial": "Burial",
    "threedi": "3Di",
}


def card_data(card: Card) -> dict:
    """Give what is drawn of a card, as JSON knows it.

    Returns
    -------
    dict
        ``exemplars``, the medoid first, which has its N, CA and C as ``backbone``: ``label``,
        ``relative``, and ``ca`` in the query's frame in 0.01 Å, three numbers a node, None where an
        atom is missing. ``rows``, one a category: count, share in ‰, enrichment and q, None where
        they are not told.
    """
    exemplars = [
        {
            "label": for_reading(one.label),
            "relative": one.relative_positions.tolist(),
            "ca": _hundredths(one.ca),
        }
        for one in card.exemplars
    ]
    if exemplars:
        exemplars[0]["backbone"] = _hundredths(card.medoid_backbone)
    frame = card.to_frame()
    told = zip(frame["count"], 1000 * frame["share"], frame["enrichment"], frame["q"], strict=True)
    rows = [[int(count), *map(_short, numbers)] for count, *numbers in told]
    return {"exemplars": exemplars, "rows": rows}


def kinds_data(card: Card) -> list[dict]:
    """Give the kinds of categories, in a card's order, with the background in ‰."""
    frame = card.to_frame()
    return [
        {
            "title": _title_of(kind),
            "names": [_named(kind, name) for name in rows["category"].astype(str)],
            "background": [_short(1000 * share) for share in rows["background"]],
        }
        for kind, rows in frame.groupby("kind", sort=False)
    ]


def _named(kind: str, name: str) -> str:
    return for_reading(f"{name} {SS_WORDS.get(name, '')}".strip() if kind == "ss" else name)


def _short(number: float) -> float | None:
    return float(f"{number:.3g}") if np.isfinite(number) else None


def _hundredths(places: np.ndarray) -> list[int | None]:
    numbers = np.asarray(places, float).ravel()
    return [round(100 * x) if np.isfinite(x) else None for x in numbers.tolist()]


def _title_of(kind: str) -> str:
    """Name a kind of categories for the reader."""
    return _KINDS.get(kind, kind.replace("_", " ").capitalize())
