"""Whether a folder that is there may be replaced: that of an atlas, or of pages made of one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path


def place_refusal(out: Path) -> str:
    """Say why nothing can be written to a path, whatever is there; nothing, where it can be."""
    if out.is_dir() and Path.cwd().is_relative_to(out):
        return f"{out} is where you are, and would be replaced: give another folder."
    if not out.parent.is_dir():
        return f"There is no directory {out.parent}."
    if not os.access(out.parent, os.W_OK):
        return f"Nothing can be written to {out.parent}."
    return ""


def not_of(
    folder: Path,
    about: str,
    format_name: str,
    inside: Mapping[str, re.Pattern[str]],
    beside: re.Pattern[str],
) -> list[str]:
    """List what is in a folder that this program did not write.

    Parameters
    ----------
    folder : Path
    about : str
        The JSON file in it that says what it is.
    format_name : str
        What the ``format`` there begins with; where it does not, all in the folder is foreign.
    inside : mapping of str to Pattern
        Folders in it, and the names that belong there.
    beside : Pattern
        Other names that may be in it.

    Returns
    -------
    list of str

    Raises
    ------
    OSError
        If it cannot be listed.
    """
    names = sorted(os.listdir(folder))
    try:
        said = json.loads((folder / about).read_text(encoding="utf-8"))
        is_ours = said["format"].startswith(f"{format_name} ")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_ours = False
    if not is_ours:
        return names
    own = {about, *inside}
    others = [name for name in names if name not in own and not beside.fullmatch(name)]
    for name, pattern in inside.items():
        found = sorted(os.listdir(folder / name)) if (folder / name).is_dir() else []
        others += [f"{name}/{one}" for one in found if not pattern.fullmatch(one)]
    return others
