"""Renew the README's pictures: ``python .ci/readme_pictures.py``; needs Chromium.

Figures are those that the notebooks store, so `make outputs` comes first. The inspector is seen in
a JupyterLab of 1280 x 720.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

import nbformat
from figure_pictures import PNG
from PIL import Image

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "tests"))
from inspectors import CELLS, DARK, LIGHT, set_theme  # noqa: E402
from lab import (  # noqa: E402
    errors_in,
    lab_page,
    lab_server,
    open_chromium,
    run_code,
    run_notebook,
    write_notebook,
)
from pages import drawn  # noqa: E402

# By the file's name: a notebook, and how the text begins after which the picture comes.
FIGURES = {
    "stages_by_secondary_structure": ("06_maps", "UMAP of 5 stages, colored by secondary"),
    "heads_sequence_against_space": ("04_geometric_attention", "Heads by sequence and space"),
    "adenylate_kinase_changed_tokens": ("07_tokens_in_3d", "1AKE chain A, 214 residues, colored"),
}
# The theme, which of the inspectors it is, and what is shown in it.
SCREENS = {
    "inspector": (LIGHT, 0, "one.step = 4"),
    "inspector_side_by_side": (LIGHT, 1, "two.select(1, 30); two.step = 8"),
    "inspector_dark": (DARK, 0, "one.tab = 'code'; one._panes[0].settle()"),
}
_REST = 4000  # ms until all is drawn that Python has sent


def stored_picture(notebook: str, begins: str) -> bytes:
    """Give the first PNG that a notebook stores at or after an output with this text."""
    found = False
    for cell in nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            found |= (output.get("text") or data.get("text/plain") or "").startswith(begins)
            if found and PNG in data:
                return base64.b64decode(data[PNG])
    raise SystemExit(f"No picture follows {begins!r} in {notebook}: run `make outputs`.")


def photograph() -> None:
    """Take the screenshots."""
    folder, home = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    write_notebook(folder / "inspectors.ipynb", CELLS[:2])
    with (
        lab_server(folder, home) as address,
        open_chromium() as browser,
        lab_page(browser, address, 1280, 720) as page,
    ):
        page.evaluate("jupyterapp.shell.collapseLeft()")
        assert errors_in(run_notebook(page, "inspectors.ipynb")) == []
        for name, (theme, which, code) in SCREENS.items():
            set_theme(page, theme)
            run_code(page, code)
            root = page.locator(".esm-explore-inspector").nth(which)
            root.evaluate("root => root.scrollIntoView({block: 'start'})")
            page.wait_for_timeout(_REST)
            drawn(page, which)
            save(name, page.screenshot())


def save(name: str, png: bytes) -> None:
    """Write a picture, in 256 colors."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(DOCS / f"{name}.png", optimize=True)


def main() -> None:
    """Renew all of them."""
    for name, where in FIGURES.items():
        save(name, stored_picture(*where))
    photograph()


if __name__ == "__main__":
    main()
