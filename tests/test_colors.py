"""Colors: told apart by all readers, by convention, and used evenly."""

from __future__ import annotations

import re

import numpy as np
import pytest
from color_vision import ciede2000, contrast, lab, least_apart

import esm_explore as ex
from esm_explore.palette import (
    AMINO_ACIDS,
    CATEGORIES,
    CHANGE,
    FRAMELESS,
    SECONDARY_STRUCTURE,
    colors_of,
    number_colors,
)
from esm_explore.plots.legend import legend_html
from esm_explore.plots.residue_colors import color_by_stage, color_together
from esm_explore.tracing.stages import encoder_stages

APART = 10


@pytest.fixture(scope="module")
def pair():
    encoder = ex.load_encoder("mini")
    return [ex.trace(encoder, ex.read_chain(name)) for name in ("1AKE", "4AKE")]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_of_colors_is_the_published_one(first, second, expected):
    """Of the pairs that Sharma et al. (2005) give."""
    assert ciede2000(np.array(first), np.array(second)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "table",
    [
        SECONDARY_STRUCTURE.values(),
        AMINO_ACIDS.values(),
        CHANGE.values(),
        CATEGORIES[:2],
    ],
    ids=["secondary structure", "amino acids", "change", "two categories"],
)
def test_colors_of_a_legend_are_told_apart_by_all_readers(table):
    """Also from the gray of no frame; with normal vision, and without red, green or blue."""
    apart, which = least_apart(list({*table, FRAMELESS}))
    assert apart >= APART, which


@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
def test_colors_stand_out_from_both_themes(background):
    """To all readers; a ribbon also by its lightness, numbers included."""
    named = {*SECONDARY_STRUCTURE.values(), *AMINO_ACIDS.values(), *CHANGE.values(), FRAMELESS}
    ribbons = named | set(number_colors(np.linspace(0, 1, 32)).hex)
    for color in ribbons:
        assert contrast(color, background) >= 1.5, color
    for color in ribbons | set(CATEGORIES):
        assert least_apart([color, background])[0] >= APART, color


def test_numbers_are_told_from_what_is_not_known():
    """No color of a number is the gray of NaN and of residues without a frame."""
    for color in number_colors(np.linspace(0, 1, 64)).hex:
        assert least_apart([color, FRAMELESS])[0] >= APART, color


def test_acids_are_red_and_bases_blue():
    """As in every textbook: hue within 25° of red and of blue."""
    a = {name: lab([AMINO_ACIDS[name]])[0] for name in ("negative", "positive")}
    hue = {name: np.degrees(np.arctan2(one[2], one[1])) % 360 for name, one in a.items()}
    assert 25 <= hue["negative"] <= 55
    assert 265 <= hue["positive"] <= 315


@pytest.mark.slow
def test_margins_use_the_whole_scale(pair):
    """Half of the residues have less than half of the scale, but more than a quarter of it."""
    encoder = ex.load_encoder("mini")
    for trace in [*pair, ex.trace(encoder, ex.read_chain("1ITU"))]:
        colored = color_together([trace], "margin")
        bar = colored.bar["colors"]
        shades = lab(bar)
        places = [
            int(ciede2000(shades, lab([color])).argmin()) / (len(bar) - 1)
            for color in np.array(colored.hexes[0])[trace.has_frame]
        ]
        assert 0.25 < np.median(places) < 0.6
        assert "square-root" in colored.bar["title"]


def test_marks_of_a_bar_are_round_and_in_place():
    """Where a mark stands, its number has its color."""
    values = np.linspace(0.003, 2.89, 50)
    for root, words in ((False, ["1", "2"]), (True, ["0", "0.1", "0.5", "1", "2"])):
        bar = number_colors(values, root=root).bar
        assert set(words) <= {word for _, word in bar["marks"]}
        places = np.array([at for at, _ in bar["marks"]])
        assert (np.diff(places) > 0.05).all()
        assert places.min() >= 0
        assert places.max() <= 1
        numbers = np.array([float(word) for _, word in bar["marks"]])
        low = 0 if root else values.min()
        share = (numbers - low) / (values.max() - low)
        np.testing.assert_allclose(places, np.sqrt(share) if root else share, atol=1e-6)


@pytest.mark.parametrize("values", [[2.0], [2.0, 2.0], [0.0, 0.0], [-3.0, 5.0], [1e-9, 2e-9]])
def test_any_numbers_have_a_bar(values):
    """Also one value, all alike, negative and tiny ones."""
    for root in (False, True) if min(values) >= 0 else (False,):
        colors = number_colors(np.array([*values, np.nan]), root=root)
        assert colors.hex[-1] == FRAMELESS
        assert len(colors.bar["marks"]) >= 1
        assert "linear-gradient" in legend_html(colors.legend, colors.bar)


def test_the_same_place_has_the_same_color_in_two_conformations(pair):
    """At step 1, once superposed: counterparts are half as far apart as pairs at random."""
    colored = color_by_stage(pair, encoder_stages(2)[0])
    seen = [lab(part) for part in colored.hexes]
    own = np.median(ciede2000(seen[0], seen[1]))
    other = np.random.default_rng(0).permutation(len(seen[1]))
    assert own < 0.5 * np.median(ciede2000(seen[0], seen[1][other]))


def test_black_or_white_can_be_read_on_every_color(pair):
    """One of the two has a contrast of 4.5 with any color of a token."""
    for color in {h for part in color_together(pair, "token").hexes for h in part}:
        assert max(contrast(color, "#000000"), contrast(color, "#ffffff")) >= 4.5


def test_the_legend_of_numbers_is_a_bar_whose_marks_stand_where_their_color_is():
    """In HTML, beneath a static picture; words have a swatch each, and colors nothing."""
    bar = number_colors(np.array([0.0, 4.0])).bar
    written = legend_html([("#000000", "0")], bar)
    assert written.count("#") == len(bar["colors"]) == 32
    for at, text in bar["marks"]:
        assert re.search(rf"left: {100 * at:.2f}%[^>]*>{text}</span>", written)
    assert legend_html([("#123456", "a<b"), ("#654321", "c")]).count("background: #") == 2
    assert "a&lt;b" in legend_html([("#123456", "a<b")])
    assert legend_html([]) == ""


def test_colors_given_as_they_are_have_no_bar():
    assert colors_of(np.array([[255, 0, 16]], dtype=np.uint8)).bar == {}
