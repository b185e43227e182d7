"""Pictures of a code's card: what it has more of than all residues, and its exemplars in 3D."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from esm_explore.arguments import check_kind
from esm_explore.atlas.cards import Card
from esm_explore.atlas.statistics import LEAST
from esm_explore.errors import TraceError
from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.palette import CATEGORIES
from esm_explore.plots.picture import BLUE, GRAY, LEGEND_ABOVE, Picture, draw
from esm_explore.plots.still import ChainStill
from esm_explore.plots.structure import StructurePicture, new_viewer
from esm_explore.plots.structure_views import draw_neighborhood

_KINDS = {
    **{"ss": "DSSP", "amino_acid": "amino acid"},
    **{"ramachandran": "phi, psi", "burial": "burial"},
}
_SURE = 0.05
# What is never seen would be infinitely low.
_LOWEST = 1 / 16
_CARD = "a card, from ex.open_atlas().code(1234)"


def enrichments(card: Card) -> Picture:
    """Show what a code's residues are more often, and less often, than all residues.

    Parameters
    ----------
    card : Card
        Of a code with at least 20 residues, a family counting as one chain.

    Returns
    -------
    Picture
        Bars from 1x up or down, on a logarithmic scale: gray where q is not below 0.05. Shares
        below 1/16 of the background's are drawn as 1/16.

    Raises
    ------
    TraceError
        If it is no card, or the code has fewer residues.
    """
    check_kind(card, Card, "card", _CARD)
    if not card.has_shares:
        raise TraceError(
            f"Code {card.code} has {card.count} residues of {card.families} families; shares are "
            f"of at least {LEAST} residues, a family counting as one chain: choose another code."
        )
    frame = card.to_frame()
    frame = frame[frame["kind"].isin(_KINDS) & (frame["background"] > 0)]
    height = np.log2(frame["enrichment"].clip(lower=_LOWEST))
    kinds = frame["kind"].tolist()
    # A bar's width between kinds.
    places = np.arange(len(kinds)) + np.cumsum([a != b for a, b in pairwise([kinds[0], *kinds])])
    hover = [
        f"{for_plotly(row.category)}: {row.share:.1%} of the code, {row.background:.1%} "
        f"of all: {row.enrichment:.2g}x, q {row.q:.1g}"
        for row in frame.itertuples()
    ]
    bars = []
    for name, color, chosen in (
        (f"q below {_SURE}", BLUE, frame["q"] < _SURE),
        ("as expected", GRAY, ~(frame["q"] < _SURE)),
    ):
        text = [said if keep else "" for said, keep in zip(hover, chosen, strict=True)]
        kept = {"name": name, "marker": {"color": color}, "hovertext": text}
        bars.append(go.Bar(x=places, y=height.where(chosen), hoverinfo="text", **kept))
    figure = draw(
        bars,
        f"Code {card.code}: {card.description}",
        [],
        frame["enrichment"],
        source=f"{card.count:,} residues against all of the atlas; encoder: {card.title}",
        legend=LEGEND_ABOVE,
        barmode="overlay",
        margin={"b": 110},
    )
    for kind, words in _KINDS.items():
        middle = places[[one == kind for one in kinds]].mean()
        under = {"yref": "paper", "y": -0.22, "yanchor": "top", "showarrow": False}
        figure.add_annotation(x=middle, text=f"<b>{words}</b>", **under)
    names = all_for_plotly(frame["category"])
    figure.update_xaxes(tickvals=places, ticktext=names, tickangle=-90, showgrid=False)
    marks = np.arange(-4, 5)
    said = [f"1/{2**-m}x" if m < 0 else f"{2**m}x" for m in marks.tolist()]
    figure.update_yaxes(title="share, over that of all residues", tickvals=marks, ticktext=said)
    return figure


def view_exemplars(card: Card) -> StructurePicture:
    """Show a code's exemplars, superposed by the backbone frame of their query.

    Neighbors up to 4 along the chain are joined to a line; the others are balls.

    Parameters
    ----------
    card : Card

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is no card, or no residue has the code.
    """
    check_kind(card, Card, "card", _CARD)
    if not card.exemplars:
        raise TraceError(f"No residue of the atlas has code {card.code}: choose another.")
    viewer = new_viewer()
    middle, along, across = CATEGORIES[-1], CATEGORIES[0], CATEGORIES[1]
    viewer.addSphere({"center": {"x": 0, "y": 0, "z": 0}, "radius": 0.5, "color": middle})
    ghost = [{"points": np.zeros((1, 3)), "color": middle, "radius": 0.25}]
    for one in card.exemplars:
        ghost += draw_neighborhood(viewer, one.ca, one.relative_positions)
    viewer.zoomTo()
    labels = ", ".join(one.label for one in card.exemplars)
    lines = [
        f"Code {card.code}, exemplars, superposed: {labels}",
        f"Encoder: {card.title}",
    ]
    legend = [(middle, "the residue"), (along, "up to 4 along the chain"), (across, "others")]
    return StructurePicture(viewer, ChainStill(np.zeros((0, 3)), [], ghost=ghost), lines, legend)
