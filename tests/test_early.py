"""Before torch is there: what a notebook's page is sent, and how Python counts its objects."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUN_CELL = """
import sys
import ipykernel
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.kernel = None
shell.run_cell({cell!r}, store_history=True).raise_error()
scripts = sys.modules.get("esm_explore.widgets.page")
print(*([] if scripts is None else scripts.Script.ready), "torch" in sys.modules)
"""


def run(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("then", "sent"),
    [
        ("ex.inspect(1)", ["3Dmol.js", "plotly.js"]),
        ("from inspect import signature", []),
        ("ex.view(1)", []),
    ],
)
def test_the_page_loads_its_libraries_before_torch_is_imported(then, sent):
    """If the cell that runs asks for a live view; another cell sends nothing."""
    cell = f"import esm_explore as ex\nex.ChainError\nif False: {then}"
    assert run(RUN_CELL.format(cell=cell)) == [*sent, "False"]


def test_without_a_notebook_nothing_is_sent():
    """A script has no page."""
    code = (
        "import sys, esm_explore as ex\nex.ChainError\n"
        "# ex.inspect(\nprint({'IPython', 'ipywidgets'} & sys.modules.keys())"
    )
    assert run(code) == ["set()"]


@pytest.mark.parametrize("collects", [True, False])
def test_pythons_collection_of_garbage_is_as_it_was(collects):
    """On or off, and nothing is kept from it for good; what was frozen stays so."""
    code = (
        f"import gc\n{'' if collects else 'gc.disable()'}\n"
        "import esm_explore as ex\nex.ChainError\nfirst = gc.isenabled(), gc.get_freeze_count()\n"
        "gc.freeze(); ex.TraceError\nprint(*first, gc.isenabled(), gc.get_freeze_count() > 0)"
    )
    assert run(code) == [str(collects), "0", str(collects), "True"]
