"""Pages and other texts that this program writes for people: whole, and over its own alone."""

from __future__ import annotations

from pathlib import Path

from esm_explore.arguments import as_path
from esm_explore.outputs import check_own, write_own


def write_text(path: str | Path, text: str, mark: str) -> Path:
    """Write a text in one step.

    Parameters
    ----------
    path : str or Path
        What is there is replaced if it has the mark, too.
    text : str
    mark : str
        Stands near the beginning of all texts of one kind, and of no others.

    Returns
    -------
    Path

    Raises
    ------
    TraceError
        If it cannot be written, or what is there is no file, or not of this program.
    """
    path = check_place(path, mark)
    write_own(path, lambda there: _has(there, mark), lambda part: part.write_text(text, "utf-8"))
    return path


def check_place(path: str | Path, mark: str) -> Path:
    """Refuse, before minutes of work, a place that `write_text` will not write to."""
    path = as_path(path)
    check_own(path, lambda there: _has(there, mark))
    return path


def _has(path: Path, mark: str) -> bool:
    try:
        with path.open("rb") as file:
            return mark.encode() in file.read(1_000)
    except OSError:
        return False
