"""Packages that one format alone needs."""

from __future__ import annotations

import importlib
from types import ModuleType

from esm_explore.errors import TraceError


def import_needed(name: str, what: str) -> ModuleType:
    """Import a package of the extra ``export``.

    Raises
    ------
    TraceError
        If it is not installed: says which command brings it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TraceError(
            f'{what} needs the package {name}: pip install "esm_explore[export]".'
        ) from error
