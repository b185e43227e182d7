"""A trace in words: what was traced, and a row for each output of a stage."""

from __future__ import annotations

from typing import Any

import pandas as pd

from esm_explore.chains.joined import APART
from esm_explore.chains.residues import NUMBERINGS
from esm_explore.escaping import for_html, without_formulas
from esm_explore.tracing.stages import output_table


def as_text(trace: Any) -> str:
    """Write the summary of a trace as lines."""
    table = _table(trace)
    widths = [max(table[name].str.len().max(), len(name)) for name in table]
    rows = [tuple(table.columns), *table.itertuples(index=False)]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([*_header(trace), "", *lines])


def as_html(trace: Any) -> str:
    """Write the summary of a trace as HTML."""
    header = "<br>".join(for_html(line) for line in _header(trace))
    return without_formulas(f"<p>{header}</p>{_table(trace).to_html(index=False, border=0)}")


def _header(trace: Any) -> list[str]:
    frameless = int((~trace.has_frame & ~trace.breaks).sum())
    left_out = f"{frameless} without a backbone frame" if frameless else "all with a backbone frame"
    numbers = NUMBERINGS[trace.numbering]
    if trace.parts and trace.numbering == "file":
        numbers += f", each chain {APART} beyond the one before"
    return [
        f"Trace of {trace.title} ({left_out}); {numbers}",
        f"Encoder: {trace.encoder_info.title}",
    ]


def _table(trace: Any) -> pd.DataFrame:
    rows = []
    for name, module, meaning in output_table(len(trace.blocks)):
        if name == "relative_position":  # not made for its shape alone
            shape = trace.relative_position.bins.shape + trace.relative_position.table.shape[1:]
        else:
            shape = trace.output(name).shape
        rows.append((name, module, str(shape), meaning))
    return pd.DataFrame(rows, columns=["stage", "esm module", "shape", "what it is"])
