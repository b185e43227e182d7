"""What the page can do while the kernel still imports torch."""

from __future__ import annotations

import re
import sys

_LIVE = re.compile(r"\b(inspect|step_through|watch)\(")


def prepare_early() -> None:
    """Send the page its libraries if the notebook's cell that runs asks for a live view.

    plotly.js takes a page more than a second, torch and esm take a kernel two: in the cell that
    does both, neither waits for the other.
    """
    if "ipykernel" not in sys.modules:
        return
    from IPython import get_ipython

    shell = get_ipython()
    if hasattr(shell, "kernel") and _LIVE.search(shell.history_manager.input_hist_raw[-1]):
        # Brings in ipywidgets.
        from esm_explore.widgets.libraries import prepare_page

        prepare_page()
