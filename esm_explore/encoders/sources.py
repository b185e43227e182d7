"""What an encoder can be asked for by: names, repositories of the hub, files and folders."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from reprlib import repr as short

from esm_explore.encoders.hub import ESM3_NAME, FILE, REPOSITORIES
from esm_explore.errors import EncoderError

OURS = ("mini", "esm3", "untrained")
# As esm and its paper call the model, in lower case; its encoder is what is loaded.
ESM3_NAMES = {
    *("esm3", ESM3_NAME, "esm3_sm_open_v1", "esm3-sm-open-v1", "esm3-open", "esm3-open-2024-03"),
    *("esm3_open", "esm3_sm_open_v0", "esm3-open-small"),
}


def name_meant(source: object) -> str:
    """Give the one of our names that a source stands for; "" for what is a repository or a path."""
    if not isinstance(source, str):
        return ""
    lower = source.strip().lower()
    return "esm3" if lower in ESM3_NAMES else lower if lower in OURS else ""


def repositories_meant(source: object) -> Sequence[str]:
    """Give the hub's repositories that a source stands for, the one that it names first."""
    for repository in REPOSITORIES:
        if isinstance(source, str) and source.strip("/").lower() == repository.lower():
            return [repository, *(other for other in REPOSITORIES if other != repository)]
    return []


def find_file(source: str | os.PathLike) -> Path:
    """Find the checkpoint that a path stands for: itself, or the one in a snapshot of the hub.

    Parameters
    ----------
    source : str or path
        ``~`` is the user's home.

    Returns
    -------
    Path

    Raises
    ------
    EncoderError
        If there is none: with the file that was looked for, or with the form that was meant.
    """
    try:
        path = Path(source).expanduser()
        if path.is_file():
            return path
        if path.is_dir():
            places = [path / FILE, path / Path(FILE).name]
            for place in places:
                if place.is_file():
                    return place
            raise EncoderError(
                f"{path} is a folder without {FILE} (nor {places[1].name} directly in it): give a "
                "snapshot folder of the hub that holds it, or the path of a checkpoint."
            )
    except (OSError, ValueError, RuntimeError) as error:  # too long, a zero byte, no such user
        reason = f" ({error})" if isinstance(error, RuntimeError) else ""
        raise EncoderError(f"{short(os.fspath(source))} can be no path{reason}. {_FORMS}") from None
    given = os.fspath(source)
    raise EncoderError(
        f"{short(given)} is not a file, and not one of the encoders: {', '.join(OURS)}. "
        f"{_hint(given, path)}"
    )


_FORMS = (
    f"load_encoder takes one of {', '.join(OURS)}, a name of esm's ({ESM3_NAME}, esm3_sm_open_v1), "
    f"a repository ({REPOSITORIES[0]}), a snapshot folder, or a checkpoint."
)


def _hint(given: str, path: Path) -> str:
    lower = given.lower()
    if "decoder" in lower:
        return "That is a decoder; the structure encoder is 'esm3'."
    if re.match(r"esm(c|2|1|fold|-if|_if)", lower.rpartition("/")[2]):
        return "That model has no structure encoder; the one that ESM3 has is 'esm3'."
    close = get_close_matches(lower, [*OURS, *ESM3_NAMES, *map(str.lower, REPOSITORIES)], n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    if re.fullmatch(r"[\w-]+/[\w-]+", given):
        return (
            f"As a repository of the hub it would have to be {' or '.join(REPOSITORIES)}; from "
            "another, download the file and give its path."
        )
    if path.suffix or len(path.parts) > 1:
        return f"As a path it is {path.absolute()}, where there is nothing to read."
    return _FORMS
