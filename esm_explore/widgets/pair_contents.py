"""What the residue panel says of two residues: how far apart they are, stage by stage."""

from __future__ import annotations

import numpy as np

from esm_explore.experiments.pairing import ResiduePair
from esm_explore.tracing.stages import Stage
from esm_explore.widgets.panel_contents import Contents
from esm_explore.widgets.panel_tables import Table, make_table
from esm_explore.widgets.stage_figures import ACROSS, ALONG, PanelFigure
from esm_explore.widgets.stage_sentences import explained


def of_pair(pair: ResiduePair, stages: list[Stage]) -> Contents:
    """Say what parts two residues."""
    sentence = f"<b>Compared.</b> {explained(pair.sentence)}"
    source = f"{pair.title}; encoder: {pair.encoder_info.title}"
    return Contents(sentence, pair_figure(pair, stages), pair_table(pair), source)


def pair_figure(pair: ResiduePair, stages: list[Stage]) -> PanelFigure:
    """Draw how far apart two residues are at each stage, on the scale of random pairs."""
    table = pair.to_frame()
    share = table["random pairs nearer"].to_numpy()
    bars = dict(
        type="bar",
        x=[stage.short for stage in stages],
        y=100 * share,
        marker={"color": np.where(share > 0.5, ACROSS, ALONG).tolist()},
        hovertext=[f"{distance:.2f} apart" for distance in table["distance"]],
        hovertemplate="%{x}: %{hovertext}, farther than %{y:.0f} % of pairs<extra></extra>",
    )
    layout = {
        "title": "Random pairs that are nearer; orange: most",
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": "% nearer"}, "range": [0, 100]},
    }
    return PanelFigure([bars], layout)


def pair_table(pair: ResiduePair) -> Table:
    """Make the table of two residues, stage by stage."""
    frame = pair.to_frame()
    forms = {name: "{:.2f}" if frame[name].dtype.kind == "f" else "{}" for name in frame}
    columns = {name: (frame[name].tolist(), forms[name]) for name in frame}
    return make_table(columns, f"{pair.title}, stage by stage", [], missing="–")
