"""Make docs/inspector_click.webp: a click in the sequence, one in the structure, one in the map.

The page is the inspector's own, as ``inspector.to_html`` writes it, in Chromium without a network;
a ring follows the mouse, and is filled where it clicks. Run from the root of the checkout:
``.venv/bin/python .ci/moving_picture.py``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

import esm_explore as ex

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from lab import open_chromium  # noqa: E402
from pages import PLACE, SEEN  # noqa: E402

OUT = ROOT / "docs" / "inspector_click.webp"
SIZE = {"width": 1200, "height": 720}
WIDTH = 900
MOUSE = """
const ring = document.createElement("div");
ring.style.cssText = "position:fixed;width:22px;height:22px;border:3px solid #e4572e;z-index:99999;"
    + "border-radius:50%;pointer-events:none;transform:translate(-50%,-50%);left:50%;top:50%";
document.body.append(ring);
addEventListener("mousemove", (e) => {
    ring.style.left = e.clientX + "px"; ring.style.top = e.clientY + "px"; }, true);
addEventListener("mousedown", () => { ring.style.background = "#e4572e88"; }, true);
addEventListener("mouseup", () => setTimeout(() => { ring.style.background = ""; }, 900), true);
"""


class Film:
    """Pictures of a page, each with how long it is seen, in ms."""

    def __init__(self, page) -> None:
        self._page, self.pictures, self.times = page, [], []

    def keep(self, milliseconds: int) -> None:
        """Take a picture."""
        shot = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        height = WIDTH * shot.height // shot.width
        self.pictures.append(shot.resize((WIDTH, height), Image.Resampling.LANCZOS))
        self.times.append(milliseconds)

    def click(self, x: float, y: float) -> None:
        """Move the mouse there, click, and look at what follows."""
        self._page.mouse.move(x, y)
        self._page.wait_for_timeout(300)
        self.keep(700)
        self._page.mouse.down()
        self._page.mouse.up()
        self._page.wait_for_timeout(150)
        self.keep(500)
        self._page.wait_for_timeout(2500)
        self.keep(1900)

    def write(self, path: Path) -> None:
        """Write it as animated WebP, which begins again when it has ended."""
        first, *rest = self.pictures
        first.save(path, append_images=rest, save_all=True, duration=self.times, loop=0, quality=80)


def main() -> None:
    """Film one chain."""
    trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    with tempfile.TemporaryDirectory() as folder, open_chromium() as browser:
        path = ex.inspect(trace).to_html(Path(folder) / "page.html")
        page = browser.new_context(viewport=SIZE, offline=True).new_page()
        page.set_default_timeout(240_000)
        page.goto(path.as_uri())
        page.locator(".esm-structure-canvas canvas").first.wait_for(state="attached")
        page.locator(".esm-explore-map .js-plotly-plot[data-drawn]").wait_for()
        page.evaluate(MOUSE)
        page.wait_for_timeout(3000)
        film = Film(page)
        film.keep(1200)
        box = page.locator("[data-index='29']").bounding_box()
        film.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        seen = page.locator(".esm-structure-canvas").evaluate(SEEN)
        there = next(each for each in seen if each["index"] not in range(25, 34))
        film.click(there["x"], there["y"])
        plot = page.locator(".esm-explore-map .js-plotly-plot")
        point = plot.evaluate("plot => { const x = [...plot._fullData[0].x];"
                              " return x.indexOf(Math.min(...x)); }")  # fmt: skip
        film.click(*plot.evaluate(PLACE, [0, point]))
        film.write(OUT)
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size / 1e6:.2f} MB, "
          f"{len(film.pictures)} pictures, {sum(film.times) / 1000:.1f} s")  # fmt: skip


if __name__ == "__main__":
    main()
