"""The static picture of an inspector or a tour: what its parts show now."""

from __future__ import annotations

from collections.abc import Sequence

from esm_explore.plots.still_page import StillParts, draw_still
from esm_explore.widgets.chain_pane import ChainPane
from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.structure_still import chain_still, how_it_lives


def still_of(
    title: str, encoder: str, panes: Sequence[ChainPane], figures: Sequence[PlotView], message: str
) -> bytes:
    """Draw views as they are now, as PNG.

    Parameters
    ----------
    title, encoder : str
    panes : sequence of ChainPane
        Their structures, and the first one's panel.
    figures : sequence of PlotView
        Beside the panel's.
    message : str
        What is said where there are no panes.
    """
    if not panes:
        return draw_still(StillParts(title, encoder, sentence=message, height=160))
    panel = panes[0].panel
    drawn = [(view.base + view.overlay, view.axes) for view in (*figures, panel.figure)]
    structure = panes[0].structure
    legend = [(color or "#ffffff", text) for color, text in structure.legend]
    return draw_still(
        StillParts(
            title,
            encoder,
            [chain_still(pane.structure, pane.trace.title) for pane in panes],
            [figure for figure in drawn if figure[0]],
            panel.sentence.value,
            legend,
            structure.bar,
            how_it_lives(structure),
        )
    )
