"""The inspector as one HTML file, in which clicks are answered without Python.

What Python would have answered is written down for each residue and step. The page shows it with
the notebook's own views; `offline_page.js` stands for the kernel. `offline_record` writes it down.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import numpy as np
from plotly.offline import get_plotlyjs

from esm_explore.escaping import for_html
from esm_explore.text_files import check_place, write_text
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.code_answer import CodeAnswers
from esm_explore.widgets.libraries import read_3dmol
from esm_explore.widgets.messages import heading
from esm_explore.widgets.offline_record import Recorder
from esm_explore.widgets.page import FOLDER, Frame
from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.selection import Selection
from esm_explore.widgets.sequence_view import SequenceView
from esm_explore.widgets.structure_view import StructureView
from esm_explore.widgets.table_view import TableView
from esm_explore.widgets.tools import Tools

# What stands for the kernel; the last one uses the others.
_PARTS = ("model", "selection", "page")
MARK = "esm_explore inspector page"
_VIEWS = {
    **{"structure": StructureView, "sequence": SequenceView, "plot": PlotView},
    **{"table": TableView, "tools": Tools, "frame": Frame},
}


def write_page(
    path: str | Path,
    selection: Selection,
    coords: list[np.ndarray | None],
    shown: dict[str, object],
    answers: CodeAnswers,
    below: str = "",
) -> Path:
    """Write the page.

    Parameters
    ----------
    path : str or Path
    selection : Selection
        The traces, and what is chosen at first.
    coords : list of ndarray or None
        Where each chain is shown; None is where it is.
    shown : dict
        ``step``, ``color`` and ``tab``, as `Inspector` has them.
    answers : CodeAnswers
        Of the "code" tab.
    below : str
        HTML that stands below the inspector.

    Returns
    -------
    Path
    """
    check_place(path, MARK)
    saved = Recorder(selection, answers).saved(coords, shown)
    return write_text(path, _html(selection.traces, saved, below), MARK)


def _html(traces: list[Trace], saved: dict, below: str) -> str:
    n = 2 if len(traces) == 2 else 1
    areas = [f"structure-{i}" for i in range(n)] + ["map"]
    parts = "".join(f'<div class="esm-explore-{area}"></div>' for area in areas)
    for i in range(n):
        parts += (
            f'<div class="esm-explore-answer-{i} esm-explore-tabbed">'
            '<div class="esm-explore-tabs"></div><div class="esm-explore-tabpanel">'
            '<div class="esm-explore-sentence"></div><div class="esm-explore-plot-view"></div>'
            '<div class="esm-explore-table-view"></div></div></div>'
        )
    parts += "".join(f'<div class="esm-explore-sequence-{i}"></div>' for i in range(n))
    styles = "\n".join(dict.fromkeys(str(view._css) for view in _VIEWS.values()))
    views = ",\n".join(
        f"{name}: (() => {{\n{_script(view)}\n}})()" for name, view in _VIEWS.items()
    )
    libraries = {"3Dmol.js": read_3dmol(), "plotly.js": get_plotlyjs().encode()}
    held = "".join(
        f'<script type="text/plain" id="script-{name}">{_packed(text) if text else ""}</script>\n'
        for name, text in libraries.items()
    )
    page = "\n".join((FOLDER / f"offline_{part}.js").read_text("utf-8") for part in _PARTS)
    title = for_html("; ".join(trace.title for trace in traces))
    text = json.dumps(saved, separators=(",", ":"), allow_nan=False)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{MARK}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
{styles}
{(FOLDER / "offline_page.css").read_text("utf-8")}
</style></head><body>
<div class="esm-explore-inspector"><div class="esm-explore-frame"></div>
<div class="widget-html">{heading(traces)} · a saved page: attention is the average of all heads
</div><div class="esm-explore-steps"></div><div class="esm-explore-controls"></div>
<div class="esm-explore-message" role="status" hidden></div>
<div class="esm-explore-body-{n}">{parts}</div></div>
{below}
{held}<script type="text/plain" id="saved">{_packed(text.encode())}</script>
<script>
"use strict";
const VIEWS = {{
{views}
}};
{page}
</script></body></html>
"""


def _script(view: type) -> str:
    """Make of a view's ES module the body of a function."""
    return str(view._esm).replace("export default", "return")


def _packed(text: bytes) -> str:
    return base64.b64encode(gzip.compress(text, 9, mtime=0)).decode()
