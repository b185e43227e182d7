"""Maps are fitted once, take new points, and come back from a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import esm_explore as ex
from esm_explore.analysis.latent_maps import LatentMap
from esm_explore.analysis.maps import fit_map, load_map
from esm_explore.analysis.probes import probe_stages, stage_states
from esm_explore.plots.maps import map_figure
from esm_explore.plots.maps_of_stages import stage_maps
from esm_explore.plots.picture import source_of
from esm_explore.plots.probes import probe_scores
from esm_explore.principal_axes import principal_axes

NAMES = ["1UBI", "5PTI", "1A8O", "1EJG", "1AS5"]


@pytest.fixture(scope="module")
def traces(toy_encoder):
    return [ex.trace(toy_encoder, ex.read_chain(name)) for name in NAMES]


@pytest.fixture(scope="module")
def latents(traces):
    return np.concatenate([trace.pre_vq for trace in traces])


@pytest.fixture(scope="module")
def fitted(latents):
    return fit_map(latents)


def test_a_point_of_the_map_lands_where_it_is(fitted, latents):
    """Exactly; and what lies close to it lands close to it."""
    np.testing.assert_array_equal(fitted.transform(latents), fitted.points)
    width = np.ptp(fitted.points, axis=0).max()
    near = fitted.transform(latents * 1.001)
    assert (np.linalg.norm(near - fitted.points, axis=1) < 0.1 * width).mean() > 0.9
    assert fitted.trustworthiness() > 0.8


@given(chosen=st.lists(st.integers(0, 399), min_size=1, max_size=40), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_where_a_point_lies_depends_on_that_point_alone(fitted, chosen, seed):
    """One by one, all at once, in another order, with others: the same place to the last bit."""
    draws = np.random.default_rng(seed)
    new = draws.normal(scale=2.0, size=(400, 16)).astype(np.float32)
    new[::7] = fitted._data[:58]
    everywhere = fitted.transform(new)
    np.testing.assert_array_equal(fitted.transform(new[chosen]), everywhere[chosen])
    for i in chosen[:5]:
        np.testing.assert_array_equal(fitted.transform(new[i : i + 1]), everywhere[i : i + 1])


def test_many_points_are_placed_in_parts(fitted, latents, monkeypatch):
    """Memory is bounded, and the places are the same."""
    new = latents + 0.01
    expected = fitted.transform(new)
    monkeypatch.setattr("esm_explore.analysis.latent_maps._AT_ONCE", 3 * len(latents))
    np.testing.assert_array_equal(fitted.transform(new), expected)
    assert fitted.transform(new[:0]).shape == (0, 2)


def test_the_same_seed_gives_the_same_map(fitted, latents):
    """On the same machine."""
    np.testing.assert_array_equal(fit_map(latents).points, fitted.points)


def test_a_saved_map_places_new_points_as_before(fitted, latents, tmp_path):
    """Same points, same settings, and the same places for points it has not seen."""
    loaded = load_map(fitted.save(tmp_path / "map"))
    assert repr(loaded) == repr(fitted)
    np.testing.assert_array_equal(loaded.points, fitted.points)
    new = latents[:40] + 0.01
    np.testing.assert_array_equal(loaded.transform(new), fitted.transform(new))


def test_what_makes_no_map_is_refused(fitted, latents, tmp_path):
    """Too few points, another width, NaN, a file of something else."""
    with pytest.raises(ex.TraceError, match="needs more than 15 points; there are 15"):
        fit_map(latents[:15])
    with pytest.raises(ex.TraceError, match="64 numbers do not fit a map of points of 16"):
        fitted.transform(np.zeros((3, 64)))
    with pytest.raises(ex.TraceError, match="finite"):
        fit_map(np.full((30, 4), np.nan))
    (tmp_path / "x").write_text("hello")
    with pytest.raises(ex.TraceError, match="is not a map"):
        load_map(tmp_path / "x")
    with pytest.raises(ex.TraceError, match="no file"):
        load_map(tmp_path / "y")


def test_probes_are_tested_on_other_chains(traces):
    """A label that is a line through pre_vq is read from it; the majority is reported beside."""
    middle = np.median(np.concatenate([trace.pre_vq[:, 0] for trace in traces]))
    labels = [trace.pre_vq[:, 0] > middle for trace in traces]
    table = probe_stages(traces, labels).set_index("stage")
    assert list(table.index) == ["relative_position", "blocks[0]", "blocks[1]", "pre_vq", "z_q"]
    assert table.loc["pre_vq", "accuracy"] > 0.85
    share = np.concatenate(labels).mean()
    np.testing.assert_allclose(table["majority"], max(share, 1 - share))


def test_probes_need_five_chains_of_one_encoder(traces, full_encoder, ubiquitin):
    """Otherwise nothing could be left out, or states would not compare."""
    with pytest.raises(ex.TraceError, match="five sequences, not 3"):
        probe_stages(traces[:3], [t.tokens for t in traces[:3]])
    with pytest.raises(ex.TraceError, match="five sequences, not 4"):
        probe_stages([*traces[:4], traces[0]], [t.tokens for t in [*traces[:4], traces[0]]])
    with pytest.raises(ex.TraceError, match="All labels are 'helix'"):
        probe_stages(traces, [np.full(len(t), "helix") for t in traces])
    with pytest.raises(ex.TraceError, match="labels for 1 of 5 traces"):
        probe_stages(traces, [traces[0].tokens])
    with pytest.raises(ex.TraceError, match="3 labels for"):
        probe_stages(traces, [t.tokens[:3] for t in traces])
    with pytest.raises(ex.TraceError, match="Traces of one encoder"):
        stage_states([*traces, ex.trace(full_encoder, ubiquitin)])


@pytest.mark.slow
def test_progress_is_shown_and_taken_away(latents, capsys):
    """The message says why the first map takes longer."""
    fit_map(latents[:60])
    assert "UMAP of 60 points (compiled before the first one)" in capsys.readouterr().err


@pytest.mark.slow
def test_a_map_without_a_seed(latents, tmp_path):
    """Uses all cores; it saves and loads like others."""
    free = fit_map(latents[:60], seed=None)
    assert "seed None" in repr(free)
    assert repr(load_map(free.save(tmp_path / "map"))) == repr(free)


def test_maps_of_all_stages_change_color_by_button(traces, fitted, latents):
    """Two maps, three colors: points stay, colors and the legend change."""
    values = {
        "size": np.linalg.norm(latents, axis=1),
        "sign": np.where(latents[:, 0] > np.median(latents[:, 0]), "plus", "minus"),
        "tint": np.zeros((len(latents), 3), np.uint8),
    }
    names = [f"residue {i}" for i in range(len(latents))]
    figure = stage_maps(traces, {"one": fitted, "two": fitted}, values, names, first="sign")
    assert [len(dots.x) for dots in figure.data] == [len(latents)] * 2
    source = source_of(traces)
    assert (
        repr(figure)
        == f"UMAP of 2 stages, colored by sign | {source} | 2 x {len(latents)} x 2 numbers"
    )
    menu = figure.layout.updatemenus[0]
    assert [button.label for button in menu.buttons] == list(values)
    assert menu.active == 1
    assert len(set(figure.data[0].marker.color)) == 2
    for button in menu.buttons:
        points, layout = button.args
        assert len(points["marker.color"][0]) == len(latents)
        title = f"UMAP of 2 stages, colored by {button.label}<br><sub>{source}</sub>"
        assert layout["title.text"] == title
        assert button.label in layout["annotations"][-1]["text"]


@pytest.mark.slow
def test_maps_of_some_residues_do_not_say_that_they_are_of_all(traces, latents):
    """The caption names how many points there are of how many residues."""
    some = fit_map(latents[::3])
    figure = stage_maps(traces, {"one": some}, {"size": latents[::3, 0]})
    said = f"{len(latents[::3])} points of {source_of(traces)}"
    assert said in repr(figure)
    assert said in figure.layout.title.text


def test_stage_maps_refuse_what_does_not_fit(traces, fitted, latents):
    """A color that is not there; values of other residues."""
    with pytest.raises(ex.TraceError, match="no color 'hue'; it is one of: size"):
        stage_maps(traces, {"one": fitted}, {"size": latents[:, 0]}, first="hue")
    with pytest.raises(ex.TraceError, match="not of the same residues"):
        stage_maps(traces, {"one": fitted}, {"size": latents[:5, 0]})


def test_new_points_are_drawn_over_the_map(traces, fitted, latents):
    """The frozen map is behind, in gray; the caption names it."""
    figure = map_figure(traces[0], latents[:7, :2], np.arange(7), "order", behind=fitted)
    assert [len(dots.x) for dots in figure.data] == [len(latents), 7]
    shown = f"Placed on {fitted.title}, colored by order"
    assert repr(figure) == f"{shown} | {traces[0].source} | 7 x 2 numbers"


def test_two_maps_never_share_a_caption(traces, fitted, latents):
    """Colored alike, of as many points: each says which map it is, named or not."""
    values = np.arange(len(latents))
    others = [
        LatentMap(fitted.points, latents, replace(fitted.settings, **changed))
        for changed in ({"of": "pre_vq"}, {"of": "z_q"}, {"of": "z_q", "seed": 1},
                        {"of": "z_q", "n_neighbors": 30}, {"of": "z_q", "min_dist": 0.5})
    ]  # fmt: skip
    unnamed = LatentMap(fitted.points[::-1], latents, fitted.settings)
    shown = [fitted, unnamed, *others, fitted.points[:, ::-1], fitted.points + 1]
    captions = [map_figure(traces, one, values, "order").what for one in shown]
    captions.append(map_figure(traces, fitted.points, values, "order", behind=others[0]).what)
    assert len(set(captions)) == len(captions)
    assert "UMAP of pre_vq" in captions[2]
    assert all(caption.endswith("colored by order") for caption in captions)


def test_probe_scores_are_the_tables(traces):
    """A line for each label, and a dotted one for guessing."""
    middle = np.median(np.concatenate([trace.pre_vq[:, 0] for trace in traces]))
    table = probe_stages(traces, [t.pre_vq[:, 0] > middle for t in traces])
    figure = probe_scores(traces, {"side": table})
    np.testing.assert_array_equal(figure.data[0].y, table["accuracy"])
    np.testing.assert_array_equal(figure.data[1].y, table["majority"])


def test_pca_maps_of_the_inspector_say_their_share_of_the_variance_on_both_axes(traces):
    """Of the latent; the backbone in space has no such axes."""
    trace = traces[0]
    shown = ex.inspect(trace)
    shown.step = 7
    axes = shown._map.figure.axes
    _, shares = principal_axes(trace.pre_vq, 2)
    said = [axes[f"{letter}axis"]["title"]["text"] for letter in "xy"]
    assert said == [f"component {i} ({share:.0%})" for i, share in enumerate(shares, start=1)]
    shown.step = 0
    assert shown._map.figure.axes["xaxis"]["title"]["text"] == ""
    shown.close()
