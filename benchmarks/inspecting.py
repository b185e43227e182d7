"""How fast the inspector answers, in a real JupyterLab: ``python benchmarks/inspecting.py``.

Needs Chromium. Prints the time from Run All of notebook 00 to its first picture; then from a click
on a letter of the sequence to the new sentence in the panel, over 30 residues at each of three
steps: with mini, with an encoder of ESM3's size, and for chains of 200 and 2,000 residues (whose
ratio says whether long chains are slower).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from lab import (  # noqa: E402
    errors_in,
    lab_page,
    lab_server,
    open_chromium,
    open_notebook,
    run_code,
    run_notebook,
    write_notebook,
)

FIRST = "00_start_here.ipynb"
SETUP = """
import warnings
import numpy as np
import esm_explore as ex
from dataclasses import replace
from esm.utils.structure.protein_chain import ProteinChain
warnings.simplefilter("ignore")
one = ex.read_chain("1AKE")[:200]
shifted = [one.atom37_positions + [60.0 * (i % 4), 60.0 * (i // 4), 0] for i in range(10)]
long = ProteinChain.from_atom37(
    np.concatenate(shifted).astype(np.float32), id="long", chain_id="A",
    sequence=one.sequence * 10, residue_index=np.arange(1, 2001))
encoders = {name: ex.load_encoder(name) for name in ("mini", "untrained")}
"""
BOX = "import ipywidgets\nbox = ipywidgets.VBox()\nbox"
CASES = {
    "mini, 200 residues": ("mini", "one"),
    "mini, 2,000 residues": ("mini", "long"),
    "ESM3's size, 200 residues": ("untrained", "one"),
}
STEPS = (0, 2, 8)
CLICKS = 30
# Clicks a letter and waits until the panel says another sentence; milliseconds.
CLICK = """async (root, index) => {
    const cell = root.querySelector(`[data-index='${index}']`);
    cell.scrollIntoView({block: "nearest"});
    const sentence = root.querySelector(".esm-explore-answer-0 .widget-html-content");
    const before = sentence.textContent;
    const box = cell.getBoundingClientRect();
    const at = {clientX: box.x + box.width / 2, clientY: box.y + box.height / 2,
                bubbles: true, pointerId: 1, button: 0};
    const start = performance.now();
    const done = new Promise((resolve) => {
        const seen = new MutationObserver(() => {
            if (sentence.textContent === before) return;
            seen.disconnect();
            requestAnimationFrame(() => resolve(performance.now() - start));
        });
        seen.observe(sentence, {childList: true, characterData: true, subtree: true});
    });
    cell.parentElement.parentElement.setPointerCapture = () => {};
    cell.dispatchEvent(new PointerEvent("pointerdown", at));
    cell.dispatchEvent(new PointerEvent("pointerup", at));
    return await done;
}"""


def first_picture(page) -> float:
    """Time from Run All of notebook 00 to the first 3D picture, seconds."""
    open_notebook(page, FIRST)
    start = page.evaluate("performance.now()")
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.locator(".esm-structure-canvas canvas").first.wait_for(timeout=120_000)
    page.locator(".esm-explore-answer-0 .js-plotly-plot").first.wait_for(timeout=120_000)
    return (page.evaluate("performance.now()") - start) / 1000


def clicks(page, encoder: str, chain: str) -> np.ndarray:
    """Milliseconds of each click in a new inspector."""
    failed = run_code(page, f"shown = ex.inspect(ex.trace(encoders['{encoder}'], {chain}))")
    assert failed == "", failed
    run_code(page, "box.children = [shown]")
    root = page.locator(".esm-explore-inspector").last
    root.locator(".js-plotly-plot").first.wait_for()
    page.wait_for_timeout(3000)
    took = []
    for step in STEPS:
        run_code(page, f"shown.step = {step}")
        page.wait_for_timeout(1500)
        for residue in np.random.default_rng(step).permutation(190)[:CLICKS].tolist():
            took.append(root.evaluate(CLICK, residue))
            page.wait_for_timeout(150)
    run_code(page, "shown.close()")
    return np.array(took[1:])


def main() -> None:
    """Measure all of it."""
    folder, home = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    shutil.copy(ROOT / "notebooks" / FIRST, folder)
    write_notebook(folder / "clicks.ipynb", [SETUP, BOX])
    with (
        lab_server(folder, home) as address,
        open_chromium() as browser,
        lab_page(browser, address, width=1280, height=720) as page,
    ):
        page.set_default_timeout(120_000)
        print(f"first inspector of notebook 00: {first_picture(page):.1f} s after Run All")
        assert errors_in(run_notebook(page, "clicks.ipynb")) == []
        page.set_default_timeout(120_000)
        medians = {}
        for name, case in CASES.items():
            took = clicks(page, *case)
            medians[name] = np.median(took)
            p95 = np.quantile(took, 0.95)
            print(f"{name}: click to panel p50 {medians[name]:.0f} ms, p95 {p95:.0f} ms")
        ratio = medians["mini, 2,000 residues"] / medians["mini, 200 residues"]
        print(f"2,000 residues take {ratio:.2f} times as long as 200")


if __name__ == "__main__":
    main()
