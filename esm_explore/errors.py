"""The exceptions and warnings of this package.

Everything raised on purpose is an `EsmExploreError`, so one ``except`` catches all of it.
"""

from __future__ import annotations


class EsmExploreError(Exception):
    """Base of every error that esm_explore raises on purpose."""


class ChainError(EsmExploreError, ValueError):
    """A structure could not be read, or holds no chain that can be encoded."""


class EncoderError(EsmExploreError):
    """An encoder could not be loaded, or is not what it should be."""


class TraceError(EsmExploreError, ValueError):
    """A chain could not be traced, or a trace was asked for something it does not have."""


class ChainWarning(UserWarning):
    """Something in a structure was left out or chosen between; the message says what and why."""
