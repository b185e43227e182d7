"""Arrays in a file: safetensors, written in one step, with a version and a checksum."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from esm_explore.arguments import as_path
from esm_explore.errors import TraceError


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes
    ----------
    name : str
        Such as ``"trace"``; a file says ``esm_explore trace 2`` of itself.
    version : int
        What this package writes; it reads all up to it. Files of version 1 have no checksum.
    written_by : str
        The method that writes it, for messages.
    """

    name: str
    version: int
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
        If the file cannot be written.
    """
    path = as_path(path)
    arrays = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    about = {
        **about,
        "format": f"esm_explore {kind.name} {kind.version}",
        "checksum": _checksum(arrays),
    }
    try:
        # A folder of its own: two who save to one path do not write into one another's part.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as folder:
            part = Path(folder) / path.name
            save_file(arrays, part, metadata={"esm_explore": json.dumps(about)})
            return part.replace(path)
    except (OSError, SafetensorError) as error:
        raise TraceError(f"{path} could not be written ({error}).") from error


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
        If there is no such file, if it is of another kind or of a newer version, or damaged.
    """
    path = as_path(path)
    if not path.is_file():
        raise TraceError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("esm_explore", "{}"))
            version = _version(path, kind, about)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except TraceError:
        raise
    except (SafetensorError, ValueError, TypeError, AttributeError, OSError) as error:
        raise TraceError(
            f"{path} is not a {kind.name} of {kind.written_by}, or is damaged: {error}"
        ) from error
    if version > 1 and about.get("checksum") != _checksum(arrays):
        raise TraceError(
            f"{path} is damaged: its numbers are not those that were written (checksum). Make the "
            f"{kind.name} again."
        )
    return arrays, about


def _version(path: Path, kind: FileKind, about: dict) -> int:
    held = str(about.get("format"))
    match = re.fullmatch(r"esm_explore (\w+) (\d+)", held)
    if match is None or match[1] != kind.name:
        what = f"a {match[1]} of esm_explore" if match else "a safetensors file"
        raise TraceError(f"{path} is {what}, but not a {kind.name} of {kind.written_by}.")
    version = int(match[2])
    if version > kind.version:
        raise TraceError(
            f"{path} was written by a newer esm_explore: it is a {kind.name} of version {version}, "
            f"and this one reads up to {kind.version}. Update esm_explore, or make it again."
        )
    return version


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
