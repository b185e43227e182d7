"""What tests look at in a page with 3D structures."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from lab import value_of

# Views of a small chain, by an encoder that is quick.
SETUP = """\
import time
import ipywidgets as W
import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain
import esm_explore as ex
from esm_explore.widgets.page import Script
from esm_explore.widgets.structure_view import StructureView, color_bytes
torch.manual_seed(0)
encoder = StructureTokenEncoder(
    d_model=64, n_heads=1, v_heads=8, n_layers=2, d_out=16, n_codes=512).eval()
encoder.codebook.embeddings.normal_(std=0.5)
trace = ex.trace(encoder, ex.read_chain("1UBI"))
view = StructureView.of(trace)
"""
# A picture in numbers: its background, how many colors it has, how much of it is pure red, and a
# sum that changes with any pixel.
PIXELS = """canvas => {
    const flat = document.createElement("canvas");
    flat.width = canvas.width; flat.height = canvas.height;
    const context = flat.getContext("2d");
    context.drawImage(canvas, 0, 0);
    const data = context.getImageData(0, 0, flat.width, flat.height).data;
    const corner = [...data.slice(0, 3)];
    const colors = new Set();
    let red = 0;
    for (let i = 0; i < data.length; i += 4) {
        colors.add((data[i] >> 4) * 256 + (data[i + 1] >> 4) * 16 + (data[i + 2] >> 4));
        red += data[i] > 60 && data[i + 1] < 40 && data[i + 2] < 40;
    }
    const sum = data.reduce((sum, value, i) => (sum + value * (i % 977)) % 1e9, 0);
    return {corner, colors: colors.size, red, sum};
}"""
# Residues whose CA is seen: of all that are nearer to the eye, none is near it on the screen.
SEEN = """canvas => {
    const viewer = canvas.__viewer;
    const box = canvas.getBoundingClientRect();
    const [x, y, z, w] = viewer.getView().slice(4);
    const atoms = viewer.selectedAtoms({atom: "CA"});
    const toEye = (a) =>
        2 * (x * z - w * y) * a.x + 2 * (y * z + w * x) * a.y + (1 - 2 * (x * x + y * y)) * a.z;
    atoms.sort((a, b) => toEye(b) - toEye(a));
    const places = viewer.modelToScreen(atoms).map(
        (place) => ({x: place.x - window.scrollX, y: place.y - window.scrollY}));
    return atoms.map((atom, i) => ({index: atom.resi - 1, ...places[i]})).filter(
        (here, i) => places.slice(0, i).every(
            (other) => Math.hypot(here.x - other.x, here.y - other.y) > 14)
            && Math.abs(here.x - box.left - box.width / 2) < box.width / 2 - 5
            && Math.abs(here.y - box.top - box.height / 2) < box.height / 2 - 5);
}"""
# Where a structure's camera is: its center, its distance, and how it is turned.
VIEW = "canvas => canvas.__viewer.getView()"
# Where a point of a plot is on the page.
PLACE = """(plot, [layer, point]) => {
    const {xaxis, yaxis} = plot._fullLayout;
    const box = plot.getBoundingClientRect();
    const data = plot._fullData[layer];
    return [box.left + xaxis._offset + xaxis.c2p(xaxis.d2c(data.x[point])),
            box.top + yaxis._offset + yaxis.c2p(yaxis.d2c(data.y[point]))];
}"""


def stored(path: Path) -> SimpleNamespace:
    """Read a notebook as it is stored; nbformat's check of it would take longer than the tests."""
    notebook = json.loads(
        path.read_text("utf-8"), object_hook=lambda fields: SimpleNamespace(**fields)
    )
    for cell in notebook.cells:
        cell.source = "".join(cell.source)
    return notebook


def canvas_of(page, which: int = 0):
    return page.locator(".esm-structure-canvas").nth(which)


def drawn(page, which: int = 0) -> dict:
    """Wait until nothing changes any more; give the picture's pixels in numbers."""
    canvas_of(page, which).locator("canvas").wait_for(state="attached")
    before = None
    while (now := canvas_of(page, which).locator("canvas").evaluate(PIXELS)) != before:
        before = now
        page.wait_for_timeout(250)
    return now


def lonely(page, which: int = 0, skip: int = -1) -> dict:
    """Give a residue whose CA can be clicked without doubt, and where it is."""
    return next(r for r in canvas_of(page, which).evaluate(SEEN) if r["index"] != skip)


def wait_for(page, expression: str, value) -> None:
    for _ in range(400):
        if value_of(page, expression) == value:
            return
        page.wait_for_timeout(50)
    raise AssertionError((expression, value_of(page, expression), value))
