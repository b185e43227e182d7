"""What tokens, codes and latents detect of motion, at which false alarms."""

from __future__ import annotations

import plotly.graph_objects as go

from esm_explore.arguments import check_kind
from esm_explore.escaping import for_plotly
from esm_explore.experiments.calibration import PairsBenchmark
from esm_explore.palette import CATEGORIES
from esm_explore.plots.picture import Picture, draw

_DASHES = {"latent": "solid", "code": "dot"}


def motion_detected(benchmark: PairsBenchmark) -> Picture:
    """Show which share of moved residues each score detects, against its false alarms.

    Lines are distances of latents and of codes; a token flips or does not, and is one point.

    Parameters
    ----------
    benchmark : PairsBenchmark
        What `pairs_benchmark` reads.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is something else.
    """
    right = "what ex.experiments.pairs_benchmark reads"
    check_kind(benchmark, PairsBenchmark, "benchmark", right)
    curves, drawn = benchmark.curves, []
    for (encoder, rows), color in zip(
        curves.groupby("encoder", sort=False), CATEGORIES, strict=False
    ):
        name = encoder.partition(" (")[0]
        for score, dash in _DASHES.items():
            line = rows[rows["score"] == score].sort_values("false_alarms")
            drawn.append(
                go.Scatter(
                    x=line["false_alarms"],
                    y=line["detected"],
                    mode="lines",
                    name=for_plotly(f"{name}: {score}"),
                    line={"color": color, "dash": dash},
                )
            )
        flips = rows[(rows["score"] == "token") & (rows["false_alarms"] > 0)]
        drawn.append(
            go.Scatter(
                x=flips["false_alarms"],
                y=flips["detected"],
                mode="markers",
                name=for_plotly(f"{name}: token"),
                marker={"color": color, "size": 11, "symbol": "x"},
            )
        )
    titles = "; ".join(curves["encoder"].unique())
    figure = draw(
        drawn,
        "Which moved residues are detected, at which false alarms",
        [],
        curves[["false_alarms", "detected"]].to_numpy(),
        source=f"{_pairs(benchmark)} pairs of conformations; tokenizers: {titles}",
    )
    figure.update_xaxes(title="still residues called moved, share", range=[0, 1])
    figure.update_yaxes(title="moved residues called moved, share", range=[0, 1.02])
    return figure


def _pairs(benchmark: PairsBenchmark) -> int:
    return int(benchmark.scores["pairs"].max())
