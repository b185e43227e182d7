"""Pictures show the numbers of the trace, say what they are, and name the encoder."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import with_positions

import esm_explore as ex
from esm_explore.analysis.annotations import KEYS, amino_acid_classes, annotate
from esm_explore.analysis.code_usage import usage
from esm_explore.analysis.heads import head_statistics, head_weights
from esm_explore.palette import CHANGE, FRAMELESS, category_colors, colors_of
from esm_explore.plots import attention, codes, latents, maps
from esm_explore.plots import edges as neighbors
from esm_explore.plots import relative_positions as positions
from esm_explore.plots.legend import legend_html
from esm_explore.plots.picture import draw, source_of
from esm_explore.plots.structure_views import view_neighborhood


@pytest.fixture(scope="module")
def trace(toy_encoder):
    return ex.trace(toy_encoder, ex.read_chain("1UBI"))


@pytest.fixture(scope="module")
def pictures(trace):
    opened = trace.neighborhood("30")
    used = usage(trace.tokens, 512)
    return {
        "edges": neighbors.edge_matrix(trace),
        "separation": neighbors.separation(trace),
        "along": neighbors.along_chain(trace),
        "similarity": positions.bin_similarity(trace),
        "path": positions.bin_path(trace),
        "bins": positions.bin_usage([trace]),
        "heads": attention.head_map(
            trace, head_weights(trace), "distance_weight", "rotation_weight"
        ),
        "matrix": attention.attention_matrix(trace, opened, block=1, head=3),
        "terms": attention.logit_terms(trace, opened, block=0),
        "stream": attention.residual_stream(trace),
        "spectrum": latents.latent_spectrum(trace),
        "margins": latents.margins_along_chain(trace),
        "numbers": latents.latent_numbers([trace]),
        "usage": codes.code_usage(trace, used),
        "distances": codes.code_distances(trace),
        "stored": codes.stored_counts(trace, used),
        "codes": latents.latent_and_codes(trace, "30"),
        "map": maps.map_figure(trace, trace.pre_vq[:, :2], annotate(trace.chain)["burial"], "x"),
    }


def test_each_picture_names_its_encoder_in_title_and_text(pictures, trace):
    """A picture that is saved or pasted still says whose numbers it shows."""
    for name, figure in pictures.items():
        assert trace.encoder_info.title in figure.layout.title.text, name
        assert trace.encoder_info.title in repr(figure), name
        assert "0x" not in repr(figure), name
        assert len(repr(figure)) < 250, name


def test_a_picture_knows_the_first_line_of_its_title(pictures):
    """Nobody has to cut it out of the title."""
    for name, figure in pictures.items():
        assert figure.layout.title.text.startswith(f"{figure.what}<br>"), name
        assert repr(figure).startswith(f"{figure.what} | "), name
    assert pictures["matrix"].what == "Attention in block 1, head 3, around residue 30"


def test_a_title_that_is_too_wide_takes_more_lines(trace):
    """It would be cut off at the figure's edge; the plot below it keeps its size."""
    heights = set()
    for words in (1, 60):
        figure = draw([], "word " * words, trace, np.zeros(1), source="of something " * words)
        lines = figure.layout.title.text.split("<br>")
        assert max(len(line.removeprefix("<sub>").removesuffix("</sub>")) for line in lines) < 120
        assert sum(line.count("word") for line in lines) == words
        assert sum(line.count("something") for line in lines) == words
        heights.add(figure.layout.height - figure.layout.margin.t)
    assert len(lines) > 6
    assert len(heights) == 1


def test_pictures_of_several_chains_count_them(trace, full_encoder, toy_encoder):
    """Of one they name the chain; of two encoders, or of what is no trace, there are none."""
    both = [trace, ex.trace(toy_encoder, ex.read_chain("1EJG"))]
    said = f"2 chains, {76 + len(both[1])} residues; encoder: {trace.encoder_info.title}"
    assert source_of(both) == said
    assert source_of([trace]) == source_of(trace) == trace.source
    figure = latents.latent_numbers(both)
    assert f" | {said} | {76 + len(both[1])} x 16 numbers" in repr(figure)
    other = ex.trace(full_encoder, ex.read_chain("1EJG"))
    with pytest.raises(ex.TraceError, match="Traces of one encoder"):
        codes.code_distances([trace, other])
    with pytest.raises(ex.TraceError, match=r"not a ProteinChain; ex.trace\(encoder, chain\)"):
        positions.bin_usage([trace.chain])


def test_text_forms_are_the_same_each_time(trace):
    """Nbval compares them."""
    assert repr(neighbors.edge_matrix(trace)) == repr(neighbors.edge_matrix(trace))


def test_edge_matrix_shows_all_edges(pictures, trace):
    """76 residues, 16 neighbors each."""
    marks = pictures["edges"].data[0]
    np.testing.assert_array_equal(np.reshape(marks.x, (76, 16)), trace.edges)
    assert np.nanmax(marks.marker.color) == pytest.approx(
        np.nanmax(neighbors.edge_distances(trace))
    )


@pytest.mark.lines
def test_the_histogram_counts_every_edge_once(pictures, trace):
    """Fifteen neighbors a residue; in ubiquitin next to each other means 3.8 Å."""
    heat = pictures["separation"].data[0]
    assert np.sum(heat.customdata) == 76 * 15
    np.testing.assert_allclose(np.nansum(heat.z, axis=0)[:9], 100)
    next_to = np.asarray(heat.z)[:, list(heat.x).index("1")]
    assert np.asarray(heat.y)[np.nan_to_num(next_to) > 0].tolist() == [3.75]


def test_along_the_chain_are_radius_local_and_seen(pictures, trace):
    """Each panel is what its axis says; all who are neighbors are counted."""
    radius, local, seen = (np.array(line.y) for line in pictures["along"].data)
    np.testing.assert_allclose(radius, np.nanmax(neighbors.edge_distances(trace), axis=1))
    assert local.max() == 8
    assert seen.sum() == 76 * 15


def test_frameless_residues_are_left_out_of_pictures(toy_encoder, ubiquitin):
    """Residue 30 without its N: no radius, no margin, no edges in the histogram."""
    positions_ = ubiquitin.atom37_positions.copy()
    positions_[29, 0] = np.nan
    trace = ex.trace(toy_encoder, with_positions(ubiquitin, positions_))
    assert np.isnan(neighbors.along_chain(trace).data[0].y[29])
    assert np.isnan(latents.margins_along_chain(trace).data[0].y[29])
    assert np.sum(neighbors.separation(trace).data[0].customdata) < 76 * 15
    assert "no backbone frame" in neighbors.along_chain(trace).data[0].hovertext[29]
    assert "margin" in neighbors.along_chain(trace).data[0].hovertext[28]
    assert "nan" not in repr(neighbors.along_chain(trace))


def test_a_chain_with_no_frames_is_refused(toy_encoder, ubiquitin):
    """Nothing could be shown of it."""
    bare = with_positions(ubiquitin, np.full_like(ubiquitin.atom37_positions, np.nan))
    with pytest.raises(ex.EsmExploreError, match="backbone frame|N, CA and C"):
        ex.trace(toy_encoder, bare)


def test_shares_of_relative_positions(trace):
    """Shares add up to 100 %; but for the ends, where all that is far is, the nearest lead."""
    bars = positions.bin_usage([trace]).data[0]
    assert sum(bars.y) == pytest.approx(100)
    assert abs(bars.x[1:-1][int(np.argmax(bars.y[1:-1]))]) <= 4


def test_code_distances_are_those_of_the_codebook(pictures, trace):
    """Shares of each kind add up to 100 %; the median of the text is that of all pairs."""
    for line in pictures["distances"].data:
        assert sum(line.y) == pytest.approx(100)
    away = np.linalg.norm(trace.codebook[:, None] - trace.codebook[None], axis=-1)
    pairs = pictures["distances"].data[0]
    middle = np.array(pairs.x)[np.searchsorted(np.cumsum(pairs.y), 50)]
    expected = np.median(away[np.triu_indices(512, 1)])
    assert middle == pytest.approx(expected, abs=np.diff(pairs.x).max())


def test_stored_counts_are_grouped_by_use(pictures, trace):
    """All 512 codes, those that are not used first; a trace without its encoder has no counts."""
    counted = deepcopy(trace.encoder)
    counted.codebook.N = torch.arange(512.0)
    used = usage(trace.tokens, 512)
    boxes = codes.stored_counts(replace(trace, encoder=counted), used).data
    assert sum(len(box.y) for box in boxes) == 512
    unused = np.setdiff1d(np.arange(512), trace.tokens)
    np.testing.assert_array_equal(boxes[0].y, unused)
    with pytest.raises(ex.TraceError, match="has no encoder: load it with load_trace"):
        codes.stored_counts(replace(trace, encoder=None), used)


def test_categories_have_colors_of_their_own():
    """One color a value, up to 24; what changed keeps its colors when nothing stayed."""
    many = category_colors([f"chain {i:02d}" for i in range(24)])
    assert len(set(many.hex)) == 24
    assert category_colors(["changed"]).hex == [CHANGE["changed"]]
    assert len(set(amino_acid_classes("ACDEFGHIKLMNPQRSTVWY"))) == 7


def test_one_way_from_values_to_colors_and_to_their_legend():
    """Numbers from dark to bright, words by category, colors as they are; words are escaped."""
    numbers = colors_of(np.array([0.0, np.nan, 2.0]))
    assert numbers.hex[1] == FRAMELESS
    assert [numbers.hex[0], numbers.hex[2]] == [numbers.legend[0][0], numbers.legend[-1][0]]
    words = colors_of(np.array(["<b>", "c"], dtype=object))
    assert words.legend == list(zip(words.hex, ["<b>", "c"], strict=True))
    assert "&lt;b&gt;" in legend_html(words.legend)
    assert legend_html(words.legend).count("background: #") == 2
    given = colors_of(np.array([[255, 0, 16]], dtype=np.uint8))
    assert (given.hex, given.legend) == (["#ff0010"], [])


def test_attention_picture_is_the_neighborhoods(pictures, trace):
    """Block 1, head 3 of residue 30."""
    shown = np.array(pictures["matrix"].data[0].z)
    np.testing.assert_array_equal(shown, trace.neighborhood("30").attention[1, 3])


def test_heads_and_blocks_that_are_not_there_are_refused(trace):
    """The message says which there are."""
    opened = trace.neighborhood(3)
    with pytest.raises(ex.TraceError, match="block is 2; it has to be a whole number, 0 to 1"):
        attention.attention_matrix(trace, opened, block=2)
    with pytest.raises(ex.TraceError, match="block is 2; .* 0 to 1"):
        attention.logit_terms(trace, opened, block=2)
    with pytest.raises(ex.TraceError, match="head is 8; it has to be a whole number, 0 to 7"):
        view_neighborhood(trace, 3, block=0, head=8)
    with pytest.raises(ex.TraceError, match="Head 3 is of a block, and there is none"):
        view_neighborhood(trace, 3, head=3)
    with pytest.raises(ex.TraceError, match="Heads have no 'size'; they have: distance_weight"):
        attention.head_map(trace, head_weights(trace), "size", "distance_weight")


def test_head_statistics_are_averages_over_residues(trace):
    """Shares add up to 1; entropy is at most that of 16 nodes; one residue is itself."""
    table = head_statistics(trace, [3, 9])
    assert len(table) == 2 * 8
    np.testing.assert_allclose(table[["self", "sequence", "space"]].sum(axis=1), 1, atol=1e-5)
    assert table["entropy"].between(0, 4).all()
    opened = trace.neighborhood(3)
    single = head_statistics(trace, [3])
    np.testing.assert_allclose(single["self"], opened.attention[:, :, 0, 0].ravel(), atol=1e-6)
    with pytest.raises(ex.TraceError, match="no residues"):
        head_statistics(trace, [])


@pytest.mark.lines
def test_annotations_of_ubiquitin(trace):
    """Its helix is 23 to 34, its first strand 1 to 7; the core is buried, the tail is not."""
    table = annotate(trace.chain)
    assert (table["secondary_structure"].iloc[24:31] == "helix").all()
    assert (table["secondary_structure"].iloc[1:5] == "strand").all()
    assert table["burial"].iloc[25] > table["burial"].iloc[75]


@pytest.mark.parametrize("color", KEYS)
def test_structures_in_every_color(trace, color):
    """The caption says which."""
    view = ex.view(trace, color)
    assert f"colored by {color.replace('_', ' ')}" in repr(view)
    assert trace.encoder_info.title in repr(view)


def test_values_of_ones_own(trace):
    """Numbers and words; not one a residue is refused."""
    assert "colored by changed" in repr(ex.view(trace, trace.tokens > 100, label="changed"))
    assert "colored by values" in repr(ex.view(trace, np.linspace(0, 1, 76)))
    with pytest.raises(ex.TraceError, match=r"shape \(3,\); one a residue is \(76,\)"):
        ex.view(trace, np.zeros(3))
    with pytest.raises(ex.TraceError, match="There is no color 'hue'; there are token, margin"):
        ex.view(trace, "hue")


def test_the_view_of_a_neighborhood_draws_its_nodes(trace):
    """Sixteen labels, three axes each, fifteen lines."""
    view = view_neighborhood(trace, "30", block=1)
    script = view.viewer.startjs
    assert script.count("addLabel") - script.count("viewer.addLabel(") == 16
    assert script.count("addCylinder") == 16 * 3 + 15
    assert "residue 30 and attention in block 1, all heads" in repr(view)


def test_a_map_takes_numbers_words_and_colors(trace):
    """One value a point."""
    points = np.random.default_rng(0).normal(size=(20, 2))
    for values in (np.arange(20), np.array(["a", "b"] * 10), np.zeros((20, 3), np.uint8)):
        figure = maps.map_figure(trace, points, values, "it")
        assert sum(len(dots.x) for dots in figure.data) == 20
    with pytest.raises(ex.TraceError, match="3 values for 20 points"):
        maps.map_figure(trace, points, np.arange(3), "it")


def test_the_view_without_a_block_has_thin_lines(trace):
    """Alike, and thinner than the strongest attention."""
    alike = view_neighborhood(trace, "30").viewer.startjs
    weighted = view_neighborhood(trace, "30", block=1).viewer.startjs
    assert alike.count(f'"radius": {0.04 + 0.3 * 0.3}') == 15
    assert '"radius": 0.34' not in alike
    assert weighted.count('"radius": 0.13') < 15
