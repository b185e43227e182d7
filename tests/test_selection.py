"""`Selection`: what several views share, without any view."""

from __future__ import annotations

import numpy as np
import pytest

import esm_explore as ex
from esm_explore.widgets.selection import Selection

TRAITS = ["chain", "selected", "selection"]


@pytest.fixture(scope="module")
def traces(toy_encoder, ubiquitin):
    """Ubiquitin; and its residues from 11 on, numbered as they are in the whole."""
    return [ex.trace(toy_encoder, chain) for chain in (ubiquitin, ubiquitin[10:])]


@pytest.fixture
def selection(traces):
    return Selection(traces)


def now(selection):
    return selection.chain, selection.selected, selection.selection


def test_choosing_is_one_event(selection):
    """Whatever changes; and what is chosen already is none."""
    events = []
    selection.observe(lambda change: events.append(change["new"]), "choice")
    selection.choose(1, 5, [4, 3, 3])
    assert events == [(1, 5, (3, 4))]
    assert now(selection) == (1, 5, (3, 4))
    selection.choose(1, 5, [3, 4])
    selection.selected = 5
    assert len(events) == 1


@pytest.mark.parametrize("choose", [True, False])
def test_whoever_observes_one_trait_finds_the_others_right(selection, choose):
    """Also where the chain is set alone: nothing is chosen in it, and nobody sees it otherwise."""
    selection.choose(0, 75, [70, 75])
    seen = []
    selection.observe(lambda _: seen.append(now(selection)), ["choice", *TRAITS])
    if choose:
        selection.choose(1)
    else:
        selection.chain = 1
    assert set(map(str, seen)) == {"(1, -1, ())"}


def test_one_set_alone_leaves_the_other_in_the_same_chain(selection):
    """As clicks do: `select` and `select_many` keep what is of their chain."""
    selection.selected = 5
    selection.selection = [9, 8]
    assert selection.choice == (0, 5, (8, 9))
    selection.select(0, 6)
    assert now(selection) == (0, 6, (8, 9))
    selection.select_many(0, np.array([2, 1]))
    assert now(selection) == (0, 6, (1, 2))
    selection.select(1, 3)
    assert now(selection) == (1, 3, ())
    selection.select_many(0, [1])
    assert now(selection) == (0, -1, (1,))


def test_a_partner_is_the_counterpart_in_another_chain(selection):
    """By number; in the chosen chain it is what is chosen, and some have none."""
    selection.choose(0, 12, [3, 12, 13])
    assert selection.partner(0) == (12, [3, 12, 13])
    assert selection.partner(1) == (2, [2, 3])
    selection.choose(1, 2, [2, 3])
    assert selection.partner(0) == (12, [12, 13])
    selection.choose(0, 3)
    assert selection.partner(1) == (-1, [])


def test_partners_by_alignment(toy_encoder, traces):
    """The same residues under other numbers."""
    part = traces[1].chain
    renumbered = type(part)(**{**vars(part), "residue_index": np.arange(1, len(part) + 1)})
    selection = Selection([ex.trace(toy_encoder, renumbered), traces[0]])
    selection.selected = 2
    assert selection.partner(1)[0] == 2
    selection.linked_by = "alignment"
    assert selection.partner(1)[0] == 12


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("chain", 9, "There is no chain 9; it is one of: 0, 1."),
        ("chain", -1, "one of: 0, 1"),
        ("selected", 66, "it is 0 to 65, or -1 for none"),
        ("selected", -2, "it is 0 to 65"),
        ("selection", [3, 66], "index 66 is not there: it is 0 to 65"),
        ("selection", [-1], "it is 0 to 65"),
        ("selection", ["3"], "index '3' is not there: it is 0 to 65"),
        ("selection", [1.5], "index 1.5 is not there"),
        ("hovered", (2, 0), "one of: 0, 1"),
        ("hovered", (0, 76), "it is 0 to 75"),
        ("linked_by", "name", "one of: residue number, alignment"),
    ],
)
def test_what_is_not_there_is_refused_and_changes_nothing(selection, name, value, said):
    selection.choose(1, 5, [3])
    events = []
    selection.observe(events.append)
    with pytest.raises(ex.TraceError, match=said):
        setattr(selection, name, value)
    if name in TRAITS:
        whole = {"chain": 1, "selected": 6, "selection": [4]} | {name: value}
        with pytest.raises(ex.TraceError, match=said):
            selection.choose(**whole)
    assert now(selection) == (1, 5, (3,))
    assert (selection.hovered, selection.linked_by) == ((0, -1), "residue number")
    assert events == []


@pytest.mark.parametrize(
    "wrong", [{"selected": 70}, {"selection": [3, 70]}, {"chain": 7}, {"hovered": (1, 70)}]
)
def test_what_is_not_there_does_not_stay_where_notifications_are_held(selection, wrong):
    """All that was set since comes back, and nobody hears of it."""
    selection.choose(1, 5, [3])
    events = []
    selection.observe(events.append)

    def set_together():
        with selection.hold_trait_notifications():
            selection.selected = 6
            for name, value in wrong.items():
                setattr(selection, name, value)

    with pytest.raises(ex.TraceError, match="is not there|There is no chain 7"):
        set_together()
    assert now(selection) == (1, 5, (3,))
    assert (selection.hovered, selection.choice) == ((0, -1), (1, 5, (3,)))
    assert events == []
    selection.selected = 6
    assert selection.choice == (1, 6, (3,))


def test_what_is_there_can_be_set_where_notifications_are_held(selection):
    """The chain and residues of it, in any order: all are chosen."""
    for names in (("chain", "selected", "selection"), ("selection", "selected", "chain")):
        selection.choose(0, 75, [70])
        with selection.hold_trait_notifications():
            for name in names:
                setattr(selection, name, {"chain": 1, "selected": 5, "selection": [4]}[name])
        assert now(selection) == (1, 5, (4,))
        assert selection.choice == (1, 5, (4,))


def test_residues_cannot_be_slipped_into_the_selection(selection):
    """It is a tuple: what is set later to the list that it was set to changes nothing."""
    many = [3, 4]
    selection.selection = many
    many.append(999)
    assert selection.selection == (3, 4)
    with pytest.raises(AttributeError):
        selection.selection.append(999)


def test_without_chains_it_is_said_that_there_is_none(traces):
    """Not what it is one of."""
    with pytest.raises(ex.TraceError, match="^There is no chain 0: there is none at all.$"):
        Selection([]).selected = 0
    inspector = ex.inspect([])
    with pytest.raises(ex.TraceError, match="^There is no chain 0: there is none at all.$"):
        inspector.select(0, 1)
    with pytest.raises(ex.TraceError, match="^There is no step 1: there is none at all.$"):
        inspector.step = 1
