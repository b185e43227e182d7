"""Arrays in a file: safetensors, written in one step, with a version and a checksum of all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from esm_explore.arguments import as_path
from esm_explore.errors import TraceError
from esm_explore.outputs import is_there, said, shown, write_own

# What safetensors, json and numpy raise on files that are something else.
_BROKEN = (
    *(SafetensorError, OSError, RecursionError),
    *(ValueError, TypeError, AttributeError, KeyError),
)


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes
    ----------
    name : str
        Such as ``"trace"``; a file says ``esm_explore trace 2`` of itself.
    version : int
        What this package writes; it reads all up to it.
    sealed : int
        From this version on the checksum is of everything in the file. Before, it was of the
        arrays alone, and version 1 had none.
    written_by : str
        The method that writes it, for messages.
    """

    name: str
    version: int
    sealed: int
    written_by: str


def write_arrays(
    path: str | Path, kind: FileKind, arrays: Mapping[str, np.ndarray], about: Mapping
) -> Path:
    """Write arrays; what breaks off midway leaves neither a part nor harm to what was there.

    Parameters
    ----------
    path : str or Path
    kind : FileKind
    arrays : mapping
        By name.
    about : mapping
        What else to keep, as JSON has it.

    Returns
    -------
    Path

    Raises
    ------
    TraceError
        If the file cannot be written, or what is there is no file, or not of this program.
    """
    path = as_path(path)
    arrays = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    about = {**about, "format": f"esm_explore {kind.name} {kind.version}"}

    def write(part: Path) -> None:
        about["checksum"] = _checksum(arrays, about)
        save_file(arrays, part, metadata={"esm_explore": _text(about)})

    write_own(path, _is_ours, write, (OSError, SafetensorError, ValueError, TypeError))
    return path


def read_arrays(path: str | Path, kind: FileKind) -> tuple[dict[str, np.ndarray], dict]:
    """Read what `write_arrays` wrote.

    Parameters
    ----------
    path : str or Path
    kind : FileKind

    Returns
    -------
    arrays : dict
    about : dict

    Raises
    ------
    TraceError
        If there is no such file, if it is no file, of another kind or of a newer version, or
        damaged, to the last bit.
    """
    path = as_path(path)
    if not is_there(path):
        raise TraceError(f"There is no file {shown(path)}.")
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("esm_explore", "{}"))
            version = _version(path, kind, about)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            whole = _is_whole(arrays, about, version, kind)
    except TraceError:
        raise
    except _BROKEN as error:
        raise TraceError(
            f"{shown(path)} is not a {kind.name} of {kind.written_by}, or is damaged: {said(error)}"
        ) from error
    if not whole:
        raise TraceError(
            f"{shown(path)} is damaged: it is not what was written (checksum). Make the "
            f"{kind.name} again."
        )
    return arrays, about


def _is_ours(path: Path) -> bool:
    try:
        with safe_open(path, framework="numpy") as file:
            return "esm_explore" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def _version(path: Path, kind: FileKind, about: dict) -> int:
    held = str(about.get("format"))
    match = re.fullmatch(r"esm_explore (\w+) ([1-9]\d*)", held, re.ASCII)
    if match is None or match[1] != kind.name:
        what = f"a {match[1]} of esm_explore" if match else "a safetensors file"
        raise TraceError(f"{shown(path)} is {what}, but not a {kind.name} of {kind.written_by}.")
    version = int(match[2])
    if version > kind.version:
        raise TraceError(
            f"{shown(path)} was written by a newer esm_explore: it is a {kind.name} of version "
            f"{version}, and this one reads up to {kind.version}. Update esm_explore, or make it "
            "again."
        )
    return version


def _is_whole(
    arrays: Mapping[str, np.ndarray], about: Mapping, version: int, kind: FileKind
) -> bool:
    # A later version whose number is damaged may pass for version 1, but has a checksum.
    if version == 1 and "checksum" not in about:
        return True
    covered = about if version >= kind.sealed else None
    return about.get("checksum") == _checksum(arrays, covered)


def _checksum(arrays: Mapping[str, np.ndarray], about: Mapping | None) -> str:
    """Digest arrays with their names, and what else a file holds, but the checksum itself."""
    digest = hashlib.sha256()
    if about is not None:
        digest.update(_text({k: v for k, v in about.items() if k != "checksum"}).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _text(about: Mapping) -> str:
    """Write what JSON has, and numpy's numbers, the same way each time."""
    return json.dumps(about, sort_keys=True, default=np.generic.item)
