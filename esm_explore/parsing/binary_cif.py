"""BinaryCIF as its standard has it, whatever else is imported.

esm patches msgpack for the whole process (``msgpack_numpy.patch``). A patched msgpack writes
numbers of numpy as maps, which no reader of BinaryCIF knows, and unpickles what a map in a file
holds, so that a file could run code. So neither is left to it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgpack
import numpy as np
from biotite.structure.io.pdbx import BinaryCIFData, BinaryCIFFile

from esm_explore.errors import ChainError

# Where msgpack itself has it from; only names of the package are patched.
try:
    from msgpack._cmsgpack import unpackb
except ImportError:
    from msgpack.fallback import unpackb


# The largest entries have 2.5 million atoms; a run-length encoding can pretend any number.
MAX_ATOMS = 10_000_000
# Of lists and maps in a file: large ones have some thousand. An empty one takes a byte there.
_MAX_PARTS = 200_000
# Bytes of a column as numpy has it, as wide in each row as its longest text.
MAX_COLUMN = 500_000_000


def parse_binary_cif(content: bytes, title: str) -> BinaryCIFFile:
    """Read a BinaryCIF file.

    Parameters
    ----------
    content : bytes
    title : str
        Of the file, for messages.

    Returns
    -------
    BinaryCIFFile

    Raises
    ------
    ChainError
        If it would take more memory than any structure does.
    Exception
        Whatever msgpack and biotite say of a damaged file.
    """
    parts = 0

    def counted(part: Any) -> Any:
        nonlocal parts
        parts += 1
        if parts > _MAX_PARTS:
            raise ChainError(f"{title} has more than {_MAX_PARTS:,} lists: it is no structure.")
        return _number_of_map(part) if isinstance(part, dict) else part

    tree = unpackb(content, use_list=True, raw=False, object_hook=counted, list_hook=counted)
    for block in tree["dataBlocks"]:
        for category in block["categories"]:
            _check_sizes(category, title)
    return BinaryCIFFile.deserialize(tree)


def _check_sizes(category: dict, title: str) -> None:
    """Refuse arrays larger than they can be, before they are unpacked."""
    name, rows = category["name"], category["rowCount"]
    if not isinstance(rows, int) or rows > MAX_ATOMS:
        raise ChainError(
            f"{title} says that it has {rows} rows of {name}; raise "
            "esm_explore.parsing.binary_cif.MAX_ATOMS if that is what you want."
        )
    # Of texts, one offset more than there are rows.
    if not all(isinstance(n, int) and 0 <= n <= rows + 1 for n in _sizes(category["columns"])):
        raise ChainError(f"{title} is damaged: a column has more rows than there are of {name}.")
    for column in category["columns"]:
        for encoding in column["data"]["encoding"]:
            if encoding["kind"] == "StringArray":
                check_width(_longest(encoding), rows, title)


def _sizes(content: object) -> Iterator[object]:
    """Give the sizes of all encoded arrays; a run length without one would unpack to any size."""
    if isinstance(content, dict):
        if "srcSize" in content or content.get("kind") == "RunLength":
            yield content.get("srcSize")
        content = content.values()
    if not isinstance(content, str | bytes) and isinstance(content, Iterable):
        for part in content:
            yield from _sizes(part)


def _longest(encoding: dict) -> int:
    """Give the length of the longest of a column's texts."""
    offsets = BinaryCIFData.deserialize(
        {"data": encoding["offsets"], "encoding": encoding["offsetEncoding"]}
    )
    return int(np.diff(offsets.array).max(initial=0))


def check_width(longest: int, rows: int, title: str) -> None:
    """Refuse a column that would be too large with its longest text in each row."""
    if longest * rows * np.dtype("U1").itemsize > MAX_COLUMN:
        raise ChainError(
            f"{title} is no structure, or is damaged: a value of {longest:,} letters in a column "
            f"of {rows:,} rows."
        )


def binary_cif_bytes(file: BinaryCIFFile) -> bytes:
    """Write a BinaryCIF file.

    Parameters
    ----------
    file : BinaryCIFFile

    Returns
    -------
    bytes
    """
    return msgpack.packb(_plain(file.serialize()), use_bin_type=True)


def _number_of_map(content: dict) -> object:
    """Read a number that a patched msgpack wrote: others have such files, from biotite."""
    if content.get(b"nd") is not False:
        return content
    dtype = np.dtype(content[b"type"])
    if dtype.kind not in "iuf":
        raise ValueError(f"{dtype} is not a kind of number")
    return np.frombuffer(content[b"data"], dtype)[0].item()


def _plain(content: object) -> object:
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return content.item() if isinstance(content, np.generic) else content
