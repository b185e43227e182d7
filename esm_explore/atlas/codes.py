"""The table of codes: numbers, exemplars and a sentence for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from esm_explore.atlas.categories import BURIED, DISTANT, EXPOSED, KINDS, LOCAL
from esm_explore.atlas.compared import Compared, compare_codes
from esm_explore.atlas.counting import COLUMNS, Counts, count_codes
from esm_explore.atlas.describing import describe
from esm_explore.atlas.exemplars import edges, exemplars
from esm_explore.atlas.families import Families, families_of
from esm_explore.atlas.near import near_codes
from esm_explore.atlas.schema import CODES
from esm_explore.atlas.statistics import LEAST, correlation, usage_effect, wilson

# Codes that are named as neighbors of one.
_MOST = 5


def codes_table(
    parts: list[Path], codebook: np.ndarray, families: Mapping[str, str] | None = None
) -> tuple[pa.Table, pa.Table, dict]:
    """Make the tables of codes and of families of an atlas.

    Parameters
    ----------
    parts : list of Path
        Files of residues.
    codebook : ndarray, shape=(n_codes, d_code), dtype=float32
        Each code has a row, also where no residue has it.
    families : mapping of str to str, optional
        As in `families_of`.

    Returns
    -------
    codes : Table
        With the columns `CODES`.
    families : Table
        With the columns `FAMILIES`.
    about : dict
        For the manifest: what the counts of categories mean, and those of all residues.
    """
    numbering = pq.read_schema(parts[0]).metadata[b"esm_explore.numbering"].decode()
    of_chains, about = families_of(parts, families)
    counts = count_codes(parts, len(codebook), of_chains)
    expected, correlated, compared = _compared(counts)
    typical = exemplars(parts, counts.means, of_chains, numbering)
    columns = {
        **_used(counts, of_chains),
        **{kind: list(counts.marks[:, COLUMNS[kind]][:, :-1]) for kind in KINDS},
        "weighted": _structs({kind: counts.sums.counts[:, COLUMNS[kind]] for kind in KINDS}),
        "cluster": _structs({kind: _cluster(counts, kind) for kind in KINDS}),
        "description": [
            describe(
                float(counts.sums.counts[code, 0]),
                {kind: found.share[code] for kind, found in compared.items()},
                {kind: found.ratio[code] for kind, found in compared.items()},
                {kind: found.q[code] for kind, found in compared.items()},
            )
            for code in range(len(codebook))
        ],
        **_met(counts),
        **near_codes(codebook, counts),
        **_shown(typical, edges(parts, of_chains), len(codebook)),
    }
    table = pa.table([pa.array(columns[field.name], field.type) for field in CODES], schema=CODES)
    more = {
        "categories": {kind: list(names) for kind, names in KINDS.items()},
        "background": {kind: counts.marks[:, COLUMNS[kind]].sum(0)[:-1].tolist() for kind in KINDS},
        "expected": {kind: shares.tolist() for kind, shares in expected.items()},
        "correlation": {kind: found.round(4).tolist() for kind, found in correlated.items()},
        "burial": {"exposed": f"< {EXPOSED}", "buried": f">= {BURIED}"},
        "contact_order": {"local": f"< {LOCAL}", "distant": f">= {DISTANT}"},
        "least": LEAST,
        "framed": int(counts.count.sum()),
        "dssp": counts.dssp,
        "threedi": int(counts.marks[:, COLUMNS["threedi"]][:, -1].sum()),
        "threedi_by_ss": counts.crossed.tolist(),
        "perplexity": counts.pairs.perplexity(),
        "families": about,
    }
    return table, of_chains.to_arrow(), more


def _compared(counts: Counts) -> tuple[dict, dict, dict[str, Compared]]:
    """Compare all kinds; gives expected shares and correlations, too."""
    expected, correlated, compared = {}, {}, {}
    sums = counts.sums
    for kind in KINDS:
        columns = COLUMNS[kind]
        known = columns.stop - 1
        weighted = sums.counts[:, columns]
        whole = weighted.sum(0)
        expected[kind] = whole[:-1] / max(whole[-1], 1)
        correlated[kind] = correlation(
            weighted[:, -1],
            weighted[:, :-1],
            sums.n_families[:, known],
            sums.squares[:, known],
            sums.squares[:, columns][:, :-1],
        )
        compared[kind] = compare_codes(
            weighted, _cluster(counts, kind), expected[kind], correlated[kind]
        )
    return expected, correlated, compared


def _cluster(counts: Counts, kind: str) -> np.ndarray:
    known = COLUMNS[kind].stop - 1
    total = counts.sums.counts[:, known]
    return counts.sums.squares[:, known] / np.where(total > 0, total, 1)


def _used(counts: Counts, families: Families) -> dict[str, np.ndarray]:
    """Say how often codes are used."""
    sums, total = counts.sums, families.size.sum()
    used = sums.counts[:, 0]
    effect = usage_effect(used, sums.first_squared, sums.with_size, families.size)
    low, high = wilson(used / total, total / effect)
    margin = np.full(len(used), None)
    there = counts.count > 0
    margin[there] = counts.margin[there]
    return {
        "token": np.arange(len(used)),
        **{"count": counts.count, "chains": counts.chains, "families": sums.n_families[:, 0]},
        **{"share": used / total, "share_low": low, "share_high": high, "margin": margin},
    }


def _met(counts: Counts) -> dict[str, list]:
    """Name the codes that each meets."""
    following, n_codes = counts.pairs.following(), len(counts.count)
    turned = following.rename(columns={"code": "token", "token": "code"})
    return {
        "borders": _most(counts.pairs.bordering(), n_codes),
        "after": _most(following, n_codes),
        "before": _most(turned, n_codes),
    }


def _most(pairs: pd.DataFrame, n_codes: int) -> list[list[dict]]:
    """List, for each code, those counted most often with it."""
    # Thirds that are added up are no ties otherwise.
    ranked = pairs.assign(rank=-pairs["count"].round(3))
    ranked = (
        ranked.sort_values(["code", "rank", "token"], kind="stable").groupby("code").head(_MOST)
    )
    ranked["count"] = ranked["count"].round().clip(lower=1).astype(int)
    found: list[list[dict]] = [[] for _ in range(n_codes)]
    for row in ranked.drop(columns="rank").to_dict("records"):
        found[row.pop("code")].append(row)
    return found


def _shown(typical: dict, last: dict, n_codes: int) -> dict[str, list]:
    """List exemplars and edges, none for codes that are not used."""
    shown = [typical.get(code, []) for code in range(n_codes)]
    return {
        "exemplars": shown,
        "medoid_backbone": [them[0]["backbone"].ravel() if them else None for them in shown],
        "edges": [last.get(code, []) for code in range(n_codes)],
    }


def _structs(columns: dict[str, np.ndarray]) -> list[dict]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
