"""The inspector's tabs "code" and "why", without a browser."""

from __future__ import annotations

import asyncio
import re
import threading
from html import unescape

import numpy as np
import pytest
from conftest import mostly_slow, with_positions

import esm_explore as ex
from esm_explore.widgets import why_answer
from esm_explore.widgets.offline_record import Recorder

KINDS = (
    *("secondary structure", "amino acid", "phi and psi", "burial"),
    *("relative position", "contact order", "3Di"),
)


@pytest.fixture(scope="module")
def mini():
    return ex.load_encoder("mini")


@pytest.fixture(scope="module")
def trace(mini, ubiquitin):
    return ex.trace(mini, ubiquitin)


@pytest.fixture(scope="module")
def own_atlas(mini, tmp_path_factory):
    """An atlas of ubiquitin alone: most codes occur once."""
    out = tmp_path_factory.mktemp("atlas") / "own"
    ex.build_atlas(mini, ["1UBI"], out)
    return ex.open_atlas(out)


@pytest.fixture
def inspector(trace):
    shown = ex.inspect(trace)
    yield shown
    shown.close()


def said(shown, chain: int = 0) -> str:
    """What is read in the panel, without explanations."""
    text = shown._panes[chain].panel.sentence.value
    return unescape(re.sub("<[^>]*>", "", text))


def rows(shown, chain: int = 0) -> list[list[str]]:
    return shown._panes[chain].panel.table.rows


@pytest.mark.slow
def test_nothing_is_worked_out_while_a_tab_is_hidden(inspector, monkeypatch):
    """One knock-out when the tab opens, one a residue then, none for a step."""
    asked = []
    knock_out = why_answer.knock_out
    monkeypatch.setattr(why_answer, "knock_out", lambda *a: asked.append(a[1]) or knock_out(*a))
    for residue in (20, 21, 22):
        inspector.selected = residue
    inspector.tab = "code"
    assert asked == []
    inspector.tab = "why"
    inspector.step = 4
    inspector.tab, inspector.tab = "step", "why"
    assert asked == [22]
    inspector.selected = 30
    assert asked == [22, 30]


@pytest.mark.slow
def test_the_card_is_what_the_atlas_says(inspector, trace):
    """Description, count and every category that occurs; which atlas, and of which encoder."""
    inspector.selected, inspector.tab = 29, "code"
    card = ex.open_atlas().code(int(trace.tokens[29]))
    assert f"Code {card.code}: {card.description}." in said(inspector)
    assert f"{card.count:,} residues in {card.chains:,} of" in said(inspector)
    assert f"residues; encoder: {trace.encoder_info.title}" in said(inspector)
    second = trace.nearest.codes[29, 1]
    assert f"to the runner-up {second}" in said(inspector)
    named = [row[1] for row in rows(inspector) if row[0] == "exemplar"]
    assert named == [one.label for one in card.exemplars]
    frame = card.to_frame()
    counted = sorted(frame["count"][frame["count"] > 0])
    others = [row for row in rows(inspector) if row[1].startswith("code ")]
    kinds = [row for row in rows(inspector) if row[0] in KINDS]
    assert sorted(int(row[2].replace(",", "")) for row in kinds) == counted
    assert len(others) == len(card.borders) + len(card.before) + len(card.after)


@pytest.mark.slow
def test_a_residue_that_is_the_medoid_lies_on_itself(trace, own_atlas):
    """Of a code that occurs once in an atlas of this chain; stored with half precision."""
    code = int(own_atlas.codes.query("count == 1")["token"].iloc[0])
    index = int(np.flatnonzero(trace.tokens == code)[0])
    shown = ex.inspect(trace, atlas=own_atlas)
    shown.selected, shown.tab = index, "code"
    assert f"1UBI A {trace.labels[index]}, by its backbone frame alone" in said(shown)
    assert "are 0.0 Å from the medoid's" in said(shown)
    ghosts = shown._panes[0].structure.ghost
    half = len(ghosts) // 2
    for own, medoid in zip(ghosts[:half], ghosts[half:], strict=True):
        np.testing.assert_allclose(own["points"], medoid["points"], atol=0.03)
    own = np.concatenate([ghost["points"] for ghost in ghosts[:half]])
    ca = trace.chain.atom37_positions[np.sort(trace.edges[index]), 1]
    np.testing.assert_allclose(own, ca, atol=1e-3)
    shown.close()


def test_of_few_residues_nothing_is_said_but_that(trace, own_atlas):
    """Where fewer than 20 residues have a code: in words, and in each cell."""
    shown = ex.inspect(trace, atlas=own_atlas)
    shown.tab = "code"
    assert "too few to tell" in said(shown)
    assert shown._panes[0].panel.figure.base == []
    kinds = [row for row in rows(shown) if row[0] in KINDS]
    assert {row[4] for row in kinds} == {"too few to tell"}
    shown.close()


def test_an_atlas_of_another_encoder_is_refused(toy_encoder, ubiquitin, own_atlas, trace):
    """At once, by its digest; so is what is no atlas."""
    with pytest.raises(ex.AtlasError, match=r"This atlas is of the encoder mini .* unnamed"):
        ex.inspect(ex.trace(toy_encoder, ubiquitin), atlas=own_atlas)
    with pytest.raises(ex.TraceError, match="atlas is 'own'; it has to be an atlas, from"):
        ex.inspect(trace, atlas="own")


def test_without_an_atlas_it_says_how_to_build_one(toy_encoder, ubiquitin):
    """The bundled one is not of this encoder."""
    shown = ex.inspect(ex.trace(toy_encoder, ubiquitin))
    shown.tab = "code"
    assert "the encoder unnamed encoder" in said(shown)
    assert "esm-explore atlas build SOURCES -o ATLAS --encoder ENCODER" in said(shown)
    shown.close()


def test_why_is_the_knock_out_of_the_residue(inspector, trace):
    """Its sentence, a row and a line a neighbor, and thick lines where the code changes."""
    inspector.selected, inspector.tab = 29, "why"
    knocked = ex.experiments.knock_out(trace, 29)
    assert knocked.summary() in said(inspector)
    effects = knocked.neighbors["effect"]
    assert [row[3] for row in rows(inspector)] == [f"{effect:.2f}" for effect in effects]
    lines = inspector._panes[0].structure.ghost
    ca = trace.chain.atom37_positions[:, 1]
    for line, end in zip(lines, knocked.neighbors["index"], strict=True):
        np.testing.assert_allclose(line["points"], ca[[29, end]], atol=1e-3)
    radii = np.array([line["radius"] for line in lines])
    assert ((radii == radii.max()) == knocked.neighbors["flips"]).all()
    bars = inspector._panes[0].panel.figure.base
    effect = sum(np.nan_to_num(np.array(bar["y"], float)) for bar in bars[:2])
    assert effect.sum() == pytest.approx(100)
    assert sum(bars[2]["y"]) == pytest.approx(100)


@pytest.mark.parametrize("tab", mostly_slow(["code", "why"], "code"))
def test_a_residue_without_a_frame_is_told_in_place(mini, ubiquitin, tab):
    """And the next residue is answered."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 0] = np.nan
    shown = ex.inspect(ex.trace(mini, with_positions(ubiquitin, positions)))
    shown.selected, shown.tab = 10, tab
    assert "Residue 11 of 1UBI chain A" in said(shown)
    assert "has no backbone frame" in said(shown)
    assert rows(shown) == []
    shown.selected = 40
    assert len(rows(shown)) >= 15
    shown.close()


def test_back_at_the_step_nothing_is_left_of_the_tabs(inspector):
    """Neither lines of the star nor legend."""
    structure = inspector._panes[0].structure
    before = said(inspector), structure.legend, structure.ghost
    inspector.tab = "why"
    assert structure.ghost
    inspector.tab = "step"
    assert (said(inspector), structure.legend, structure.ghost) == before


@pytest.mark.slow
def test_rows_are_residues_and_codes(inspector, trace):
    """A neighbor is chosen; a code marks the residues that have it, or says that none has."""
    panel = inspector._panes[0].panel
    inspector.selected, inspector.tab = 29, "why"
    panel._row_clicked(2)
    assert inspector.selected == trace.edges[29, 3]
    inspector.selected, inspector.tab = 29, "code"
    codes = panel.contents.table.codes
    row = next(i for i, code in enumerate(codes) if code >= 0)
    panel._row_clicked(row)
    same = np.flatnonzero(trace.tokens == codes[row])
    assert list(inspector.selection) == same.tolist()
    assert len(same) or f"has code {codes[row]}" in inspector._message.value
    panel._row_clicked(codes.index(-1))
    assert inspector.selected == 29


def test_a_tab_that_is_not_there_is_refused(inspector):
    inspector.tab = "code"
    with pytest.raises(ex.TraceError, match="no tab 'codes'; it is one of: step, code, why"):
        inspector.tab = "codes"
    assert inspector.tab == inspector._panes[0].bar.values["tab"] == "code"


@pytest.mark.slow
def test_each_of_two_chains_answers_for_its_own_residue(mini):
    """One tab for both; what lies elsewhere in 3D has its ghosts there."""
    traces = [ex.trace(mini, ex.read_chain(name)) for name in ("1AKE", "4AKE")]
    both = ex.inspect(traces)
    both.selected = 30
    both._panes[1].bar.put("tab", "code")
    assert [pane.bar.values["tab"] for pane in both._panes] == ["code", "code"]
    for chain, (shown, name) in enumerate(zip(traces, ("1AKE A 31", "4AKE A 31"), strict=True)):
        assert f"Code {shown.tokens[30]}: " in said(both, chain)
        assert name in said(both, chain)
        pane = both._panes[chain]
        coords = shown.chain.atom37_positions if pane.coords is None else pane.coords
        points = np.concatenate([ghost["points"] for ghost in pane.structure.ghost])
        assert np.linalg.norm(points - coords[30, 1], axis=1).min() < 1e-2
    both.close()


@pytest.mark.slow
def test_clicks_do_not_wait_for_an_answer(inspector, monkeypatch):
    """In a kernel's loop: the last residue alone is answered, and a picture waits for it."""
    held, asked = threading.Event(), []
    knock_out = why_answer.knock_out

    def slow(trace, residue):
        asked.append(residue)
        held.wait(20)
        return knock_out(trace, residue)

    monkeypatch.setattr(why_answer, "knock_out", slow)

    async def click() -> None:
        inspector.tab = "why"
        for residue in (20, 21, 22):
            inspector.selected = residue
        assert said(inspector) == "Residue 23: being worked out …"
        assert inspector._panes[0].structure.selected == 22
        held.set()
        inspector.still()
        assert "1UBI A 23, token" in said(inspector)
        inspector.selected = 30
        for _ in range(200):
            await asyncio.sleep(0.05)
            if "1UBI A 31, token" in said(inspector):
                return
        raise AssertionError(said(inspector))

    asyncio.run(click())
    # What was begun is not shown, and what was not begun is not worked out.
    assert len(asked) == 3


@pytest.mark.slow
def test_a_saved_page_has_each_card_once(inspector, trace):
    """And says of each residue what the live tab says."""
    answers = inspector._answers["code"]
    saved = Recorder(inspector, answers).saved([None], {"step": 0, "color": "token", "tab": "code"})
    chain = saved["chains"][0]
    assert set(saved["cards"]) == set(trace.tokens.tolist())
    inspector.tab = "code"
    for residue in (5, 29):
        inspector.selected = residue
        own = chain["codes"][residue]
        card = saved["cards"][own["code"]]
        sentence = inspector._panes[0].panel.sentence.value
        assert f"{card['said']} {own['said']} {card['said_source']}" == sentence
        assert len(own["ghost"]) == len(inspector._panes[0].structure.ghost)
    assert "needs a kernel" in saved["why"]
