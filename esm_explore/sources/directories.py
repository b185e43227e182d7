"""Directories and patterns to the structure files in them; what is left out is named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from esm_explore.outputs import UNFINISHED, printable
from esm_explore.sources.archives import archive_kind
from esm_explore.sources.compressions import BROKEN, head
from esm_explore.sources.id_lists import read_id_list
from esm_explore.sources.locating import is_address
from esm_explore.sources.sniffing import SIZE, is_structure, what_it_is

_SUFFIXES = (
    *(".pdb", ".ent", ".brk", ".pdbqt", ".pqr", ".cif", ".mmcif", ".pdbx", ".bcif"),
    *(".zip", ".tar", ".tgz", ".tbz2", ".txz"),
)
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_Failures = list[tuple[str, str, str]]


def find_sources(
    given: Iterable[str], failures: _Failures, output: Path | None = None
) -> list[str]:
    """Turn directories and patterns into files.

    Parameters
    ----------
    given : iterable of str
        Directories (all structure files in them, by content, at any depth; links to directories
        are not followed), patterns of files or directories such as ``"models/*.cif"``, text
        files of ids (see `read_id_list`), and anything else that `read_chain` takes.
    failures : list of (source, chain, message)
        Gets one for each directory or pattern without a structure file, and for each file of a
        directory that is left out.
    output : Path, optional
        Where the result goes, as `resolve` gives it: not named as left out, as it is no input.

    Returns
    -------
    list of str
        Each once, in the order given; within a directory or pattern sorted.
    """
    found: dict[Any, Any] = {}
    for text in given:
        source = os.path.expanduser(text)
        if os.path.isdir(source):
            inside = _structures_in(source, failures, output)
            missing = "There is no structure file in it."
        elif has_magic(source) and not os.path.exists(source) and not is_address(source):
            inside = []
            for path in glob(source, recursive=True):
                if os.path.isdir(path):
                    inside += _structures_in(path, failures, output)
                elif not _is_output(path, output) or not _why_not(path, os.path.basename(path)):
                    inside.append(path)
            missing = "No file has a name like that."
        elif listed := read_id_list(source):
            for name in listed[0]:
                found.setdefault(name, name)
            failures += [(printable(text), "", why) for why in listed[1]]
            continue
        else:
            inside, missing = [source], ""
        if not inside:
            failures.append((printable(text), "", missing))
        for path in sorted(inside):
            found.setdefault(os.path.realpath(path) if os.path.exists(path) else path, path)
    return list(found.values())


def _structures_in(directory: str, failures: _Failures, output: Path | None) -> list[str]:
    """List the structure files below a directory; name what is left out, in order."""
    found, left_out = [], []

    def failed(error: OSError) -> None:
        left_out.append((error.filename, str(error.strerror)))

    for folder, folders, names in os.walk(directory, onerror=failed):
        folders[:] = [n for n in folders if not _is_output(os.path.join(folder, n), output)]
        left_out += _folders_left_out(folder, folders, directory)
        for name in names:
            path = os.path.join(folder, name)
            why = _why_not(path, name)
            if not why:
                found.append(path)
            elif not _is_output(path, output):
                left_out.append((path, f"left out: {why}"))
    failures += [(printable(path), "", why) for path, why in sorted(left_out)]
    return found


def _folders_left_out(folder: str, folders: list[str], directory: str) -> Iterator[tuple[str, str]]:
    """Name the folders that a walk does not go into, and keep it out of hidden ones."""
    top = os.path.realpath(directory)
    for name in folders:
        path = os.path.join(folder, name)
        if name.startswith("."):
            yield path, "left out: a hidden directory"
        # What is in the directory anyway is read at its own place.
        elif os.path.islink(path) and not Path(os.path.realpath(path)).is_relative_to(top):
            yield path, "left out: a link to a directory, which is not followed"
    folders[:] = [name for name in folders if not name.startswith(".")]


def _is_output(path: str, output: Path | None) -> bool:
    """Tell whether a path is of this result, or of another that is being written."""
    return os.path.basename(path).startswith(UNFINISHED) or (
        output is not None and Path(os.path.realpath(path)).is_relative_to(output)
    )


def _why_not(path: str, name: str) -> str:
    """Say why a file is left out; empty for what is a structure, or called one.

    Archives have other uses (documents, arrays, weights), so these go by their name as well.
    """
    if name.startswith("."):
        return "a hidden file"
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return "not a file"
        with open(path, "rb", buffering=0) as file:
            start = head(file, SIZE)
    except FileNotFoundError:
        return "a link to nowhere"
    except BROKEN:
        # Reading it says what is wrong, also where it is the permission that lacks.
        return ""
    if is_structure(start) or _is_called_one(name):
        return ""
    kind = archive_kind(start) if start.strip(b"\0") else ""
    if kind and "." not in name:
        return ""
    return f"not a structure: {f'a {kind} archive by its content' if kind else what_it_is(start)}"


def _is_called_one(name: str) -> bool:
    """Tell whether a file's name says that it is a structure, or an archive of them."""
    name = name.lower()
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    return name.rstrip("0123456789").endswith(_SUFFIXES)
