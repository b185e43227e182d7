"""Columns of mmCIF and BinaryCIF: texts and numbers, and where there are none."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from biotite.structure.io.pdbx import BinaryCIFBlock
from gemmi import cif

from esm_explore.parsing.binary_cif import check_width

_UNCERTAINTY = re.compile(r"\(\d+\)$")

# Values, and where they are missing.
Column = tuple[np.ndarray, np.ndarray]
# Gives a column of a category; None where there is none.
Columns = Callable[[str, str], Column | None]


def text_column(block: cif.Block, category: str, name: str) -> Column | None:
    """Give a column of mmCIF, as text."""
    table = block.find([f"_{category}.{name}"])
    if not len(table):
        return None
    column = list(table.column(0))
    check_width(max(map(len, column)), len(column), block.name)
    values = np.array(column)
    missing = (values == "?") | (values == ".")
    for row in np.flatnonzero(np.isin(values.astype("U1"), ["'", '"', ";"])):
        values[row] = cif.as_string(values[row])
    return values, missing


def binary_column(block: BinaryCIFBlock, category: str, name: str) -> Column | None:
    """Give a column of BinaryCIF, as text or numbers."""
    if category not in block or name not in block[category]:
        return None
    column = block[category][name]
    values = column.data.array
    missing = np.zeros(len(values), bool) if column.mask is None else column.mask.array != 0
    if values.dtype.kind == "U":
        missing |= (values == "?") | (values == ".")
    return values, missing


def texts(column: Column | None, n: int) -> np.ndarray:
    """Give a column as text, empty where it is missing."""
    if column is None:
        return np.full(n, "", "U1")
    values, missing = column
    return np.where(missing, "", values.astype(str))


def floats(column: Column, blank: float) -> tuple[np.ndarray, np.ndarray]:
    """Give a column as numbers, and where something else stands; `blank` is for both."""
    values, missing = column
    other = np.zeros(len(values), bool)
    if values.dtype.kind != "U":
        return np.where(missing, blank, values.astype(float)), other
    values = np.where(missing, "nan", values)
    try:
        numbers = values.astype(float)
    except ValueError:
        numbers = np.full(len(values), np.nan)
        for row, value in enumerate(values.tolist()):
            try:
                # 27.343(12) is a number with its standard uncertainty.
                numbers[row] = float(_UNCERTAINTY.sub("", value))
            except ValueError:
                other[row] = True
    return np.where(missing | other, blank, numbers), other
