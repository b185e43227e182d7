"""A small table in the page, whose rows can be chosen and sorted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from traitlets import Dict, Int, List, Unicode

from esm_explore.widgets.page import FOLDER, PageView, module
from esm_explore.widgets.panel_tables import Table
from esm_explore.widgets.plot_view import plain


class TableView(PageView):
    """A table; a click on a row, or Enter, chooses it, and one on a heading sorts.

    Parameters
    ----------
    on_row : callable
        Called with the number of the row that is chosen, as it was given.

    Attributes
    ----------
    columns : list of dict
        Of each its ``title``, the ``hint`` that is shown on hovering and focus, and whether it is
        ``numeric``.
    rows : list of list of str
    sort_values : list of list
        What rows are sorted by, in the shape of `rows`; None comes last.
    caption : str
        What this is, for screen readers.
    residues : list of int
        Which residue each row is about, as `Table` has them.
    selected, hovered : int
        Residues whose rows are marked; -1 for none.
    """

    _esm = module("table_view.js")
    _css = FOLDER / "table_view.css"
    columns = List(Dict()).tag(sync=True)
    rows: Any = List().tag(sync=True)
    sort_values: Any = List().tag(sync=True)
    caption = Unicode().tag(sync=True)
    residues = List(Int()).tag(sync=True)
    selected = Int(-1).tag(sync=True)
    hovered = Int(-1).tag(sync=True)

    def __init__(self, on_row: Callable[[int], None]):
        super().__init__()
        self._on_row = on_row

    def show(self, table: Table) -> None:
        """Show a table."""
        with self.hold_sync():
            self.columns, self.rows = table.columns, table.rows
            self.sort_values, self.caption = plain(table.sort_values), table.caption
            self.residues = table.residues

    def received(self, content: dict) -> None:
        """Tell of a row."""
        super().received(content)
        if content.get("kind") == "row":
            self._on_row(content["row"])
