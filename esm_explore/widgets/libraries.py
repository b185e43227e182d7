"""The libraries that the page draws with: each is sent once a kernel."""

from __future__ import annotations

from importlib.resources import files

from plotly.offline import get_plotlyjs

from esm_explore.widgets.page import Script


def threedmol_script() -> Script:
    """Give what structures are drawn with, and send it to the page if it is not there yet."""
    return Script.of("3Dmol.js", read_3dmol)


def plotly_script() -> Script:
    """Give what plots are drawn with, and send it to the page if it is not there yet."""
    return Script.of("plotly.js", lambda: get_plotlyjs().encode())


def prepare_page() -> None:
    """Send both: the page loads them while Python is still at work."""
    threedmol_script()
    plotly_script()


def read_3dmol() -> bytes:
    """Read 3Dmol.js; nothing where the package was installed without it."""
    script = files("esm_explore") / "static" / "3Dmol.es6-min.js"
    return script.read_bytes() if script.is_file() else b""
