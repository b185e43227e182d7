"""A table of residues, or an atlas of it: written beside, and moved in when it is complete."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from esm_explore.atlas.schema import FORMAT, MARK, RESIDUES
from esm_explore.errors import AtlasError
from esm_explore.findings import some
from esm_explore.outputs import is_among, is_special, put, unfinished

_MANIFEST, _RESIDUES = "manifest.json", "residues"
_PART = re.compile(r"part-\d+\.parquet")


def check_out(out: Path, inputs: Iterable[Path] = (), *, overwrite: bool = False) -> Path:
    """See whether something can be written to a path.

    Parameters
    ----------
    out : Path
        A name that ends in ``.parquet``, for the table of residues alone; or a folder, for an
        atlas: a new one, an empty one, or an atlas. Of what is there only tables and atlases of
        this program are replaced.
    inputs : iterable of Path
        What is read, and so never replaced, whatever name it is given by.
    overwrite : bool
        Replace another file too. Folders with other things in them never are.

    Returns
    -------
    Path
        Where links lead.

    Raises
    ------
    AtlasError
        If it is something else, or in no directory that can be written to.
    """
    try:
        out = Path(os.path.expanduser(out)).resolve()
        refusal = _refusal(out, inputs, overwrite)
    # A name that is too long, a folder that cannot be listed, links in a circle.
    except (OSError, RuntimeError) as error:
        raise AtlasError(f"{out} cannot be written to ({error}).") from error
    if refusal:
        raise AtlasError(refusal)
    return out


def _refusal(out: Path, inputs: Iterable[Path], overwrite: bool) -> str:
    """Say why a path is not written to; nothing, where it can be."""
    if not out.exists() and out.suffix and not _is_table(out):
        return (
            f"{out} would be a folder: give a file that ends in .parquet, or a folder's name "
            "without an ending."
        )
    if out.is_dir() and Path.cwd().is_relative_to(out):
        return f"{out} is where you are, and would be replaced: give another folder."
    if not out.parent.is_dir():
        return f"There is no directory {out.parent}."
    if not os.access(out.parent, os.W_OK):
        return f"Nothing can be written to {out.parent}."
    if not out.exists():
        return ""
    others = _not_of_an_atlas(out) if out.is_dir() else []
    if others:
        return (
            f"{out} holds what is not of an atlas ({some(others)}), and is left as it is: give a "
            "new or empty folder, an atlas to replace, or a file that ends in .parquet."
        )
    if is_special(out) or not (out.is_dir() or _is_table(out)):
        return (
            f"{out} is not a file that could be replaced: it is no folder, and no file that ends "
            "in .parquet."
        )
    if is_among(out, inputs):
        return f"{out} is one of the files to read, and is left as it is: give another name."
    if not (out.is_dir() or overwrite or _is_residues(out)):
        return (
            f"{out} is not a table that esm_explore wrote, and is left as it is: give another "
            "name, or say --overwrite."
        )
    return ""


def write(
    out: Path,
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    manifest: Callable[[], dict],
    check: Callable[[], Path],
) -> None:
    """Write tables as one file, a group of rows each, or as an atlas, a part each.

    Parameters
    ----------
    out : Path
        As `check_out` gave it. If there are no tables, what is there stays.
    tables : iterable of Table
        Of residues.
    schema : Schema
        Their columns, with what a file says of itself.
    manifest : callable
        Asked, when all tables are written, what an atlas says of itself.
    check : callable
        Gives, at the end, the path once more: something may have come there in the meantime.

    Raises
    ------
    AtlasError
        If it could not be written; what was there is left as it was.
    """
    tables = iter(tables)
    try:
        with unfinished(out) as folder:
            new = folder / "new"
            first = next(tables, None)
            if first is None:
                return
            tables = chain([first], tables)
            if _is_table(out):
                _write_file(new, tables, schema)
            else:
                (new / _RESIDUES).mkdir(parents=True)
                for i, table in enumerate(tables):
                    _write_file(new / _RESIDUES / f"part-{i:05d}.parquet", [table], schema)
                about = json.dumps(manifest(), indent=1, ensure_ascii=False)
                (new / _MANIFEST).write_text(f"{about}\n", encoding="utf-8")
            put(new, check())
    except OSError as error:
        raise AtlasError(f"{out} could not be written ({error}).") from error


def _write_file(path: Path, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for table in tables:
            writer.write_table(table)


def _is_table(out: Path) -> bool:
    return out.suffix.lower() == ".parquet" and not out.is_dir()


def _is_residues(path: Path) -> bool:
    """Tell a table of residues from other programs' files, and from tables made of ours."""
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return False
    return MARK.encode() in (schema.metadata or {}) and schema.names == RESIDUES.names


def _not_of_an_atlas(folder: Path) -> list[str]:
    """List what is in a folder beside an atlas; everything, where there is none."""
    names = sorted(os.listdir(folder))
    try:
        about = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        is_atlas = about["format"].startswith(f"{FORMAT} ")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_atlas = False
    if not is_atlas:
        return names
    parts = folder / _RESIDUES
    others = [name for name in names if name not in (_MANIFEST, _RESIDUES)]
    inside = sorted(os.listdir(parts)) if parts.is_dir() else []
    return others + [f"{_RESIDUES}/{name}" for name in inside if not _PART.fullmatch(name)]
