"""The lines of a code's card: what each is about, and what there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_KIND_WORDS = {
    "ss": "secondary structure",
    "amino_acid": "amino acid",
    "ramachandran": "phi and psi",
    "burial": "burial",
    "relative_position": "neighborhood has",
    "contact_order": "contact order",
    "threedi": "3Di",
}
# Categories of each kind that are printed.
_SHOWN = 4
_Q = 0.05


def lines_of(card: Any) -> list[tuple[str, str]]:
    """Tell a `Card` in lines, each with a word of what it is about."""
    share = f"{card.share:.3%} ({card.share_low:.3%} to {card.share_high:.3%})"
    lines = [
        (
            "residues",
            f"{card.count:,} in {card.chains:,} chains of {card.families:,} families, "
            f"{share} of all",
        ),
    ]
    if card.has_shares:
        lines += [(name, ", ".join(them)) for name, them in _top(card.to_frame())]
    if card.count:
        lines += [
            ("medoid", str(card.exemplars[0])),
            ("exemplars", ", ".join(one.label for one in card.exemplars[1:]) or "none"),
            *_spread(card),
            ("edges", ", ".join(f"{label} ({m:.3f})" for label, m in card.edges)),
            ("borders", _codes(card.borders)),
            ("before", _following(card.before)),
            ("after", _following(card.after)),
            *_drawn(card),
            ("synonyms", ", ".join(map(str, card.synonyms)) or "none"),
        ]
    return [*lines, ("encoder", card.title)]


def _top(frame: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Name the most frequent categories of each kind, and those that stand out."""
    found = []
    for kind, words in _KIND_WORDS.items():
        rows = frame[(frame["kind"] == kind) & (frame["count"] > 0)]
        by, none = "count", "not known of any residue"
        if kind == "relative_position" and len(rows):
            # All neighborhoods have the next residues: what stands out says something.
            rows = rows[(rows["enrichment"] > 1) & (rows["q"] < _Q)]
            by, none = "enrichment", "as others"
        rows = rows.sort_values(by, ascending=False, kind="stable").head(_SHOWN)
        found.append((words, [_said(row) for row in rows.itertuples()] or [none]))
    return found


def _said(row: Any) -> str:
    sure = "" if row.q < _Q else ", as expected"
    return f"{row.category} {row.share:.0%} ({row.enrichment:.1f}x{sure})"


def _spread(card: Any) -> list[tuple[str, str]]:
    if len(card.exemplars) < 2:
        return []
    spread = card.spread().set_index("relative_position")["spread"]
    own = [at for at in card.exemplars[0].relative_positions.tolist() if at]
    shared = [at for at in own if at in spread.index]
    if not shared:
        return [("spread", f"none of the medoid's {len(own)} neighbors is in another exemplar")]
    apart = f"{np.median(spread[shared]):.1f} Å apart (median)"
    said = f"{len(shared)} of the medoid's {len(own)} neighbors are in other exemplars: {apart}"
    return [("spread", said)]


def _drawn(card: Any) -> list[tuple[str, str]]:
    if card.decoded is None:
        return []
    return [("decoder", f"draws the medoid's neighbors {card.decoder_rmsd:.1f} Å off (RMSD)")]


def _codes(table: pd.DataFrame) -> str:
    named = [f"{token} ({count:,})" for token, count in table.itertuples(index=False)]
    return ", ".join(named) or "none"


def _following(table: pd.DataFrame) -> str:
    named = [
        f"{row.token} ({row.n:,}, {row.lift:.0f}x{'' if row.q < _Q else ', as expected'})"
        for row in table.rename(columns={"count": "n"}).itertuples()
    ]
    return ", ".join(named) or "none"
