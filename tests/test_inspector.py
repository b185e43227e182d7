"""The inspector's logic, without a browser: what follows when something is chosen."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from conftest import with_positions
from ipywidgets.widgets.widget import _instances

import esm_explore as ex
from esm_explore.encoders.codebook import nearest_codes
from esm_explore.experiments.comparing import match_residues
from esm_explore.palette import FRAMELESS, hex_colors, token_colors
from esm_explore.plots.residue_colors import color_by_stage
from esm_explore.tracing.stages import Attention, Block, Latent, encoder_stages
from esm_explore.widgets import inspecting, tour
from esm_explore.widgets.controls import color_keys
from esm_explore.widgets.map_panel import place_residues
from esm_explore.widgets.messages import badge
from esm_explore.widgets.page import Script
from esm_explore.widgets.panel_tables import node_table
from esm_explore.widgets.stage_figures import TERMS, panel_figure
from esm_explore.widgets.stage_sentences import tell

STEPS = encoder_stages(2)


@pytest.fixture(scope="module")
def mini():
    return ex.load_encoder("mini")


@pytest.fixture(scope="module")
def trace(mini, ubiquitin):
    return ex.trace(mini, ubiquitin)


@pytest.fixture(scope="module")
def pair(mini):
    return [ex.trace(mini, ex.read_chain(name)) for name in ("1AKE", "4AKE")]


@pytest.fixture(scope="module")
def gap(mini, ubiquitin):
    """Ubiquitin without the N of its eleventh residue."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 0] = np.nan
    return ex.trace(mini, with_positions(ubiquitin, positions))


@pytest.fixture
def inspector(trace):
    shown = ex.inspect(trace)
    yield shown
    shown.close()


def parts(inspector):
    """The views of the first chain."""
    return inspector._panes[0].structure, inspector._panes[0].sequence, inspector._panes[0].panel


def plain(sentence):
    """What is read, without explanations."""
    return unescape(re.sub("<[^>]*>", "", sentence.value))


def marked(inspector, layer):
    data = inspector._map.figure.overlay[layer - 1]
    return np.stack([data["x"], data["y"]], 1)


def test_nine_steps_of_esm3s_encoder():
    """Keys 1 to 9 are these, in the order in which the encoder goes."""
    assert [step.title for step in STEPS] == [
        "KNN",
        "relative position",
        "block 0 attention",
        "block 0 output",
        "block 1 attention",
        "block 1 output",
        "query",
        "pre_vq",
        "codebook",
    ]


def test_selecting_marks_the_residue_in_every_view(inspector, trace):
    """Set from code: structure, strip, map and panel follow."""
    inspector.selected = 29
    structure, strip, panel = parts(inspector)
    assert structure.selected == strip.selected == 29
    assert "Residue 30 sees" in panel.sentence.value
    np.testing.assert_allclose(marked(inspector, 3)[0], inspector._map.points[29])


@pytest.mark.parametrize("view", ["structure", "strip", "map", "panel", "text"])
def test_a_click_in_any_view_selects_everywhere(inspector, view):
    """As the page reports clicks."""
    structure, strip, panel = parts(inspector)
    if view == "structure":
        structure.selected = 40
    elif view == "strip":
        strip.selected = 40
    elif view == "map":
        inspector._map.picked(40)
    elif view == "panel":
        inspector.selected = 41
        panel.on_residue(40)
    else:
        inspector._acts.pressed("find", "41")
    assert inspector.selected == structure.selected == strip.selected == 40


@pytest.mark.parametrize("text", ["41", " 41 ", "A:41", "1UBI:41"])
def test_a_residue_is_typed_as_it_is_spoken_of(inspector, text):
    """By number, chain and number, or structure and number."""
    inspector._acts.pressed("find", text)
    assert inspector.selected == 40


@pytest.mark.parametrize(
    ("text", "said"),
    [("999", "it has: 1 to 76"), ("Q:3", "there are: A"), ("x", "too short for a motif")],
)
def test_a_wrong_residue_is_a_message_and_changes_nothing(inspector, text, said):
    """No exception either: it would be a traceback in the log."""
    before = inspector.selected
    inspector._acts.pressed("find", text)
    assert said in inspector._message.value
    assert inspector._message.layout.display == "block"
    assert inspector.selected == before
    inspector.selected = 3
    assert inspector._message.layout.display == "none"


def test_code_that_asks_for_no_residue_gets_an_error(inspector):
    """Our own, with what would be right."""
    with pytest.raises(ex.TraceError, match="it is 0 to 75"):
        inspector.selected = 76
    with pytest.raises(ex.TraceError, match="it is 0 to 75"):
        inspector.selection = [3, 400]


WRONG = {
    "step": [(99, "one of: 0, 1, 2, 3, 4, 5, 6, 7, 8"), (-1, "one of: 0, 1")],
    "color": [("nonsense", "one of: this step, token")],
    "arrangement": [("x", "one of: PCA, UMAP")],
    "chain": [(9, "one of: 0, 1")],
    "selected": [(4000, "it is 0 to 213")],
    "selection": [([4000], "it is 0 to 213")],
}


@pytest.fixture(scope="module")
def both(pair):
    shown = ex.inspect(pair)
    yield shown
    shown.close()


@pytest.mark.parametrize(
    ("name", "value", "said"), [(name, *wrong) for name in WRONG for wrong in WRONG[name]]
)
def test_wrong_values_from_python_change_nothing(both, name, value, said):
    """Neither in the traits nor in what is shown."""

    def state():
        shown = [(p.structure.get_state(), p.sequence.get_state()) for p in both._panes]
        return both.choice, [getattr(both, trait) for trait in WRONG], shown

    both.choose(1, 20, [1, 2])
    before = state()
    with pytest.raises(ex.TraceError, match=said):
        setattr(both, name, value)
    assert state() == before


@pytest.mark.slow
@pytest.mark.parametrize("start", range(5))
def test_traits_are_set_from_python_in_any_order(pair, trace, start):
    """Two chains, the second much shorter: afterwards each view shows what the traits say."""
    values = {"selected": 70, "chain": 1, "step": 8, "selection": (3, 4), "color": "token"}
    order = [*values][start:] + [*values][:start]
    shown = ex.inspect([pair[0], trace])
    shown.choose(0, 200, [200, 201])
    for name in order:
        setattr(shown, name, values[name])
    lost = [name for name in order[: order.index("chain")] if name in ("selected", "selection")]
    expected = values | dict.fromkeys(lost, -1) | ({"selection": ()} if "selection" in lost else {})
    assert {name: getattr(shown, name) for name in order} == expected
    for chain, pane in enumerate(shown._panes):
        selected, many = shown.partner(chain)
        assert (pane.structure.selected, pane.structure.selection) == (selected, many)
        assert (pane.sequence.selected, pane.sequence.selection) == (selected, many)
        said = plain(pane.panel.sentence)
        assert said.startswith("No residue is" if selected < 0 else "codebook. Code")
    assert (shown._acts.bar.values["step"], shown._acts.controls.values["chain"]) == (8, 1)
    assert shown._acts.controls.values["color"] == "token"
    shown.close()


def test_a_click_is_one_event(both):
    """What views show because of it is not taken for another click."""
    both.choose(0, 3, [4])
    events = []
    both.observe(events.append, "choice")
    both._panes[1].structure.selected = 30
    both._panes[1].sequence.hovered = 5
    assert [event["new"] for event in events] == [(1, 30, ())]
    assert both._panes[1].structure.hovered == 5
    assert both._panes[0].structure.hovered == -1
    both.unobserve(events.append, "choice")


def test_a_residue_can_be_typed_again(inspector):
    """After another one was chosen in between."""
    for _ in range(2):
        inspector._acts.pressed("find", "57")
        assert inspector.selected == 56
        inspector.selected = 20


@pytest.mark.parametrize("given", ["x", None, "chain", 3])
def test_a_tour_of_what_is_no_trace_is_refused(ubiquitin, given):
    given = ubiquitin if given == "chain" else given
    with pytest.raises(ex.TraceError, match="step_through takes a Trace, not"):
        ex.step_through(given)


@pytest.mark.parametrize("given", ["x", None, 3, [None], [3]])
def test_what_can_be_neither_inspected_nor_read_is_refused(given):
    """By an error of ours, before anything is shown."""
    with pytest.raises(ex.EsmExploreError):
        ex.inspect(given)


@pytest.mark.slow
def test_files_names_chains_and_lists_are_traced(trace, ubiquitin, toy_encoder, tmp_path):
    """With mini, with the first trace's encoder, or with the one that is given."""
    path = tmp_path / "mine.pdb"
    path.write_text(ubiquitin.to_pdb_string())
    for given in ("1UBI", path, str(path), ubiquitin):
        shown = ex.inspect(given)
        np.testing.assert_array_equal(shown.traces[0].tokens, trace.tokens)
        shown.close()
    mixed = ex.inspect(["1UBI", ex.trace(toy_encoder, ubiquitin)])
    assert mixed.traces[0].encoder is toy_encoder
    mixed.close()
    other = ex.inspect(ubiquitin, encoder=toy_encoder)
    assert other.traces[0].encoder is toy_encoder
    other.close()


def test_a_pinned_residue_is_compared_with_the_next(inspector):
    """Sentence, table and a ghost near the residue; unpinned, all is as before."""
    structure, _, panel = parts(inspector)
    inspector.selected = 29
    before = panel.sentence.value
    inspector._acts.pressed("pin")
    assert inspector.pinned == (0, 29)
    assert panel.sentence.value == before
    inspector.selected = 50
    assert "1UBI A 51 and 1UBI A 30" in panel.sentence.value
    assert len(panel.table.rows) == 9
    ghost = np.concatenate([line["points"] for line in structure.ghost])
    center = inspector.traces[0].chain.atom37_positions[50, 1]
    assert np.linalg.norm(ghost - center, axis=1).min() < 1e-3
    assert np.linalg.norm(ghost - center, axis=1).max() < 25
    inspector._acts.pressed("pin")
    assert structure.ghost == []
    assert "Residue 51 sees" in panel.sentence.value


def test_a_ghost_lies_where_the_chain_is_shown(both):
    """Of two superposed chains the second is not where its file has it."""
    both.choose(0, 30)
    both.pinned = (0, 30)
    both.choose(1, 30)
    pane = both._panes[1]
    ghost = np.concatenate([line["points"] for line in pane.structure.ghost])
    assert np.linalg.norm(ghost - pane.coords[30, 1], axis=1).min() < 1e-2
    both.pinned = (0, -1)


@pytest.mark.slow
def test_two_chains_that_match_share_a_place_and_a_camera(both, trace, pair):
    """Adenylate kinase open and closed do; alone, or without three counterparts, none does."""
    first, second = (pane.structure for pane in both._panes)
    assert first.group == second.group != ""
    fitted = both._panes[1].coords[:, 1] - pair[0].chain.atom37_positions[:, 1]
    assert np.median(np.linalg.norm(fitted, axis=1)) < 10
    alone = ex.inspect(pair[0])
    assert alone._panes[0].structure.group == ""
    alone.close()
    far = replace(trace.chain, residue_index=np.arange(900, 976))
    strangers = ex.inspect([pair[0], far])
    assert [pane.structure.group for pane in strangers._panes] == ["", ""]
    strangers.close()


def test_buttons_go_back_and_forward_and_clear(inspector):
    """And are gray while there is nothing to do."""
    disabled = lambda: set(inspector._acts.controls.disabled)  # noqa: E731
    inspector.selected = 5
    inspector.selected = 9
    assert disabled() == {"next"}
    inspector._acts.pressed("past")
    assert (inspector.selected, disabled()) == (5, set())
    inspector._acts.pressed("next")
    inspector._acts.key("Escape")
    assert (inspector.selected, inspector.selection) == (-1, ())
    assert disabled() >= {"clear", "pin"}
    inspector._acts.pressed("past")
    assert inspector.selected == 9


def test_many_found_are_marked_and_counted(inspector):
    """A motif, and what the box shows until something else is chosen."""
    inspector._acts.pressed("find", "LxGG")
    assert inspector.selection == (72, 73, 74, 75)
    assert "4 residues match LxGG" in inspector._message.value
    assert inspector._acts.controls.values["find"] == "LxGG"
    inspector.selected = 3
    assert inspector._acts.controls.values["find"] == ""
    assert inspector._message.layout.display == "none"


def test_the_camera_goes_to_the_neighborhood_at_attention(inspector, trace):
    """And on with the residue, until the view's own button says otherwise."""
    structure = parts(inspector)[0]
    assert structure.focus == []
    inspector.step = 2
    assert sorted(structure.focus) == sorted(trace.edges[inspector.selected].tolist())
    inspector.selected = 10
    assert structure.focus[0] == 10
    structure.focus = []
    inspector.selected = 20
    assert structure.focus == []
    assert structure.near[0] == 20


@pytest.mark.slow
def test_the_picture_of_what_is_seen(inspector, toy_encoder, ubiquitin, trace):
    """A PNG that is another when something else is chosen; also where there is a problem."""
    inspector.selected = 3
    first = inspector.still()
    inspector.selected = 40
    second = inspector.still()
    assert first != second
    assert second == inspector.still()
    for png in (first, second, ex.step_through(trace, "57").still()):
        assert png.startswith(b"\x89PNG")
        assert int.from_bytes(png[16:20], "big") >= 300
    assert ex.inspect([trace, ex.trace(toy_encoder, ubiquitin)]).still().startswith(b"\x89PNG")


def test_a_lasso_selects_many_and_sums_them_up(inspector, trace):
    """Counts of amino acids, structures and tokens."""
    inspector._map.lassoed([22, 23, 24, 25])
    structure, strip, _ = parts(inspector)
    assert inspector.selection == (22, 23, 24, 25)
    assert structure.selection == strip.selection == [22, 23, 24, 25]
    assert "4 residues selected" in inspector._summary.value
    assert "4 helix" in inspector._summary.value
    assert len(marked(inspector, 1)) == 4
    inspector._map.lassoed([])
    assert inspector._summary.value == ""


def test_a_drag_over_the_strip_is_a_selection(inspector):
    """And can be observed by a user's code."""
    seen = []
    inspector.observe(lambda change: seen.append(change["new"]), "selection")
    parts(inspector)[1].selection = [3, 4, 5]
    assert seen == [(3, 4, 5)]


def test_clicking_a_code_marks_the_residues_that_have_it(inspector, trace):
    """None is said in words."""
    token = int(trace.tokens[30])
    inspector._acts.code_clicked(0, token)
    assert list(inspector.selection) == np.flatnonzero(trace.tokens == token).tolist()
    unused = int(np.setdiff1d(np.arange(4096), trace.tokens)[0])
    inspector._acts.code_clicked(0, unused)
    assert inspector.selection == ()
    assert f"has code {unused}" in inspector._message.value


@pytest.mark.slow
def test_every_step_changes_sentence_and_colors(inspector):
    """And the buttons show where one is."""
    sentences, colors = set(), set()
    for number in range(9):
        inspector._acts.bar.press(str(number + 1))
        assert inspector.step == number
        structure, strip, panel = parts(inspector)
        assert structure.colors == strip.colors
        sentences.add(panel.sentence.value)
        colors.add(structure.colors)
    assert len(sentences) == 9
    # The query's state is the last block's output.
    assert len(colors) == 8
    inspector._acts.bar.press("ArrowRight")
    assert inspector.step == 8
    inspector._acts.bar.press("ArrowLeft")
    assert inspector.step == 7


def test_lines_are_as_thick_as_attention(inspector, trace):
    """Of the head that the slider says."""
    inspector.step = 2
    inspector.selected = 30
    structure, _, panel = parts(inspector)
    rows = trace.neighborhood(30).attention[0, :, 0]
    for chosen, row in ((-1, rows.mean(0)), (5, rows[5])):
        panel.heads.put("head", chosen)
        weights = {line[1]: line[2] for line in structure.lines}
        expected = row[1:] / row[1:].max()
        np.testing.assert_allclose(
            [weights[node] for node in trace.edges[30][1:].tolist()], expected, rtol=1e-4
        )
    inspector.step = 6
    assert structure.lines == []


def test_the_last_step_has_the_colors_of_tokens(trace):
    """The same as in every other picture of the encoder."""
    expected = np.array(hex_colors(token_colors(trace.codebook)))[trace.tokens].tolist()
    assert color_by_stage([trace], STEPS[-1]).hexes == [expected]


def test_colors_of_every_menu_entry(inspector):
    """Words and numbers, with a legend."""
    structure = parts(inspector)[0]
    for color in color_keys(inspector.traces):
        inspector.color = color
        assert len(structure.colors) == 3 * 76
        assert bool(structure.bar) == (color in ("margin", "burial"))
        assert structure.bar or structure.legend
    inspector.color = "secondary_structure"
    assert {"helix", "strand", "P-SEA, from CA atoms"} <= {text for _, text in structure.legend}


@pytest.mark.slow
def test_umap_is_made_when_asked_for_and_kept(inspector):
    """Another layout of the same residues."""
    inspector.step = 7
    before = inspector._map.points
    inspector.arrangement = "UMAP"
    after = inspector._map.points
    assert after.shape == before.shape
    assert not np.allclose(after, before)
    assert "UMAP" in inspector._map.figure.axes["title"]["text"]
    inspector.step = 8
    inspector.step = 7
    assert inspector._map.points is after


def test_two_chains_are_linked_by_number(pair):
    """A click in one marks its counterpart in the other; the clicked one is what `selected` is."""
    shown = ex.inspect(pair)
    first, second = (pane.sequence for pane in shown._panes)
    shown.selected = 30
    assert (first.selected, second.selected) == (30, 30)
    second.selected = 77
    assert (shown.chain, shown.selected, first.selected) == (1, 77, 77)
    shown._acts.controls.put("linked_by", "alignment")
    assert first.selected == 77
    shown.close()


def test_alignment_links_what_numbers_do_not(mini, trace, ubiquitin):
    """Ubiquitin from residue 11 on, renumbered from 1."""
    part = ubiquitin[10:]
    part = type(part)(**{**vars(part), "residue_index": np.arange(1, len(part) + 1)})
    shorter = ex.trace(mini, part)
    by_number = match_residues(shorter, trace, "residue number")
    by_alignment = match_residues(shorter, trace, "alignment")
    assert by_number[:3].tolist() == [0, 1, 2]
    assert by_alignment.tolist() == list(range(10, 76))


def test_of_three_chains_a_menu_shows_one(pair, trace):
    """Typing another chain's residue goes there."""
    shown = ex.inspect([*pair, trace])
    assert len(shown._panes) == 1
    shown._acts.pressed("find", "1UBI:5")
    assert (shown.chain, shown.selected) == (2, 4)
    assert shown._panes[0].sequence.letters == trace.chain.sequence
    shown.choose(0, 200, [201])
    shown.chain = 2
    structure, sequence, panel = parts(shown)
    assert (shown.selected, structure.selected, sequence.selection) == (-1, -1, [])
    assert len(structure.colors) == len(sequence.colors) == 3 * 76
    assert panel.sentence.value == "No residue is selected."
    shown.close()


def test_what_cannot_be_inspected_is_said_in_the_widget(trace, toy_encoder, ubiquitin, tmp_path):
    """Different encoders, and a trace that lost its encoder."""
    other = ex.trace(toy_encoder, ubiquitin)
    assert "different encoders" in ex.inspect([trace, other])._message.value
    loaded = ex.load_trace(trace.save(tmp_path / "trace.safetensors"))
    assert "load_trace(path, encoder=...)" in ex.inspect(loaded)._message.value
    assert "no traces" in ex.inspect([])._message.value


def test_a_frameless_residue_is_gray_and_explained(gap):
    """It is not on the map, and its token is said to mean nothing."""
    shown = ex.inspect(gap)
    shown.selected = 10
    assert "has no backbone frame" in plain(shown._panes[0].panel.sentence)
    assert shown._panes[0].structure.colors[30:33] == bytes.fromhex(FRAMELESS[1:])
    assert len(shown._map.points) == 75
    assert len(marked(shown, 3)) == 0
    shown.close()


def test_sentences_say_what_the_numbers_say(trace):
    """Attention, codes and lengths of one residue, computed again."""
    opened = trace.neighborhood(30)
    told = {step.title: tell(step, trace, opened) for step in STEPS}
    mean = opened.attention[0, :, 0].mean(0)
    best = int(np.argsort(-mean[1:])[0]) + 1
    relative = opened.relative_positions[best]
    assert f"keeps {100 * mean[0]:.0f} % on itself" in told["block 0 attention"]
    assert f"reads mostly i{relative:+d} ({100 * mean[best]:.0f} %)" in told["block 0 attention"]
    found = nearest_codes(trace.codebook, trace.pre_vq[30:31], k=2)
    assert f"margin of {found.margin[0]:.2f}" in told["codebook"]
    assert f"token is {trace.tokens[30]}" in told["codebook"]
    attention = np.linalg.norm(trace.attention_out[1][30])
    assert f"attention adds {attention:.1f}" in told["block 1 output"]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_every_step_can_be_drawn(trace, gap, step):
    """A figure with as many click targets as points, a table, and states to lay out."""
    for shown, index in ((trace, 30), (gap, 10)):
        opened = shown.neighborhood(index)
        for term in TERMS if isinstance(step, Attention) else TERMS[:1]:
            drawn = panel_figure(step, shown, opened, None, term)
        targets = drawn.residues or drawn.codes
        assert bool(targets) == (not isinstance(step, Block | Latent))
        assert not targets or len(targets) == len(drawn.data[0]["x"])
        table = node_table(step, shown, opened, 3)
        assert len(table.rows) == len(table.residues) == 16
        assert len(shown.states(step)) == len(shown)
        assert len(place_residues(step, [shown], "PCA")[0]) == shown.has_frame.sum()


def test_the_shortest_chain_can_be_inspected(mini, ubiquitin):
    """One residue: a neighborhood of itself."""
    shown = ex.inspect(ex.trace(mini, ubiquitin[:1]))
    for step in range(9):
        shown.step = step
    assert "fewer than 16" in tell(STEPS[0], shown.traces[0], shown.traces[0].neighborhood(0))
    shown.close()


def test_the_tour_walks_and_explains(trace):
    """General text, and this residue's sentence."""
    tour = ex.step_through(trace, "31")
    assert tour.residue == 30
    for number, step in enumerate(STEPS):
        tour.step = number
        assert step.explanation in plain(tour._explanation)
        assert step.title in tour._pane.panel.sentence.value
    with pytest.raises(ex.TraceError, match="one of: 0, 1"):
        tour.step = 9
    assert tour.step == tour._bar.values["step"] == 8
    assert repr(tour).splitlines()[0] == "Tour of residue 31 of 1UBI chain A, 76 residues"
    tour.close()
    with pytest.raises(ex.TraceError, match="it has: 1 to 76"):
        ex.step_through(trace, "200")


def test_the_text_form_names_chain_and_encoder(inspector):
    """What nbval compares."""
    assert repr(inspector).splitlines() == [
        "Inspector of 1UBI chain A, 76 residues",
        "Encoder: mini (esm_explore, trained on 11k chains)",
    ]


@pytest.mark.slow
def test_closing_leaves_nothing_behind(trace):
    """Ten times opened and closed: as many widgets in the kernel as before."""
    ex.inspect(trace).close()
    before = len(_instances)
    for _ in range(10):
        ex.inspect(trace).close()
    assert len(_instances) == before


@pytest.mark.slow
def test_what_could_mislead_is_a_badge(mini, trace):
    """4ZHL's numbering changes tokens; ubiquitin has nothing to warn of."""
    numbered = ex.trace(mini, ex.read_chain("4ZHL"))
    assert "numbering=&quot;sequential&quot; changes" in badge([numbered])
    assert badge([trace]) == ""


@pytest.mark.parametrize("verb", ["inspect", "step_through"])
def test_the_page_has_its_libraries_before_the_views_are_built(trace, verb, monkeypatch):
    """It loads them while Python is at work."""
    module, made = {"inspect": (inspecting, "Inspector"), "step_through": (tour, "Tour")}[verb]
    monkeypatch.setattr(Script, "ready", {})
    sent = []
    monkeypatch.setattr(module, made, lambda *_: sent.extend(Script.ready))
    getattr(ex, verb)(trace)
    assert sent == ["3Dmol.js", "plotly.js"]
    assert all(Script.ready[name].name == name for name in sent)
