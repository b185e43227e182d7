"""The exceptions and warnings of this package.

Everything raised on purpose is an `EsmExploreError`, so one ``except`` catches all of it.
"""

from __future__ import annotations

import sys
import warnings


class EsmExploreError(Exception):
    """Base of every error that esm_explore raises on purpose."""


class ChainError(EsmExploreError, ValueError):
    """A structure could not be read, or holds no chain that can be encoded."""


class EncoderError(EsmExploreError):
    """An encoder could not be loaded, or is not what it should be."""


class TraceError(EsmExploreError, ValueError):
    """A chain could not be traced, or a trace was asked for something it does not have."""


class AtlasError(EsmExploreError):
    """An atlas, or its table of residues, cannot be where it should, or could not be written."""


class ChainWarning(UserWarning):
    """Something in a structure was left out or chosen between; the message says what and why."""


def warn(message: str) -> None:
    """Issue a `ChainWarning` at the line that called this package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("esm_explore."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, ChainWarning, stacklevel=level)
