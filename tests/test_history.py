"""Back and forward between what was chosen, without a browser."""

from __future__ import annotations

import pytest

import esm_explore as ex
from esm_explore.widgets.history import History
from esm_explore.widgets.selection import Selection


@pytest.fixture
def selection(ubiquitin):
    return Selection([ex.trace(ex.load_encoder("mini"), ubiquitin)])


def test_back_and_forward_give_each_choice_again(selection):
    """As the buttons of a browser do: residues and many of them, in order."""
    history = History(selection)
    selection.selected = 5
    selection.selection = [1, 2]
    selection.selected = 9
    seen = []
    for by in (-1, -1, -1, 1, 1, 1):
        history.move(by)
        seen.append((selection.selected, selection.selection))
    assert seen == [
        *((5, (1, 2)), (5, ()), (-1, ())),
        *((5, ()), (5, (1, 2)), (9, (1, 2))),
    ]


def test_at_either_end_nothing_happens(selection):
    """And both ends are known."""
    history = History(selection)
    assert (history.has_past, history.has_next) == (False, False)
    history.move(-1)
    selection.selected = 5
    history.move(1)
    assert selection.selected == 5
    assert (history.has_past, history.has_next) == (True, False)


def test_a_new_choice_ends_what_was_forward(selection):
    """Two back, then another residue: there is nothing to go forward to."""
    history = History(selection)
    for residue in (1, 2, 3):
        selection.selected = residue
    history.move(-1)
    history.move(-1)
    selection.selected = 40
    assert not history.has_next
    history.move(-1)
    assert selection.selected == 1
