"""What is chosen, in which chain: what map, structure, sequence, panel and Python share."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import index

import numpy as np
from traitlets import HasTraits, Int, TraitError, Tuple, Unicode, observe, validate

from esm_explore.arguments import not_among
from esm_explore.errors import TraceError
from esm_explore.experiments.comparing import LINKS, match_residues
from esm_explore.tracing.traces import Trace


class NotThereError(TraceError, TraitError):
    """A trait was set to what is not there.

    Also traitlets' own kind of error: where notifications are held it takes all back that was
    set, and for no other.
    """


class Selection(HasTraits):
    """The chosen residues of one of several chains.

    Views read it and write into it, and know nothing of one another. All traits can be observed,
    and all but `choice` set: what is not there raises a TraceError, and nothing changes.

    Attributes
    ----------
    traces : list of Trace
    chain : int
        Which of them `selected` and `selection` are about. Set alone, nothing is chosen in it.
    selected : int
        0-based index of a residue; -1 for none.
    selection : tuple of int
        Indices of many residues, in order. Can be set to any list or tuple of them.
    hovered : (int, int)
        Chain and residue under the pointer; residue -1 for none.
    pinned : (int, int)
        Chain and residue that others are compared with; residue -1 for none.
    linked_by : str
        What makes residues of two chains counterparts: one of `comparing.LINKS`.
    choice : (int, int, tuple of int)
        Chain, selected and selection: one event, however many of them change.
    """

    chain = Int(0)
    selected = Int(-1)
    selection = Tuple()
    hovered = Tuple(Int(), Int(), default_value=(0, -1))
    pinned = Tuple(Int(), Int(), default_value=(0, -1))
    linked_by = Unicode(LINKS[0])
    choice = Tuple(default_value=(0, -1, ()), read_only=True)

    def __init__(self, traces: list[Trace]):
        self.traces = traces
        self._matches: dict[tuple[int, int, str], np.ndarray] = {}
        super().__init__()

    def choose(self, chain: int, selected: int = -1, selection: Iterable[int] = ()) -> None:
        """Choose residues of a chain, as one event.

        Raises
        ------
        TraceError
            If there is no such chain or residue; nothing changes then.
        """
        # Numpy's integers are none to traitlets.
        chain, selected = index(chain), index(selected)
        many = self._check(chain, selected, selection)
        with self.hold_trait_notifications():
            self.set_trait("choice", (chain, selected, many))
            self.chain, self.selected, self.selection = chain, selected, many

    def select(self, chain: int, residue: int) -> None:
        """Choose a residue; `selection` stays if it is of the same chain."""
        self.choose(chain, residue, self.selection if chain == self.chain else ())

    def select_many(self, chain: int, residues: Iterable[int]) -> None:
        """Choose many residues; `selected` stays if it is of the same chain."""
        self.choose(chain, self.selected if chain == self.chain else -1, residues)

    def partner(self, chain: int) -> tuple[int, list[int]]:
        """Give the counterparts in a chain of `selected` (-1 for none) and of `selection`.

        In the chosen chain they are the same.
        """
        if chain == self.chain:
            return self.selected, list(self.selection)
        key = self.chain, chain, self.linked_by
        if key not in self._matches:
            pair = self.traces[self.chain], self.traces[chain]
            self._matches[key] = match_residues(*pair, self.linked_by)
        match = self._matches[key]
        selected = int(match[self.selected]) if self.selected >= 0 else -1
        return selected, [i for i in match[list(self.selection)].tolist() if i >= 0]

    def _check(
        self, chain: int, selected: int = -1, selection: Iterable[int] = ()
    ) -> tuple[int, ...]:
        """Refuse what is not there, and give many residues in order."""
        check_is_one_of("chain", chain, range(len(self.traces)))
        last = len(self.traces[chain]) - 1
        if not -1 <= selected <= last:
            raise NotThereError(
                f"Residue index {selected} is not there: it is 0 to {last}, or -1 for none."
            )
        many = set()
        for residue in selection:
            if not isinstance(residue, int | np.integer) or not 0 <= residue <= last:
                raise NotThereError(f"Residue index {residue!r} is not there: it is 0 to {last}.")
            many.add(int(residue))
        return tuple(sorted(many))

    @validate("chain", "selected", "selection", "hovered", "pinned", "linked_by")
    def _is_there(self, proposal: dict) -> object:
        value = proposal["value"]
        match proposal["trait"].name:
            case "chain":
                self._check(value)
            case "selected":
                self._check(self.chain, value)
            case "selection":
                value = self._check(self.chain, selection=value)
            case "hovered" | "pinned":
                self._check(*value)
            case _:
                check_is_one_of("link", value, LINKS)
        return value

    @observe("chain", "selected", "selection")
    def _set_alone(self, _change: dict) -> None:
        chain, selected, many = self.choice
        if self.chain != chain:
            # What is another than before was set together with the chain, and is of it.
            selected = self.selected if self.selected != selected else -1
            many = self.selection if self.selection != many else ()
            self.choose(self.chain, selected, many)
        else:
            self.choose(self.chain, self.selected, self.selection)


def check_is_one_of(what: str, value: object, there: Collection) -> None:
    """Refuse a trait's value, with what would be right, if it is not; see `not_among`."""
    message = not_among(what, value, there)
    if message:
        raise NotThereError(message)
