"""Let the page get ready while Python is still at work."""

from __future__ import annotations

from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.structure_view import StructureView


def prepare_page() -> None:
    """Send the libraries that views are drawn with: the page loads them meanwhile."""
    StructureView.script()
    PlotView.script()
