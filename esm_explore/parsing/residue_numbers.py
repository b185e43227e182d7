"""Residue numbers of PDB files: four columns, and what programs do when four are not enough."""

from __future__ import annotations

import re

import numpy as np

# Cctbx's hybrid-36: after 9999 comes A000, after ZZZZ comes a000.
_HYBRID = re.compile(r"[A-Z][0-9A-Z]{3}|[a-z][0-9a-z]{3}")
_NUMBER = re.compile(r"-?\d+")
# What the four columns of a number can hold at most.
LAST = 9_999
# A gap in a chain is shorter; and from a residue to one with an insertion code.
_JUMP, _NEAR = 1_000, 50


def residue_numbers(
    fields: np.ndarray, codes: np.ndarray, chains: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read residue numbers and insertion codes.

    Parameters
    ----------
    fields : ndarray, shape=(n,), dtype=str
        Columns 23 to 26 of each atom.
    codes : ndarray, shape=(n,), dtype=str
        Column 27: the insertion code, or the last digit of a number of five.
    chains : ndarray, shape=(n,), dtype=str
        Chain ids: numbers are compared within a chain.

    Returns
    -------
    numbers : ndarray, shape=(n,), dtype=int
        0 where there is none.
    codes : ndarray, shape=(n,), dtype=str
    unreadable : ndarray, shape=(n,), dtype=bool

    Notes
    -----
    Beyond 9999 a number is taken in whichever way continues the chain: with its fifth digit in
    column 27, as hybrid-36 (``A000``), or as hexadecimal (``2710``, as VMD writes it). A digit in
    column 27 is an insertion code where the number before it is near the chain's last.
    """
    try:
        numbers = fields.astype(int)
    except ValueError:
        plain = False
    else:
        plain = not np.char.isdigit(codes).any() and not (numbers == LAST).any()
    if plain:
        return numbers, codes, np.zeros(len(fields), bool)
    changed = (fields[1:] != fields[:-1]) | (codes[1:] != codes[:-1]) | (chains[1:] != chains[:-1])
    starts = np.flatnonzero(np.r_[True, changed])
    before = _first_plain(fields[starts], codes[starts], chains[starts])
    found = []
    for field, code, chain in zip(fields[starts], codes[starts], chains[starts], strict=True):
        number, code = _number(str(field).strip(), str(code), before.get(chain))
        found.append((number, code))
        if number is not None:
            before[chain] = number
    sizes = np.diff([*starts, len(fields)])
    numbers = np.repeat([0 if number is None else number for number, _ in found], sizes)
    unreadable = np.repeat([number is None for number, _ in found], sizes)
    return numbers, np.repeat([code for _, code in found], sizes), unreadable


def _first_plain(fields: np.ndarray, codes: np.ndarray, chains: np.ndarray) -> dict[str, int]:
    """Give the first number of each chain that can be read in one way only."""
    first: dict[str, int] = {}
    for field, code, chain in zip(fields.tolist(), codes.tolist(), chains.tolist(), strict=True):
        if not code.isdigit() and _NUMBER.fullmatch(field.strip()):
            first.setdefault(chain, int(field))
    return first


def _number(text: str, code: str, before: int | None) -> tuple[int | None, str]:
    """Read one number; `before` is the last of its chain, or the first that is clear."""
    full = before is not None and before >= LAST
    if _NUMBER.fullmatch(text):
        if code.isdigit() and len(text) == 4:
            inserted = before is not None and abs(int(text) - before) <= _NEAR
            return (int(text), code) if inserted else (int(text + code), "")
        if full and int(text) < before and _continues(_hexadecimal(text), before):
            return _hexadecimal(text), code
        return int(text), code
    for number in (_hexadecimal(text), _hybrid_36(text)):
        if full and _continues(number, before):
            return number, code
    return _hybrid_36(text), code


def _continues(number: int | None, before: int) -> bool:
    return number is not None and before <= number < before + _JUMP


def _hexadecimal(text: str) -> int | None:
    return int(text, 16) if re.fullmatch(r"[0-9A-Fa-f]{4}", text) else None


def _hybrid_36(text: str) -> int | None:
    if not _HYBRID.fullmatch(text):
        return None
    lower = 26 * 36**3 if text.islower() else 0
    return int(text, 36) - 10 * 36**3 + 10_000 + lower
