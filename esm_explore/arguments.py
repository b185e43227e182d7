"""What a user gave to a function: taken as what it has to be, or refused in a sentence."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from operator import index
from pathlib import Path
from types import UnionType

import numpy as np

from esm_explore.errors import TraceError

# What isinstance takes.
Kinds = type | UnionType | tuple[type | UnionType, ...]


def check_kind(given: object, kinds: Kinds, name: str, right: str) -> None:
    """Refuse an argument, by its name, that is of no such kind; `right` says what it has to be.

    Examples
    --------
    >>> check_kind(5, str, "label", "a text")
    Traceback (most recent call last):
        ...
    esm_explore.errors.TraceError: label is 5; it has to be a text.
    """
    if not isinstance(given, kinds):
        raise wrong(given, name, right)


def wrong(given: object, name: str, right: str) -> TraceError:
    """Say what was given, in short, and what it has to be."""
    brief = given is None or isinstance(given, int | float | np.number) or _is_short(given)
    said = repr(given) if brief else f"a {type(given).__name__}"
    if isinstance(given, np.ndarray):
        said = f"an array of {given.dtype}, shape {given.shape}"
    return TraceError(f"{name} is {said}; it has to be {right}.")


def whole_number(given: object, name: str, least: int, most: int | None = None) -> int:
    """Take a whole number, Python's or numpy's, from `least` to `most`.

    Examples
    --------
    >>> whole_number(8, "code", 0, 7)
    Traceback (most recent call last):
        ...
    esm_explore.errors.TraceError: code is 8; it has to be a whole number, 0 to 7.
    """
    right = f"a whole number, {least} " + ("or more" if most is None else f"to {most}")
    try:
        number = index(given)
    except TypeError as error:
        raise wrong(given, name, right) from error
    if isinstance(given, bool) or number < least or (most is not None and number > most):
        raise wrong(given, name, right)
    return number


def array_of(
    given: object, name: str, right: str, *, ndim: int | tuple[int, ...], kinds: str = "iuf"
) -> np.ndarray:
    """Take an array, or what numpy makes one of; of numbers, unless other `kinds` are named."""
    try:
        array = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise wrong(given, name, right) from error
    if array.ndim not in np.atleast_1d(ndim) or (array.size and array.dtype.kind not in kinds):
        raise wrong(array if array.ndim else given, name, right)
    return array


def check_mapping(given: object, kind: type, name: str, right: str) -> None:
    """Refuse what is not a dict with at least one value, all of a kind."""
    if not isinstance(given, Mapping) or not given:
        raise wrong(given, name, right)
    for key, value in given.items():
        check_kind(value, kind, f"{name}[{key!r}]", f"a {kind.__name__}")


def as_path(given: object, name: str = "path") -> Path:
    """Take a path; ``~`` is the home folder."""
    try:
        return Path(os.path.expanduser(given))
    except TypeError as error:
        raise wrong(given, name, "a path, as text or a Path") from error


def not_among(what: str, given: object, there: Collection) -> str:
    """Say what would have been right, if what was given is none of what is there; else nothing.

    Examples
    --------
    >>> not_among("map", "t-SNE", ("PCA", "UMAP"))
    "There is no map 't-SNE'; it is one of: PCA, UMAP."
    >>> not_among("chain", 0, [])
    'There is no chain 0: there is none at all.'
    """
    if isinstance(given, int | str | np.integer) and given in there:
        return ""
    said = repr(given) if isinstance(given, int | str) else f"of type {type(given).__name__}"
    if not there:
        return f"There is no {what} {said}: there is none at all."
    return f"There is no {what} {said}; it is one of: {', '.join(map(str, there))}."


def check_is_one_of(what: str, given: object, there: Collection) -> None:
    """Refuse what is none of what is there; see `not_among`."""
    message = not_among(what, given, there)
    if message:
        raise TraceError(message)


def _is_short(given: object) -> bool:
    return isinstance(given, str | list | tuple | dict) and len(repr(given)) <= 40
