"""How a public name goes: it answers for one more minor version, with a warning of ours."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from esm_explore.errors import DeprecatedWarning

P = ParamSpec("P")
T = TypeVar("T")


def deprecated(
    name: str, *, since: str, gone: str, instead: str
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make a function warn, where it is called, that it goes, and say what to call instead.

    Parameters
    ----------
    name : str
        As users type it.
    since, gone : str
        The first version that warns, and the first without it.
    instead : str
        What does the same.

    Returns
    -------
    callable
        A decorator; what is decorated keeps its name, docstring and signature.

    Examples
    --------
    >>> old = deprecated("ex.old", since="0.3", gone="0.4", instead="ex.new")
    >>> old(len).__name__
    'len'
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def warned(*args: P.args, **kwargs: P.kwargs) -> T:
            text = f"{name} is deprecated since {since} and goes in {gone}; use {instead}."
            warnings.warn(text, DeprecatedWarning, stacklevel=2)
            return function(*args, **kwargs)

        return warned

    return decorate
