"""How long the inspector takes from a click to its answer in the page, in a real JupyterLab."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from lab import errors_in, lab_page, lab_server, run_notebook, write_notebook

CELL = """\
import esm_explore as ex
trace = ex.trace(ex.load_encoder({encoder!r}), ex.read_chain("1ITU", chain_id="B"))
ex.inspect(trace)"""
CLICKS = 30
# From the pointer on a letter of the strip until the sentence and the figure of the panel are new.
ANSWER = """async index => {
    const root = document.querySelector(".esm-explore-inspector");
    const panel = root.querySelectorAll(".js-plotly-plot")[1];
    const letter = root.querySelector(`[data-index='${index}']`);
    letter.scrollIntoView({block: "nearest"});
    await new Promise(done => setTimeout(done, 700));
    const box = letter.getBoundingClientRect();
    const at = {clientX: box.left + 4, clientY: box.top + 4, pointerId: 1, bubbles: true};
    const drawn = panel.dataset.drawn;
    const start = performance.now();
    letter.parentElement.parentElement.setPointerCapture = () => {};
    letter.dispatchEvent(new PointerEvent("pointerdown", at));
    letter.dispatchEvent(new PointerEvent("pointerup", at));
    while (panel.dataset.drawn === drawn)
        await new Promise(done => requestAnimationFrame(done));
    return performance.now() - start;
}"""
STEP = """async key => {
    const root = document.querySelector(".esm-explore-inspector");
    const panel = root.querySelectorAll(".js-plotly-plot")[1];
    await new Promise(done => setTimeout(done, 700));
    const drawn = panel.dataset.drawn;
    const start = performance.now();
    root.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    while (panel.dataset.drawn === drawn)
        await new Promise(done => requestAnimationFrame(done));
    return performance.now() - start;
}"""


def main() -> None:
    for encoder in ("mini", "untrained"):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
            write_notebook(Path(folder) / "inspect.ipynb", [CELL.format(encoder=encoder)])
            with (
                lab_server(Path(folder), Path(home)) as address,
                lab_page(address, 1280, 1400) as page,
            ):
                if errors := errors_in(run_notebook(page, "inspect.ipynb")):
                    raise RuntimeError(errors)
                page.locator(".js-plotly-plot").nth(1).wait_for()
                page.wait_for_timeout(3000)
                chosen = np.random.default_rng(0).permutation(369)[:CLICKS].tolist()
                answers = [page.evaluate(ANSWER, index) for index in chosen]
                steps = [page.evaluate(STEP, key) for key in "23456789123456789"]
        for what, times in (("click", answers), ("step", steps)):
            half, most = np.percentile(times, [50, 95])
            print(f"{encoder}: {what} to new panel: p50 {half:.0f} ms, p95 {most:.0f} ms")


if __name__ == "__main__":
    main()
