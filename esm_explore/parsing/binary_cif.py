"""BinaryCIF as its standard has it, whatever else is imported.

esm patches msgpack for the whole process (``msgpack_numpy.patch``). A patched msgpack writes
numbers of numpy as maps, which no reader of BinaryCIF knows, and unpickles what a map in a file
holds, so that a file could run code. So neither is left to it here.
"""

from __future__ import annotations

import msgpack
import numpy as np
from biotite.structure.io.pdbx import BinaryCIFFile

# Where msgpack itself has it from; only names of the package are patched.
try:
    from msgpack._cmsgpack import unpackb
except ImportError:
    from msgpack.fallback import unpackb


def parse_binary_cif(content: bytes) -> BinaryCIFFile:
    """Read a BinaryCIF file.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    BinaryCIFFile

    Raises
    ------
    Exception
        Whatever msgpack and biotite say of a damaged file.
    """
    return BinaryCIFFile.deserialize(
        unpackb(content, use_list=True, raw=False, object_hook=_number_of_map)
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
