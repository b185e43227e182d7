"""Pictures that need no browser, and widgets that leave them in the notebook."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import threading
from types import SimpleNamespace

import ipywidgets as widgets
import matplotlib
import numpy as np
import pytest
from conftest import with_positions
from PIL import Image
from traitlets import Int

import esm_explore as ex
from esm_explore.analysis.annotations import secondary_letters
from esm_explore.errors import TraceError
from esm_explore.plots.still import ChainStill
from esm_explore.plots.still_camera import Camera
from esm_explore.plots.still_page import HOW, StillParts, draw_still
from esm_explore.plots.still_ribbon import ribbon_of
from esm_explore.plots.still_text import plain_text
from esm_explore.plots.structure import Beside
from esm_explore.widgets import lasting
from esm_explore.widgets.lasting import Lasting
from esm_explore.widgets.plot_view import plain
from esm_explore.widgets.stage_figures import panel_figure
from esm_explore.widgets.structure_still import how_it_lives
from esm_explore.widgets.structure_view import StructureView

# Looks at the origin from +z, from far enough that all of ubiquitin is seen.
FROM_Z = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


@pytest.fixture(scope="module")
def trace(toy_encoder):
    return ex.trace(toy_encoder, ex.read_chain("1UBI"))


def ca_of(trace) -> np.ndarray:
    return trace.chain.atom37_positions[:, 1].astype(float)


def pixels_of(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def picture_of(chain: ChainStill, **more) -> np.ndarray:
    return pixels_of(draw_still(StillParts("", "", [chain], **more)))


# The chain


def test_a_residue_has_its_color_where_the_camera_sees_it(trace):
    """One residue is red, the others gray: what is red is where 3Dmol.js would have it.

    The eye is 150 Å from the center and open 20 degrees, as in 3Dmol.js, and the chain's box is
    the picture without the line below it.
    """
    ca = ca_of(trace) - ca_of(trace).mean(0)
    red = len(ca) // 2
    hexes = ["#808080"] * len(ca)
    hexes[red] = "#ff0000"
    shown = picture_of(ChainStill(ca, hexes, camera=FROM_Z))
    found = np.argwhere((shown[..., 0] - shown[..., 1] > 60) & (shown[..., 0] > 100))
    top, bottom = 4, 520 - 10 - 17 - 4
    per_angstrom = (bottom - top) / (2 * np.tan(np.radians(10)) * (150 - ca[red, 2]))
    x = 10 + (900 - 10 - 4 - 10) / 2 + ca[red, 0] * per_angstrom
    y = (top + bottom) / 2 - ca[red, 1] * per_angstrom
    assert np.abs(found.mean(0) - [y, x]).max() < 2.5 * per_angstrom


def test_the_camera_turns_as_that_of_3dmol():
    """A quarter turn about z takes x to up; nearer to the eye is larger."""
    half = np.sqrt(0.5)
    camera = Camera.of_view([-1, 0, 0, 50, 0, 0, half, half])
    places, depth, scale = camera.see(np.array([[2.0, 0, 0], [1.0, 0, 50.0]]))
    np.testing.assert_allclose(places, [[0, 1], [0, 0]], atol=1e-9)
    np.testing.assert_allclose(depth, [0, 50], atol=1e-9)
    np.testing.assert_allclose(scale, [1, 2])


@pytest.mark.parametrize("aspect", [0.5, 1.7])
def test_without_a_camera_all_is_seen_and_fills_the_picture(trace, aspect):
    """Nothing is outside, and something is at an edge, less the margin."""
    camera = Camera.facing(ca_of(trace), aspect)
    x, y = camera.see(ca_of(trace))[0].T
    reach = max(np.abs(x).max() / aspect, np.abs(y).max()) / camera.half
    assert 0.75 < reach < 1


def test_what_is_missing_is_not_joined(trace):
    """Residues 20 to 29 have no CA: no piece of the ribbon is longer than from CA to CA."""
    ca = ca_of(trace)
    ca[20:30] = np.nan
    ribbon = ribbon_of(ca, secondary_letters(trace))
    assert not set(ribbon.residue) & set(range(20, 30))
    assert np.linalg.norm(ribbon.middle[:, 1] - ribbon.middle[:, 0], axis=1).max() < 3.8
    assert np.isfinite(ribbon.middle).all()


def test_helices_and_strands_are_wider_than_coils(trace):
    """Half a width at the middle of each residue, by its letter."""
    letters = np.array(list(secondary_letters(trace)))
    ribbon = ribbon_of(ca_of(trace), "".join(letters))
    half = np.linalg.norm(ribbon.side, axis=-1).mean(1)
    mean = {letter: half[letters[ribbon.residue] == letter].mean() for letter in "hsc"}
    assert mean["h"] > 0.9
    assert mean["s"] > 0.7
    assert mean["c"] < 0.3


@pytest.mark.parametrize("known", [0, 1, 2, 3])
def test_chains_of_hardly_any_atoms_are_drawn(trace, known):
    ca = np.full((5, 3), np.nan)
    ca[:known] = ca_of(trace)[:known]
    picture_of(ChainStill(ca, ["#ff0000"] * 5, "ccccc", ["a"] * 5, selected=3, lines=[(0, 4, 1)]))


def test_a_line_is_drawn_as_thick_as_its_weight(trace):
    """More of the picture is orange."""
    ca, hexes = ca_of(trace), ["#808080"] * len(trace)

    def orange(weight: float) -> int:
        shown = picture_of(ChainStill(ca, hexes, lines=[(0, 40, weight)]))
        return int((shown[..., 0] - shown[..., 2] > 120).sum())

    assert orange(1.0) > 2 * orange(0.1) > 0


# The page


@pytest.mark.slow
def test_a_picture_is_small_and_the_same_each_time(toy_encoder):
    """369 residues, 900 x 520 pixels: below 150 KB, twice the same bytes."""
    trace = ex.trace(toy_encoder, ex.read_chain("1ITU"))
    view = StructureView.of(trace)
    view.secondary = secondary_letters(trace)
    first = view.still()
    assert first == view.still()
    assert len(first) < 150_000
    assert pixels_of(first).shape == (520, 900, 3)


@pytest.mark.slow
def test_settings_of_matplotlib_are_neither_used_nor_changed():
    """With the reader's settings the picture is the same, and pyplot is not even imported."""
    code = """
import sys, matplotlib, numpy as np
from esm_explore.plots.still_page import StillParts, draw_still
before = draw_still(StillParts("Title", "encoder"))
matplotlib.rcParams.update({"font.size": 31, "figure.facecolor": "red", "text.usetex": True})
print(draw_still(StillParts("Title", "encoder")) == before, "matplotlib.pyplot" in sys.modules)
print(*(matplotlib.rcParams[name] for name in ("font.size", "figure.facecolor", "text.usetex")))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "False", "31.0", "red", "True"]


@pytest.mark.parametrize(("style", "live"), [("stick", "sticks"), ("surface", "a surface")])
def test_a_ribbon_that_is_none_in_the_live_view_says_so(trace, style, live):
    """Below the picture."""
    view = StructureView.of(trace)
    assert how_it_lives(view) == HOW
    before = view.still()
    view.style = style
    assert how_it_lives(view) == f"{HOW} The ribbon is {live} of the backbone's atoms then."
    assert (pixels_of(view.still()) != pixels_of(before))[-30:].any()


@pytest.mark.slow
def test_pictures_drawn_in_threads_leave_the_readers_settings_alone():
    """Three threads beside each other; matplotlib's settings are the process's."""
    parts = StillParts("Title", "encoder", legend=[("#d62728", "x")] * 20)
    with matplotlib.rc_context({"font.size": 31}):
        threads = [threading.Thread(target=draw_still, args=[parts]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert matplotlib.rcParams["font.size"] == 31


def test_colors_that_mean_something_are_as_they_are(trace):
    """Of many colors a picture keeps 256; each swatch of the legend is among them."""
    legend = [("#d62728", "x"), ("#2ca02c", "y"), ("#123456", "z")]
    hexes = [f"#{i * 3:02x}{255 - i * 3:02x}80" for i in range(len(trace))]
    shown = picture_of(ChainStill(ca_of(trace), hexes), legend=legend)
    for color, _ in legend:
        assert (shown == list(bytes.fromhex(color[1:]))).all(-1).sum() >= 81


def test_the_color_bar_takes_the_legends_place(trace):
    bar = {"colors": ["#440154", "#90d642"], "marks": [[0, "0"], [1, "2"]], "title": "margin"}
    hexes = ["#808080"] * len(trace)
    shown = picture_of(ChainStill(ca_of(trace), hexes), legend=[("#d62728", "x")], bar=bar)
    assert (shown == [0x44, 0x01, 0x54]).all(-1).sum() > 500
    assert not (shown == [0xD6, 0x27, 0x28]).all(-1).any()


@pytest.mark.filterwarnings("error")
def test_texts_are_shown_as_they_are_written(trace):
    """Half a formula is no error, and what the font lacks is a box, without a warning."""
    odd = "$\\frac{$ <b> 😀 \u4e2d"
    chain = ChainStill(ca_of(trace), ["#808080"] * len(trace), labels=[odd] * 76, selected=3)
    words = [{"type": "bar", "x": [odd, "b"], "y": [1, 2], "name": odd}]
    draw_still(StillParts(odd, odd, [chain], [(words, {"title": odd})], odd, [("#ffffff", odd)]))


@pytest.mark.slow
def test_every_stage_has_its_figure_in_the_picture(trace):
    """What the inspector draws with plotly can be drawn; as arrays or as the page has them."""
    opened = trace.neighborhood(30)
    for stage in trace.stages:
        figure = panel_figure(stage, trace, opened, None, "attention")
        made = [
            draw_still(StillParts("t", "e", figures=[(data, figure.layout)]))
            for data in (figure.data, plain(figure.data))
        ]
        assert made[0] == made[1]
        assert (pixels_of(made[0])[80:450] < 250).any(-1).mean() > 0.004


def test_a_figure_of_another_kind_is_refused():
    with pytest.raises(TraceError, match="no stills of pie; there are of scatter, bar, heatmap"):
        draw_still(StillParts("t", "e", figures=[([{"type": "pie"}], {})]))


def test_html_is_read_as_text():
    assert plain_text("<p>Residue <b>57&lt;</b></p><p>attends&nbsp;to 3</p>") == (
        "Residue 57<, attends\xa0to 3"
    )


# Pictures of structures


def test_a_view_has_a_picture_without_javascript(trace):
    """As PNG for code hosts, and within the HTML, where 3Dmol.js covers it."""
    view = ex.view(trace, "secondary_structure")
    assert pixels_of(view._repr_png_()).shape[1] == 640
    html = view._repr_html_()
    assert '<img alt="1UBI chain A, 76 residues, colored by secondary structure' in html
    assert "failed to load" not in html


@pytest.mark.slow
def test_a_neighborhood_and_a_token_have_pictures_too(trace):
    """In their own colors: lines orange, the frame's axes; the residue as its legend has it."""
    around = pixels_of(ex.plots.view_neighborhood(trace, 30, 0)._repr_png_())
    assert (around == [0xE6, 0x9F, 0x00]).all(-1).sum() > 300
    same = ex.experiments.same_token([trace], int(trace.tokens[30]))
    picture = ex.plots.view_same_token(same)
    middle = [int(picture._legend[0][0][i : i + 2], 16) for i in (1, 3, 5)]
    assert (pixels_of(picture._repr_png_())[60:420] == middle).all(-1).sum() > 100


def test_structures_beside_each_other_are_one_picture(trace):
    beside = Beside(ex.view(trace), ex.view(trace, "burial"), width=400)
    assert pixels_of(beside._repr_png_()).shape[1] == 800


def test_a_chain_without_a_single_ca_has_a_picture(trace, toy_encoder):
    places = trace.chain.atom37_positions.copy()
    places[:10, 1] = np.nan
    short = ex.trace(toy_encoder, with_positions(trace.chain, places))
    assert len(ex.view(short)._repr_png_()) > 5000


# What outlives the kernel


class Toy(Lasting, widgets.VBox):
    """Its picture says which number it shows."""

    drawn = 0

    def __init__(self):
        self.number = widgets.IntSlider()
        super().__init__([widgets.HBox([self.number])])

    def __repr__(self):
        return "Toy of 1UBI\nEncoder: toy"

    def still(self):
        self.drawn += 1
        return f"PNG {self.number.value}".encode()


@pytest.fixture
def shown(monkeypatch):
    """What is displayed in a kernel, instead of displaying it."""
    outputs = []
    shell = SimpleNamespace(kernel=True, user_ns={})
    monkeypatch.setattr(lasting, "get_ipython", lambda: shell)
    monkeypatch.setattr(
        lasting, "display", lambda data, **more: outputs.append((data, more, shell))
    )
    for name in ("VSCODE_PID", "VSCODE_CWD", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    return outputs


def test_a_notebook_gets_a_place_and_a_picture(shown):
    """Two outputs, neither of them a widget, and their texts are the same in every run."""
    Toy()._ipython_display_()
    place, picture = (data for data, *_ in shown)
    assert set(place) == {"text/html", "text/plain"}
    assert set(picture) == {"image/png", "text/plain"}
    assert place["text/plain"] == "Toy of 1UBI\nEncoder: toy"
    assert picture["text/plain"] == "Picture of Toy of 1UBI"
    assert picture["image/png"] == "UE5HIDA="


@pytest.mark.parametrize("where", ["colab", "vscode", "vscode process"])
def test_colab_and_vs_code_get_one_output_with_both(shown, monkeypatch, where):
    if where == "colab":
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    elif where == "vscode":
        lasting.get_ipython().user_ns["__vsc_ipynb_file__"] = "/a.ipynb"
    else:
        monkeypatch.setenv("VSCODE_PID", "1")
    Toy()._ipython_display_()
    [(data, *_)] = shown
    assert set(data) == {
        *("image/png", "text/plain", "application/vnd.jupyter.widget-view+json"),
    }


def test_a_jupyter_server_within_vs_code_is_a_jupyter_server(shown, monkeypatch):
    monkeypatch.setenv("VSCODE_PID", "1")
    monkeypatch.setenv("JPY_SESSION_NAME", "/a.ipynb")
    Toy()._ipython_display_()
    assert len(shown) == 2


def test_without_a_notebook_it_is_text(capsys):
    Toy()._ipython_display_()
    assert capsys.readouterr().out == "Toy of 1UBI\nEncoder: toy\n"


def rest(toy, **content) -> None:
    toy._mounter._handle_custom_msg({"kind": "rest", **content}, [])


def test_what_comes_to_rest_while_the_first_picture_is_drawn_is_the_last_one(shown):
    """A notebook answers widgets in a thread of its own; the older picture must not stay."""
    rested = []

    class Slow(Toy):
        def still(self):
            png = super().still()
            if not rested:
                self.number.value = 5
                rested.append(threading.Thread(target=rest, args=[self]))
                rested[0].start()
                rested[0].join(0.2)
            return png

    Slow()._ipython_display_()
    rested[0].join()
    pictures = [base64.b64decode(data["image/png"]) for data, *_ in shown[1:]]
    assert pictures == [b"PNG 0", b"PNG 5"]
    assert [more["update"] for _, more, _ in shown[1:]] == [False, True]


def test_a_new_picture_is_drawn_at_rest_and_sent_if_it_is_another(shown):
    """Not at each change, and to the output where the first one is."""
    toy = Toy()
    toy._ipython_display_()
    toy.number.value = 7
    toy.number.value = 8
    assert toy.drawn == 1
    rest(toy)
    data, more, _ = shown[-1]
    assert data["image/png"] == "UE5HIDg="
    assert more["update"]
    assert more["display_id"] == shown[1][1]["display_id"]
    rest(toy)
    assert len(shown) == 3


def test_a_page_that_keeps_the_document_is_sent_the_picture_itself(shown, monkeypatch):
    """After a reload Jupyter no longer knows which output is meant."""
    toy, sent = Toy(), []
    toy._ipython_display_()
    monkeypatch.setattr(toy._mounter, "send", sent.append)
    toy.number.value = 8
    rest(toy, keeps=True)
    assert sent == [{"kind": "picture", "png": "UE5HIDg="}]
    assert len(shown) == 2


def test_the_page_is_told_of_changes_however_deep_but_not_of_the_pointer(shown):
    class Pointed(Toy):
        hovered = Int().tag(sync=True)

    toy = Pointed()
    toy._ipython_display_()
    before = toy._mounter.changes
    toy.hovered = 4
    assert toy._mounter.changes == before
    toy.number.value = 3
    assert toy._mounter.changes == before + 1


def test_shown_twice_it_is_one_widget_with_two_places(shown):
    toy = Toy()
    toy._ipython_display_()
    toy._ipython_display_()
    assert shown[0][0] == shown[2][0]
    assert shown[1][1]["display_id"] == shown[3][1]["display_id"]


def test_closing_it_closes_what_mounts_it(shown, capsys):
    toy = Toy()
    toy._ipython_display_()
    mounter = toy._mounter
    toy.close()
    assert mounter.comm is None
    toy._ipython_display_()
    assert capsys.readouterr().out.startswith("Toy of 1UBI")


@pytest.mark.slow
def test_a_structure_shows_what_is_chosen(trace):
    """Selected residue, selection, lines, frames and camera change the picture."""
    view = StructureView.of(trace)
    seen = {view.still()}
    for name, value in {
        "selected": 4,
        "selection": [9, 10],
        "lines": [[4, 40, 0.5]],
        "frames": [4],
        "camera": [*(-ca_of(trace).mean(0)).tolist(), *FROM_Z[3:]],
        "colors": bytes(3 * 76),
    }.items():
        setattr(view, name, value)
        assert view.still() not in seen, name
        seen.add(view.still())
    assert HOW == "This is a picture: run the cell to bring it to life."


@pytest.mark.slow
def test_live_views_do_not_wait_for_matplotlib():
    """It takes a second to load, and only pictures need it."""
    code = (
        "import sys, esm_explore as ex\n"
        "ex.inspect(ex.trace(ex.load_encoder(), ex.read_chain('1UBI')))\n"
        "print([name for name in ('matplotlib.axes', 'scipy.interpolate') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
