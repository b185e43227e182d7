"""Pictures show the numbers of the trace, say what they are, and name the encoder."""

from __future__ import annotations

import numpy as np
import pytest

import esm_explore as ex
from esm_explore.annotations import annotate
from esm_explore.codebook import usage
from esm_explore.heads import head_statistics, head_weights
from esm_explore.show import attention, latents, maps, neighbours
from esm_explore.show.structure import KEYS


@pytest.fixture(scope="module")
def trace(toy_encoder):
    return ex.trace(toy_encoder, ex.read_chain("1UBI"))


@pytest.fixture(scope="module")
def pictures(trace):
    opened = trace.neighborhood("30")
    source = "1UBI; encoder: " + trace.encoder_info.title
    return {
        "edges": neighbours.edge_matrix(trace),
        "separation": neighbours.separation(trace),
        "degree": neighbours.in_degree(trace),
        "similarity": neighbours.bin_similarity(trace),
        "path": neighbours.bin_path(trace),
        "heads": attention.head_map(
            head_weights(trace), trace, "distance_weight", "rotation_weight"
        ),
        "matrix": attention.attention_matrix(opened, trace, block=1, head=3),
        "terms": attention.logit_terms(opened, trace, block=0),
        "stream": attention.residual_stream(trace),
        "spectrum": latents.latent_spectrum(trace.pre_vq, source),
        "margins": latents.margins_along_chain(trace),
        "usage": latents.code_usage(usage(trace.tokens, 512), source),
        "codes": latents.latent_and_codes(trace, "30"),
        "map": maps.map_figure(trace.pre_vq[:, :2], annotate(trace.chain)["burial"], "x", source),
    }


def test_each_picture_names_its_encoder_in_title_and_text(pictures, trace):
    """A picture that is saved or pasted still says whose numbers it shows."""
    for name, figure in pictures.items():
        assert trace.encoder_info.title in figure.layout.title.text, name
        assert trace.encoder_info.title in repr(figure), name
        assert "0x" not in repr(figure), name
        assert len(repr(figure)) < 250, name


def test_text_forms_are_the_same_each_time(trace):
    """Nbval compares them."""
    assert repr(neighbours.edge_matrix(trace)) == repr(neighbours.edge_matrix(trace))


def test_edge_matrix_shows_all_edges(pictures, trace):
    """76 residues, 16 neighbours each."""
    marks = pictures["edges"].data[0]
    np.testing.assert_array_equal(np.reshape(marks.x, (76, 16)), trace.edges)
    assert np.nanmax(marks.marker.color) == pytest.approx(
        np.nanmax(neighbours.edge_distances(trace))
    )


def test_bin_usage_needs_no_encoder(trace):
    """Shares add up to 100 %; but for the ends, where all that is far is, the nearest lead."""
    bars = neighbours.bin_usage([trace]).data[0]
    assert sum(bars.y) == pytest.approx(100)
    assert abs(bars.x[1:-1][int(np.argmax(bars.y[1:-1]))]) <= 4


def test_attention_picture_is_the_neighbourhoods(pictures, trace):
    """Block 1, head 3 of residue 30."""
    shown = np.array(pictures["matrix"].data[0].z)
    np.testing.assert_array_equal(shown, trace.neighborhood("30").attention[1, 3])


def test_heads_and_blocks_that_are_not_there_are_refused(trace):
    """The message says which there are."""
    opened = trace.neighborhood(3)
    with pytest.raises(ex.TraceError, match="blocks are 0 to 1, heads 0 to 7"):
        attention.attention_matrix(opened, trace, block=2)
    with pytest.raises(ex.TraceError, match="blocks are 0 to 1, heads 0 to 7"):
        ex.view_neighborhood(trace, 3, block=0, head=8)
    with pytest.raises(ex.TraceError, match="Heads have no 'size'; they have: distance_weight"):
        attention.head_map(head_weights(trace), trace, "size", "distance_weight")


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


def test_the_view_of_a_neighbourhood_draws_its_nodes(trace):
    """Sixteen labels, three axes each, fifteen lines."""
    view = ex.view_neighborhood(trace, "30", block=1)
    script = view.viewer.startjs
    assert script.count("addLabel") - script.count("viewer.addLabel(") == 16
    assert script.count("addCylinder") == 16 * 3 + 15
    assert "residue 30 and attention in block 1, all heads" in repr(view)


def test_a_map_takes_numbers_words_and_colors():
    """One value a point."""
    points = np.random.default_rng(0).normal(size=(20, 2))
    for values in (np.arange(20), np.array(["a", "b"] * 10), np.zeros((20, 3), np.uint8)):
        figure = maps.map_figure(points, values, "it", "nothing")
        assert sum(len(dots.x) for dots in figure.data) == 20
    with pytest.raises(ex.TraceError, match="3 values for 20 points"):
        maps.map_figure(points, np.arange(3), "it", "nothing")
