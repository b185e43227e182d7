"""The static picture of an inspector or a tour: what its parts show now."""

from __future__ import annotations

from collections.abc import Sequence

from esm_explore.plots.still import ChainStill
from esm_explore.plots.still_page import StillParts, draw_still
from esm_explore.widgets.chain_pane import ChainPane
from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.structure_view import StructureView


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
    legend = [(_seen(color), text) for color, text in structure.legend]
    return draw_still(
        StillParts(
            title,
            encoder,
            [_chain(pane) for pane in panes],
            [figure for figure in drawn if figure[0]],
            panel.sentence.value,
            legend,
            structure.bar,
        )
    )


def _chain(pane: ChainPane) -> ChainStill:
    view, trace = pane.structure, pane.trace
    atoms = trace.chain.atom37_positions if pane.coords is None else pane.coords
    return ChainStill(
        atoms[:, 1],
        _hexes(view),
        view.secondary,
        [label.partition(",")[0] for label in view.labels],
        view.camera,
        view.selected,
        view.selection,
        [tuple(line) for line in view.lines],
        view.focus,
        ghost=view.ghost,
        caption=trace.title,
    )


def _hexes(view: StructureView) -> list[str]:
    colors = bytes(view.colors)
    return [f"#{colors[i : i + 3].hex()}" for i in range(0, len(colors), 3)]


def _seen(color: str) -> str:
    return color or "#ffffff"
