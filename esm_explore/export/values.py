"""What is exported: a value a residue, with the name and the colors that the views give it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.analysis.annotations import KEYS, residue_values
from esm_explore.arguments import array_of, wrong
from esm_explore.errors import TraceError
from esm_explore.outputs import printable
from esm_explore.palette import FRAMELESS
from esm_explore.plots.residue_colors import given_colors
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace

# What these say, they say of places with a backbone frame alone.
_OF_FRAMES = ("token", "margin")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
MARK = "esm_explore export"
# Columns of tables that are there whatever is exported.
_COLUMNS = ("structure", "chain", "number", "insertion_code", "name", "has_frame", "encoder")


@dataclass(frozen=True, eq=False)
class ResidueValues:
    """A value of each residue of a trace.

    Attributes
    ----------
    trace : Trace
    name : str
        A word that programs take as a name: ``margin``, or the label of a user's own values.
    given : str or ndarray, shape=(L,)
        As a user gave it, for `view`.
    values : ndarray, shape=(L,)
        Numbers or words.
    known : ndarray, shape=(L,), dtype=bool
        Where there is one.
    colors : list of str
        ``#rrggbb``, as the 3D views have them.
    """

    trace: Trace
    name: str
    given: str | np.ndarray
    values: np.ndarray
    known: np.ndarray
    colors: list[str]

    @property
    def are_numbers(self) -> bool:
        """Whether these are numbers, not words."""
        return self.values.dtype.kind in "iuf"

    @property
    def said(self) -> list[str]:
        """What a file says of itself: the mark of this program, what it shows, and who made it."""
        trace, info = self.trace, self.trace.encoder_info
        lines = (
            f"{MARK}: {self.name.replace('_', ' ')} of {trace.title}",
            f"encoder: {info.title} ({info.digest[:12]}), numbering: {trace.numbering}",
        )
        # Names come from files: a new line would be a command to some programs.
        return [printable(line) for line in lines]

    def numbers(self) -> tuple[np.ndarray, dict[str, int]]:
        """Give numbers, and what they stand for where the values are words.

        Returns
        -------
        numbers : ndarray, shape=(L,), dtype=float
            NaN where there is no value; words are numbered from 1 in alphabetical order.
        meant : dict of str to int
            Empty for numbers.
        """
        if self.are_numbers:
            return np.where(self.known, self.values, np.nan).astype(float), {}
        words = sorted(set(self.values[self.known].tolist()))
        meant = {word: i for i, word in enumerate(words, start=1)}
        numbered = [meant.get(word, np.nan) for word in self.values.tolist()]
        return np.where(self.known, numbered, np.nan), meant

    def texts(self) -> list[str]:
        """Write each value, in as few digits as tell it apart; "" where there is none."""
        return [
            str(value) if known else ""
            for value, known in zip(self.values, self.known, strict=True)
        ]

    def to_frame(self) -> pd.DataFrame:
        """Make the table of residues, with the value in a column of its own name.

        Returns
        -------
        DataFrame
            Columns of `Trace.to_frame` after structure, before encoder; NaN or "" where there is
            no value. The token of residues without a backbone frame says nothing (has_frame). There
            is no row between the chains of a complex.
        """
        table = self.trace.to_frame()
        # Names of files need not be UTF-8, which tables are.
        table["chain"] = [printable(name) for name in table["chain"]]
        table.insert(0, "structure", printable(str(self.trace.chain.id)))
        if self.name not in table:
            values = self.values.astype(object if not self.are_numbers else self.values.dtype)
            missing = np.nan if self.are_numbers else ""
            table[self.name] = values if self.known.all() else np.where(self.known, values, missing)
        table["encoder"] = printable(self.trace.encoder_info.title)
        return table[~self.trace.breaks].reset_index(drop=True)


def values_of(trace: Trace, value: str | np.ndarray, label: str) -> ResidueValues:
    """Take what a user wants to export: the name of a value, or one value a residue.

    Parameters
    ----------
    trace : Trace
    value : str or ndarray, shape=(L,)
        As `view` takes it.
    label : str
        What a user's own values are.

    Returns
    -------
    ResidueValues

    Raises
    ------
    TraceError
        If it is no trace, there is no such value, not one a residue, or the label is no name.
    """
    check_trace(trace, "residues")
    right = "a name in small letters, digits and _, such as 'change', at most 40 of them"
    named = isinstance(value, str)
    if not isinstance(label, str) or not _WORD.fullmatch(label):
        raise wrong(label, "label", right)
    if not named:
        if label in (*KEYS, *_COLUMNS):
            raise TraceError(f"{label!r} names something else in these files: give another label.")
        value = _own(value)
    values, _, colors = given_colors(trace, value, label)
    if named:
        values = residue_values(trace, value)
    if values.dtype.kind == "b":
        values = np.where(values, "yes", "no")
    if values.dtype.kind not in "iuf":
        values = np.array([str(word) for word in values.tolist()], dtype=object)
        known = values != ""
    else:
        known = np.isfinite(values)
    if named and value in _OF_FRAMES:
        known = known & trace.has_frame
    shown = np.where(trace.has_frame, colors.hex, FRAMELESS).tolist()
    return ResidueValues(trace, value if named else label, value, values, known, shown)


def _own(value: object) -> np.ndarray:
    """Take a user's own values: numbers, or words; None is a residue without one."""
    right = "the name of a value, such as 'margin', or one number or word a residue"
    if np.ma.isMaskedArray(value):
        raise TraceError("value is a masked array; give value.filled(), with NaN for numbers.")
    values = array_of(value, "value", right, ndim=1, kinds="iufbUO")
    if values.dtype.kind == "O":
        given = [one for one in values.tolist() if one is not None]
        if all(isinstance(one, str) for one in given):
            values = np.array(["" if one is None else one for one in values.tolist()], dtype=object)
        elif all(isinstance(one, int | float) for one in given):
            values = values.astype(float)  # None as NaN
        else:
            raise wrong(value, "value", right)
    odd = [word for word in values.tolist() if isinstance(word, str) and printable(word) != word]
    if odd:
        raise TraceError(
            f"One of the words is {printable(odd[0])!r}; words have to be of one line, of what can "
            "be seen."
        )
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise TraceError(
            f"{int(np.isinf(values).sum())} of the values are infinite: give numbers, and NaN "
            "where there is none."
        )
    return values
