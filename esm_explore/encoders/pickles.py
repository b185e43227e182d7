"""The pickle of a checkpoint, looked at before anything in it is made."""

from __future__ import annotations

import pickletools
import re
from typing import IO

# What a dictionary of tensors is written with. With these alone nothing can be called but what
# `_KNOWN` names, and nothing grows beyond its own text.
_OPCODES = {
    *("PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "BINUNICODE"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "NEWTRUE", "NEWFALSE", "NONE"),
    *("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
}
_KNOWN = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor_v2|parameter)|torch \w+Storage"
    r"|torch\.storage (Untyped|Typed)Storage"
)


class ForeignPickle(Exception):
    """A pickle that holds something other than a dictionary of tensors; says what."""


def check_pickle(file: IO[bytes], largest: int | None = None) -> None:
    """Read one pickle, operation by operation, without making anything of it.

    Parameters
    ----------
    file : binary file
        Left behind the pickle.
    largest : int, optional
        No whole number in it may be larger: of numbers, shapes and places within a file there
        are no more than it has bytes.

    Raises
    ------
    ForeignPickle
        If it is not such a dictionary.
    ValueError
        If it is no pickle, or is cut off.
    """
    before, tuples = "", set()
    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name not in _OPCODES:
            raise ForeignPickle(f"the operation {name}")
        if name == "GLOBAL" and not _KNOWN.fullmatch(argument):
            raise ForeignPickle(argument[:100].replace(" ", "."))
        # A tuple of two times the same tuple, and so on, has no end when it is compared.
        if name.endswith("BINPUT") and before.startswith("TUPLE"):
            tuples.add(argument)
        elif name.endswith("BINGET") and argument in tuples:
            raise ForeignPickle("a tuple within itself")
        if largest is not None and isinstance(argument, int) and abs(argument) > largest:
            raise ForeignPickle(f"the number {argument:.0e}, in a file of {largest:,} bytes")
        before = name
