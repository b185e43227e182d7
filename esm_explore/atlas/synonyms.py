"""Codes that mean the same, as tables."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa


def near_frame(codes: pa.Table, token: int, known: pd.DataFrame) -> pd.DataFrame:
    """List the codes near to one; see `Atlas.synonyms`."""
    near = codes["near"][token].as_py()
    found = pd.DataFrame(near, columns=["token", "distance", "divergence", "exchanged"])
    found = found.astype(dict.fromkeys(("distance", "divergence", "exchanged"), float))
    found = found.astype({"token": int})
    own = known.loc[token, "meaning"]
    meaning = known.loc[found["token"], "meaning"].to_numpy()
    return found.assign(
        synonym=meaning == own, description=known.loc[found["token"], "description"].to_numpy()
    )


def clusters_frame(known: pd.DataFrame) -> pd.DataFrame:
    """List clusters of codes that mean the same; see `Atlas.synonym_clusters`."""
    used = known[known["meaning"] >= 0].sort_values("count", ascending=False, kind="stable")
    groups = used.groupby("meaning", sort=False)
    found = pd.DataFrame(
        {
            "codes": groups["token"].agg(list),
            "size": groups.size(),
            "count": groups["count"].sum(),
            "share": groups["share"].sum(),
            "description": groups["description"].first(),
        }
    )
    found = found[found["size"] > 1].sort_values(["size", "count"], ascending=False, kind="stable")
    return found.reset_index()
