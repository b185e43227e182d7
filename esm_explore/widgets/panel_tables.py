"""The table of a residue's nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np

from esm_explore.escaping import for_reading
from esm_explore.glossary import explain
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import Attention, Stage
from esm_explore.tracing.traces import Trace

# Under which term the glossary explains a column.
_TERMS = {
    "along": "along the chain",
    "Å": "CA distance",
    "distance": "distance term",
    "rotation": "rotation term",
    "kind": "category",
    "new token": "token",
}


@dataclass(frozen=True)
class Table:
    """A table as `TableView` shows it.

    Attributes
    ----------
    columns : list of dict
    rows, sort_values : list of list
    caption : str
    residues : list of int
        For each row the index of the residue that it is about; empty where rows are of none.
    codes : list of int
        The same for codes; -1 for a row of none.
    """

    columns: list[dict] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    sort_values: list[list] = field(default_factory=list)
    caption: str = ""
    residues: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


def node_table(stage: Stage, trace: Trace, opened: Neighborhood, head: int | None) -> Table:
    """Make the table of a residue's nodes; where a stage has heads, None is all of them."""
    names = trace.to_frame()["name"].to_numpy()[opened.edges]
    residues = [f"{name} {label}" for name, label in zip(names, opened.labels, strict=True)]
    columns = {
        "rank": (np.arange(len(opened)), "{}"),
        "residue": (residues, "{}"),
        "along": (opened.relative_positions, "{:+d}"),
        "Å": (opened.distances, "{:.1f}"),
        **_columns(stage, trace, opened, head),
    }
    caption = f"The {len(opened)} nodes of residue {opened.label}"
    return make_table(columns, caption, opened.edges.tolist())


def make_table(
    columns: dict[str, tuple],
    caption: str,
    residues: list[int],
    missing: str = "no frame",
    codes: Sequence[int] = (),
) -> Table:
    """Make a table.

    Parameters
    ----------
    columns : dict of (values, form)
        By their titles, which the glossary explains; `form` writes a value.
    caption : str
    residues : list of int
        As `Table` has them.
    missing : str
        Stands for NaN.
    codes : sequence of int
        As `Table` has them.
    """
    shown = [
        [for_reading(form.format(value)) if value == value else missing for value in values]
        for values, form in columns.values()
    ]
    plain = [_plain(values) for values, _ in columns.values()]
    described = [
        {
            "title": name,
            "hint": explain(_TERMS.get(name, name)),
            "numeric": not isinstance(values[0], str),
        }
        for name, (values, _) in columns.items()
    ]
    rows = [list(row) for row in zip(*shown, strict=True)]
    return Table(
        described,
        rows,
        [list(row) for row in zip(*plain, strict=True)],
        for_reading(caption),
        residues,
        list(codes),
    )


def _plain(values: object) -> list:
    return [None if v != v else v for v in np.asarray(values).tolist()]


@singledispatch
def _columns(stage: Stage, trace: Trace, opened: Neighborhood, head: int | None) -> dict:
    return {"bin": (opened.bins, "{}"), "token": (trace.tokens[opened.edges], "{}")}


@_columns.register
def _(stage: Attention, trace: Trace, opened: Neighborhood, head: int | None) -> dict:
    columns = {}
    for name, values, form in (
        ("attention", opened.attention, "{:.1%}"),
        ("distance", -opened.distance_term, "{:.2f}"),
        ("rotation", opened.rotation_term, "{:.2f}"),
    ):
        rows = values[stage.block, :, 0]
        columns[name] = (rows.mean(0) if head is None else rows[head], form)
    return columns
