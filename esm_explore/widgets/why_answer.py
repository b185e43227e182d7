"""The "why" tab: what a residue's code hangs on, neighbor by neighbor and head by head."""

from __future__ import annotations

import numpy as np

from esm_explore.escaping import all_for_plotly
from esm_explore.experiments.knocked_out import KnockOut
from esm_explore.experiments.knocking_out import knock_out
from esm_explore.palette import CATEGORIES, CHANGE, colors_of
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.answers import Answer, around
from esm_explore.widgets.panel_contents import Contents
from esm_explore.widgets.panel_tables import Table, make_table
from esm_explore.widgets.stage_figures import PanelFigure
from esm_explore.widgets.stage_lines import Space
from esm_explore.widgets.stage_sentences import explained

OFFLINE = (
    "<b>Why.</b> A knock-out runs the encoder again, which needs a kernel: open the notebook, and "
    "there ex.inspect(traces), to see what a code hangs on."
)
_THICK, _THIN = 0.32, 0.13  # Å, half the thickness of a line


def why_answer(trace: Trace, residue: int) -> Answer:
    """Knock out a residue's neighbors and heads; an EsmExploreError where that is not possible."""
    knocked = knock_out(trace, residue)
    contents = Contents(
        f"<b>Why.</b> {explained(knocked.summary())}",
        effects_figure(knocked),
        effects_table(trace, knocked),
        trace.source,
    )
    said, ghost = star(trace, knocked)
    return Answer(contents, Space([], [], around(trace, knocked.index), said), ghost)


def effects_figure(knocked: KnockOut) -> PanelFigure:
    """Draw each neighbor's share of all effects beside its share of the attention to neighbors."""
    neighbors = knocked.neighbors
    effect, attention, flips = (neighbors[n].to_numpy() for n in ("effect", "attention", "flips"))
    paid = 100 * attention / max(attention.sum(), 1e-9)
    moved = 100 * effect / max(effect.sum(), 1e-9)
    names = all_for_plotly(neighbors["residue"])
    bars = [
        dict(
            type="bar",
            x=names,
            y=np.where(flips == (name == "changed"), moved, np.nan),
            name=f"effect, code {name}",
            marker={"color": color},
            offsetgroup="effect",
            hovertext=[
                f"the latent moves by {e:.2f}, token {token}"
                for e, token in zip(effect, neighbors["new_token"], strict=True)
            ],
            hovertemplate="without %{x}: %{hovertext}<extra></extra>",
        )
        for name, color in CHANGE.items()
    ]
    beside = dict(
        type="bar",
        x=names,
        y=paid,
        name="attention",
        marker={"color": CATEGORIES[3]},
        offsetgroup="attention",
        hovertext=[f"{share:.1%} of the residue's attention" for share in attention],
        hovertemplate="%{x}: %{hovertext}<extra></extra>",
    )
    layout = {
        "title": "Each neighbor's share of effect and of attention",
        "xaxis": {"type": "category", "title": {"text": "neighbor, nearest first"}},
        "yaxis": {"title": {"text": f"% of all {len(neighbors)}"}, "rangemode": "tozero"},
        "barmode": "group",
    }
    return PanelFigure([*bars, beside], layout, neighbors["index"].tolist())


def effects_table(trace: Trace, knocked: KnockOut) -> Table:
    """Make the table of a residue's neighbors: what becomes of it without each."""
    neighbors = knocked.neighbors
    index = neighbors["index"].to_numpy()
    names = trace.to_frame()["name"].to_numpy()[index]
    columns = {
        "residue": (
            [f"{name} {label}" for name, label in zip(names, neighbors["residue"], strict=True)],
            "{}",
        ),
        "along": (trace.residue_index[index] - trace.residue_index[knocked.index], "{:+d}"),
        "Å": (neighbors["distance"], "{:.1f}"),
        "effect": (neighbors["effect"], "{:.2f}"),
        "new token": (neighbors["new_token"], "{}"),
        "attention": (neighbors["attention"], "{:.1%}"),
    }
    return make_table(columns, f"The neighbors of {knocked.name}, taken away", index.tolist())


def star(trace: Trace, knocked: KnockOut) -> tuple[list[list[str]], list[dict]]:
    """Join a residue with its neighbors, in colors of their effects: a legend, and the lines."""
    neighbors = knocked.neighbors
    effects = neighbors["effect"].to_numpy()
    ca = trace.chain.atom37_positions[:, 1].astype(float)
    lines = [
        {
            "points": ca[[knocked.index, end]],
            "color": color,
            "radius": _THICK if flips else _THIN,
        }
        for end, color, flips in zip(
            neighbors["index"], colors_of(effects).hex, neighbors["flips"], strict=True
        )
        if np.isfinite(ca[end]).all()
    ]
    ends = colors_of(effects[[effects.argmin(), effects.argmax()]]).hex
    least, most = effects.min(), effects.max()
    said = [
        [ends[0], f"the latent moves by {least:.2f} without it, the least"],
        [ends[-1], f"by {most:.2f}, the most; thick: the code changes"],
    ]
    return said, lines
