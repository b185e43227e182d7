"""What makes a folder an atlas, checked before anything is read of it."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from esm_explore.atlas.schema import FORMAT, VERSION
from esm_explore.atlas.writing import BUILDING, CODES_FILE, MANIFEST, RESIDUES_FOLDER
from esm_explore.errors import AtlasError

SHIPPED = Path(str(files("esm_explore.atlas") / "mini"))
_NEEDED = (
    *("encoder", "numbering", "counts", "failures", "parts"),
    *("categories", "background", "expected", "correlation"),
)


def read_manifest(path: Path) -> dict:
    """Read what an atlas says of itself, and see that it is whole.

    Raises
    ------
    AtlasError
        If it is no atlas, is not complete, is of another version, or lacks a file.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        version = re.fullmatch(rf"{FORMAT} (\d+)", manifest["format"])
    except OSError as error:
        raise AtlasError(_no_atlas(path)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise AtlasError(f"{path / MANIFEST} is not of an atlas: it cannot be read.") from error
    if version is None:
        raise AtlasError(f"{path / MANIFEST} is not of an atlas, but of {manifest['format']!r}.")
    if int(version[1]) > VERSION:
        raise AtlasError(
            f"{path} has schema {version[1]}, and this esm_explore reads {VERSION}: it was written "
            "by a newer one, install that."
        )
    if int(version[1]) < VERSION:
        raise AtlasError(
            f"{path} has schema {version[1]}, and this esm_explore reads {VERSION}: build it again."
        )
    missing = [name for name in _NEEDED if name not in manifest]
    if missing:
        raise AtlasError(f"{path / MANIFEST} lacks {missing[0]!r}: build the atlas again.")
    return manifest


def _no_atlas(path: Path) -> str:
    if not path.is_dir():
        return f"There is no atlas at {path}: give the folder that esm-explore atlas build wrote."
    if (path / BUILDING).is_dir():
        return (
            f"The atlas in {path} is not complete: it is being built, or that broke off. The same "
            "command goes on with it."
        )
    return f"{path} holds no atlas: there is no {MANIFEST} in it."


def read_codes(path: Path) -> pa.Table:
    """Read the table of codes."""
    try:
        return pq.ParquetFile(path / CODES_FILE).read()
    except (OSError, pa.ArrowException) as error:
        raise AtlasError(f"{path} lacks its {CODES_FILE}, or it is broken ({error}).") from error


def part_files(path: Path, manifest: dict) -> list[Path]:
    """List the files of residues, each of which has the rows and the encoder it should.

    Raises
    ------
    AtlasError
        If one is missing, broken, or was made by another encoder.
    """
    found = []
    for name, rows in manifest["parts"].items():
        part = path / RESIDUES_FOLDER / name
        try:
            about = pq.read_metadata(part)
        except (OSError, pa.ArrowException) as error:
            raise AtlasError(
                f"{path} lacks its part {name}, or it is broken ({error}): copy the atlas as a "
                "whole, or build it again."
            ) from error
        digest = (about.metadata or {}).get(b"esm_explore.digest", b"").decode()
        if about.num_rows != rows or digest != manifest["encoder"]["digest"]:
            raise AtlasError(
                f"{part} is not of this atlas: it has {about.num_rows:,} rows of the encoder "
                f"{digest[:8]}; it has to be {rows:,} of {manifest['encoder']['digest'][:8]}."
            )
        found.append(part)
    return found
