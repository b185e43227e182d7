"""What is chosen, in which chain: what map, structure, sequence, panel and Python share."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import index

import numpy as np
from traitlets import HasTraits, Int, List, Tuple, Unicode, observe, validate

from esm_explore.errors import TraceError
from esm_explore.experiments.comparing import LINKS, match_residues
from esm_explore.tracing.traces import Trace

_NONE = -1


class Selection(HasTraits):
    """The chosen residues of one of several chains.

    Views read it and write into it, and know nothing of one another. All traits can be set and
    observed; what is not there raises a TraceError, and nothing changes. Residues are 0-based
    indices.

    Parameters
    ----------
    traces : list of Trace

    Attributes
    ----------
    chain : int
        Which of the traces `selected` and `selection` are about. Another one starts with nothing
        chosen.
    selected : int
        The residue looked at; -1 for none.
    selection : list of int
        Many residues, in order.
    hovered : (int, int)
        Chain and residue under the pointer; residue -1 for none.
    linked_by : str
        What makes residues of two chains counterparts: one of `comparing.LINKS`.
    choice : (int, int, tuple of int)
        Chain, selected and selection at once: one event however many of them change.
    """

    chain = Int(0)
    selected = Int(_NONE)
    selection = List(Int())
    hovered = Tuple(Int(), Int(), default_value=(0, _NONE))
    linked_by = Unicode(LINKS[0])
    choice = Tuple(default_value=(0, _NONE, ()), read_only=True)

    def __init__(self, traces: list[Trace], **traits):
        self.traces = traces
        self._matches: dict[tuple[int, int, str], np.ndarray] = {}
        super().__init__(**traits)

    def choose(self, chain: int, selected: int = _NONE, selection: Iterable[int] = ()) -> None:
        """Choose residues of a chain, as one event.

        Parameters
        ----------
        chain, selected : int
        selection : iterable of int

        Raises
        ------
        TraceError
            If there is no such chain or residue; nothing changes then.
        """
        # Numpy's integers are none to traitlets.
        chain, selected, many = index(chain), index(selected), sorted({index(i) for i in selection})
        self._check(chain, [selected] if selected != _NONE else [])
        self._check(chain, many)
        with self.hold_trait_notifications():
            self.set_trait("choice", (chain, selected, tuple(many)))
            self.chain, self.selected, self.selection = chain, selected, many

    def select(self, chain: int, residue: int) -> None:
        """Choose a residue; `selection` stays if it is of the same chain."""
        self.choose(chain, residue, self.selection if chain == self.chain else ())

    def select_many(self, chain: int, residues: Iterable[int]) -> None:
        """Choose many residues; `selected` stays if it is of the same chain."""
        self.choose(chain, self.selected if chain == self.chain else _NONE, residues)

    def partner(self, chain: int) -> tuple[int, list[int]]:
        """Give what is chosen, as residues of a chain: counterparts, if it is another one.

        Parameters
        ----------
        chain : int

        Returns
        -------
        selected : int
            -1 for none.
        selection : list of int
        """
        if chain == self.chain:
            return self.selected, list(self.selection)
        key = self.chain, chain, self.linked_by
        if key not in self._matches:
            traces = self.traces[self.chain], self.traces[chain]
            self._matches[key] = match_residues(*traces, self.linked_by)
        match = self._matches[key]
        selected = int(match[self.selected]) if self.selected != _NONE else _NONE
        return selected, [i for i in match[self.selection].tolist() if i != _NONE]

    def _check(self, chain: int, residues: Iterable[int]) -> None:
        check_is_one_of("chain", chain, range(len(self.traces)))
        last = len(self.traces[chain]) - 1
        for residue in residues:
            if not 0 <= residue <= last:
                raise TraceError(
                    f"Residue index {residue} is not there: it is 0 to {last}, or -1 for none."
                )

    @validate("chain", "selected", "selection", "hovered", "linked_by")
    def _is_there(self, proposal: dict) -> object:
        name, value = proposal["trait"].name, proposal["value"]
        if name == "linked_by":
            check_is_one_of("link", value, LINKS)
        elif name == "chain":
            self._check(value, [])
        elif name == "selection":
            self._check(self.chain, value)
            return sorted(set(value))
        else:
            chain, residue = (self.chain, value) if name == "selected" else value
            self._check(chain, [residue] if residue != _NONE else [])
        return value

    @observe("chain", "selected", "selection")
    def _set_alone(self, _change: dict) -> None:
        if self.chain == self.choice[0]:
            self.choose(self.chain, self.selected, self.selection)
        else:
            self.choose(self.chain)


def check_is_one_of(what: str, value: object, there: Collection) -> None:
    """Raise a TraceError with what would be right, if it is not.

    Examples
    --------
    >>> check_is_one_of("map", "t-SNE", ("PCA", "UMAP"))
    Traceback (most recent call last):
        ...
    esm_explore.errors.TraceError: There is no map 't-SNE'; it is one of: PCA, UMAP.
    """
    if value not in there:
        known = ", ".join(str(one) for one in there)
        raise TraceError(f"There is no {what} {value!r}; it is one of: {known}.")
