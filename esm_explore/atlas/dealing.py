"""Cards made of the table of codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from esm_explore.atlas.cards import Card, Exemplar
from esm_explore.atlas.compared import Compared
from esm_explore.outputs import printable

_FOLLOWING = ["token", "count", "families", "lift", "q"]


def categories_frame(row: dict, manifest: dict, compared: dict[str, Compared]) -> pd.DataFrame:
    """Make the table of a card, of a row of the table of codes; see `Card.to_frame`."""
    code, names = row["token"], manifest["categories"]

    def joined(value: Callable[[str], Sequence]) -> np.ndarray:
        return np.concatenate([value(kind) for kind in compared])

    return pd.DataFrame(
        {
            "kind": np.repeat(list(compared), [len(names[kind]) for kind in compared]),
            "category": joined(names.__getitem__),
            "count": joined(row.__getitem__),
            "share": joined(lambda kind: compared[kind].share[code]),
            "background": joined(manifest["expected"].__getitem__),
            "enrichment": joined(lambda kind: compared[kind].ratio[code]),
            "q": joined(lambda kind: compared[kind].q[code]),
            "share_low": joined(lambda kind: compared[kind].low[code]),
            "share_high": joined(lambda kind: compared[kind].high[code]),
        }
    )


def card_of(row: dict, encoder: dict, frame: pd.DataFrame, synonyms: list[int]) -> Card:
    """Make a card of a row of the table of codes; `encoder` is what the manifest says of it."""
    exemplars = [
        Exemplar(
            _label(one),
            one["margin"],
            one["distance"],
            np.array(one["relative_positions"], np.int64),
            np.array(one["ca"], np.float32).reshape(-1, 3),
        )
        for one in row["exemplars"]
    ]
    return Card(
        code=row["token"],
        title=encoder["title"],
        digest=encoder["digest"],
        **{name: row[name] for name in ("description", "count", "chains", "families")},
        **{name: row[name] for name in ("share", "share_low", "share_high")},
        margin=np.nan if row["margin"] is None else row["margin"],
        exemplars=exemplars,
        medoid_backbone=np.array(row["medoid_backbone"] or [], np.float32).reshape(-1, 3, 3),
        edges=[(_label(one), one["margin"]) for one in row["edges"]],
        borders=pd.DataFrame(row["borders"], columns=["token", "count"]),
        before=_met(row["before"]),
        after=_met(row["after"]),
        synonyms=synonyms,
        _frame=frame,
    )


def _met(rows: list[dict]) -> pd.DataFrame:
    rows = [{**row, "q": float(row["q"])} for row in rows]
    return pd.DataFrame(rows, columns=_FOLLOWING)


def _label(place: dict) -> str:
    residue = f"{place['number']}{place['insertion_code']}"
    return printable(f"{place['structure']} {place['chain']} {residue}")
