"""Content of files, open files, pipes and standard input, never more than `MAX_BYTES`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from esm_explore.errors import ChainError
from esm_explore.sources import unpacking

_PIECE = 2**24


def file_content(path: Path) -> bytes:
    """Read a file, or a pipe with a name.

    Parameters
    ----------
    path : Path
        Of something that exists.

    Returns
    -------
    bytes
        One more than `MAX_BYTES` where there is more than that.

    Raises
    ------
    ChainError
        If it cannot be read, or is something else.
    """
    try:
        if not (path.is_file() or path.is_fifo()):
            raise ChainError(f"{path} is not a file.")
        with path.open("rb") as file:
            return _read(file)
    except OSError as error:
        raise ChainError(f"{path} could not be read ({error.strerror or error}).") from error


def standard_input() -> bytes:
    """Read all of standard input; as `file_content`."""
    stream = getattr(sys.stdin, "buffer", sys.stdin)
    if stream is None or sys.stdin.isatty():
        raise ChainError("There is nothing in standard input ('-'): pipe a file into it.")
    return stream_content(stream, "standard input")


def stream_content(stream: IO, title: str) -> bytes:
    """Read an open file, from where it stands to its end.

    Parameters
    ----------
    stream : file-like
        Binary or text.
    title : str
        For messages.

    Returns
    -------
    bytes
        As of `file_content`; text as UTF-8.

    Raises
    ------
    ChainError
        If it cannot be read, or nothing is left in it.
    """
    try:
        content = _read(stream)
    except UnicodeDecodeError as error:
        raise ChainError(
            f"{title} was opened as text and is none, or in another encoding: open it with 'rb'."
        ) from error
    except (OSError, ValueError, TypeError) as error:  # closed, or opened for writing
        raise ChainError(f"{title} could not be read ({error}).") from error
    if not content:
        raise ChainError(f"{title} is empty, or was read to its end before: see its seek(0).")
    return content


def stream_path(stream: IO) -> str:
    """Give the path of an open file; empty where it has none."""
    path = getattr(stream, "name", "")
    return os.fspath(path) if isinstance(path, str | os.PathLike) else ""


def _read(stream: IO) -> bytes:
    """Read until nothing comes: pipes and sockets give less than they are asked for."""
    pieces, left = [], unpacking.MAX_BYTES + 1
    while left > 0 and (piece := stream.read(min(left, _PIECE))):
        pieces.append(piece.encode("utf-8", "replace") if isinstance(piece, str) else bytes(piece))
        left -= len(pieces[-1])
    return b"".join(pieces)
