"""`StructureView` without a browser: what it sends to the page."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from biotite.structure.io.pdbx import CIFFile, get_structure
from conftest import with_positions

import esm_explore as ex
from esm_explore.palette import FRAMELESS, hex_colors, token_colors
from esm_explore.plots import threedmol as script
from esm_explore.widgets import libraries, page
from esm_explore.widgets.page import Frame, Script
from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.structure_view import StructureView, color_bytes

ROOT = Path(__file__).parent.parent


@pytest.fixture
def trace(toy_encoder, ubiquitin):
    """1UBI, of which one residue has lost its CA."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 1] = np.nan
    return ex.trace(toy_encoder, with_positions(ubiquitin, positions))


def test_a_view_of_a_trace_has_token_colors_labels_and_a_caption_with_both_names(trace):
    """Three bytes a residue; the one without a frame is gray and says so."""
    view = StructureView.of(trace)
    expected = hex_colors(token_colors(trace.codebook)[trace.tokens])
    expected[10] = FRAMELESS
    assert view.colors == color_bytes(expected)
    assert len(view.labels) == len(trace)
    assert "no backbone frame" in view.labels[10]
    assert trace.title in view.caption
    assert f"Encoder: {trace.encoder_info.title}" in view.caption
    assert (view.selected, view.hovered, view.selection) == (-1, -1, [])


def test_residues_are_numbered_from_1_and_lost_atoms_are_left_out(trace):
    """Four atoms a residue, but for the lost CA."""
    file = CIFFile.read(io.StringIO(StructureView.of(trace).structure))
    atoms = get_structure(file, model=1)
    assert set(atoms.res_id) == set(range(1, 77))
    assert len(atoms) == 4 * 76 - 1
    assert list(atoms[atoms.res_id == 11].atom_name) == ["N", "C", "O"]


def test_own_colors_are_one_a_residue(trace):
    """Frameless residues stay gray; another number of colors is refused."""
    view = StructureView.of(trace, ["#010203"] * 76)
    assert view.colors[:3] == bytes([1, 2, 3])
    assert view.colors[30:33] == color_bytes([FRAMELESS])
    with pytest.raises(ex.TraceError, match="75 colors; one a residue is 76"):
        StructureView.of(trace, ["#010203"] * 75)


def test_the_script_goes_to_the_page_once_a_kernel(trace):
    """Two views name one hidden model with the packed script; closed, it is made anew."""
    first, second = StructureView.of(trace), StructureView()
    sent = first._script
    assert sent is second._script
    bundled = ROOT / "esm_explore" / "static" / "3Dmol.es6-min.js"
    if bundled.is_file():
        assert gzip.decompress(sent.source) == bundled.read_bytes()
    assert first.get_state("_script") == {"_script": f"IPY_MODEL_{sent.model_id}"}
    sent.close()
    assert StructureView()._script is not sent


def test_without_the_bundled_script_the_page_is_given_its_address(trace, monkeypatch, tmp_path):
    """The address names the version that the package would have bundled."""
    monkeypatch.setattr(libraries, "files", lambda _: tmp_path)
    monkeypatch.setattr(Script, "ready", {})
    view = StructureView.of(trace)
    assert view._script.source == b""
    version = json.loads((ROOT / "package.json").read_text())["dependencies"]["3dmol"]
    assert view._cdn == script.CDN
    assert f"3dmol@{version}/" in view._cdn


def test_what_views_share_comes_before_each_ones_own_code(trace):
    """In one ES module a view, which is all that anywidget takes."""
    for view in (StructureView(), PlotView(print), Frame("all", print)):
        assert view._esm.startswith((Path(page.__file__).parent / "page.js").read_text("utf-8"))
        assert view._esm.count("export default") == 1


def test_a_click_is_answered_when_all_that_follows_is_done(trace, monkeypatch):
    """The page sends a number and gets it back; other messages are nobody's business."""
    view, sent = StructureView.of(trace), []
    monkeypatch.setattr(view, "send", sent.append)
    view._handle_custom_msg({"kind": "asked", "n": 7}, [])
    view._handle_custom_msg({"kind": "other"}, [])
    assert sent == [{"kind": "asked", "n": 7}]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("style", "ball", "cartoon"),
        ("camera", [0.0] * 7, "8 finite numbers"),
        ("camera", [float("nan")] * 8, "8 finite numbers"),
    ],
)
def test_a_style_or_camera_that_is_none_is_refused_and_nothing_changes(trace, name, value, said):
    """With what would be right, as an error of ours."""
    view = StructureView.of(trace)
    before = getattr(view, name)
    with pytest.raises(ex.TraceError, match=said):
        setattr(view, name, value)
    assert getattr(view, name) == before


def test_the_style_reaches_the_page_under_a_name_that_ipywidgets_does_not_use(trace):
    """Both ways; a synced trait called style would be taken for a model."""
    view = StructureView.of(trace)
    view.style = "stick"
    assert view.get_state("_style") == {"_style": "stick"}
    assert "style" not in view.get_state()
    view.set_state({"_style": "surface"})
    assert view.style == "surface"


def test_another_chain_is_shown_as_a_whole(trace):
    """Places of the one before mean nothing in it."""
    view = StructureView.of(trace)
    view.focus, view.near = [1, 2], [1, 2]
    view.ghost = [{"points": [[0, 0, 0]], "color": "#000000"}]
    view.show(trace, view.colors)
    assert (view.focus, view.near, view.ghost) == ([], [], [])
