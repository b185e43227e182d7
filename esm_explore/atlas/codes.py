"""The table of codes: numbers, exemplars and a sentence for each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from esm_explore.atlas.counting import count_codes
from esm_explore.atlas.describing import describe
from esm_explore.atlas.exemplars import edges, exemplars
from esm_explore.atlas.schema import CODES
from esm_explore.atlas.statistics import BURIED, EXPOSED, KINDS, LEAST, enrichment, wilson

# Codes that are named as neighbors of one.
_MOST = 5


def codes_table(parts: list[Path], n_codes: int) -> tuple[pa.Table, dict]:
    """Make the table of codes of an atlas.

    Parameters
    ----------
    parts : list of Path
        Files of residues.
    n_codes : int
        Each has a row, also where no residue has it.

    Returns
    -------
    table : Table
        With the columns `CODES`.
    about : dict
        For the manifest: what the counts of categories mean, and those of all residues.
    """
    numbering = pq.read_schema(parts[0]).metadata[b"esm_explore.numbering"].decode()
    counts = count_codes(parts, n_codes)
    total = int(counts.count.sum())
    low, high = wilson(counts.count, total)
    background = {kind: found.sum(0) for kind, found in counts.categories.items()}
    compared = {
        kind: enrichment(found, background[kind]) for kind, found in counts.categories.items()
    }
    typical, last = exemplars(parts, counts, numbering), edges(parts)
    following = counts.following
    rows = []
    for code in range(n_codes):
        shown = typical.get(code, [])
        rows.append(
            {
                "token": code,
                "count": counts.count[code],
                "chains": counts.chains[code],
                "share": counts.count[code] / total,
                "share_low": low[code],
                "share_high": high[code],
                "margin": counts.margin[code] / counts.count[code] if shown else None,
                "description": describe(
                    int(counts.count[code]),
                    {kind: c[0][code] for kind, c in compared.items()},
                    {kind: c[1][code] for kind, c in compared.items()},
                    {kind: c[2][code] for kind, c in compared.items()},
                ),
                **{kind: found[code] for kind, found in counts.categories.items()},
                "borders": _most(counts.borders[code]),
                "before": _most(following[:, code]),
                "after": _most(following[code]),
                "exemplars": shown,
                "medoid_backbone": shown[0]["backbone"].ravel() if shown else None,
                "edges": last.get(code, []),
            }
        )
    about = {
        "categories": {kind: list(names) for kind, names in KINDS.items()},
        "background": {kind: found.tolist() for kind, found in background.items()},
        "burial": {"exposed": f"< {EXPOSED}", "buried": f">= {BURIED}"},
        "least": LEAST,
        "framed": total,
        "dssp": counts.dssp,
    }
    return pa.Table.from_pylist(rows, CODES), about


def _most(counts: np.ndarray) -> list[dict]:
    """List the codes counted most often."""
    order = np.argsort(-counts, kind="stable")[:_MOST]
    return [{"token": int(code), "count": int(counts[code])} for code in order if counts[code]]
