"""Where a table of residues or an atlas may be written to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from esm_explore.atlas.folders import not_of, place_refusal
from esm_explore.atlas.schema import FORMAT, MARK, RESIDUES
from esm_explore.errors import AtlasError
from esm_explore.findings import some
from esm_explore.outputs import UNFINISHED, is_among, is_special

MANIFEST, RESIDUES_FOLDER, CODES_FILE = "manifest.json", "residues", "codes/codes.parquet"
FAMILIES_FILE = "codes/families.parquet"
# Made of the residues, when they are there.
INDEX_FOLDER = "index"
# Of a build that goes on where it broke off.
BUILDING = "building"
_INSIDE = {
    RESIDUES_FOLDER: re.compile(r"part-\d+\.parquet"),
    CODES_FILE.split("/")[0]: re.compile(r"(codes|families)\.parquet"),
}
# An index, also one that was being made when its process was killed.
_BESIDE = re.compile(f"{INDEX_FOLDER}|{re.escape(UNFINISHED)}.*")


def check_out(
    out: Path, inputs: Iterable[Path] = (), *, overwrite: bool = False, go_on: bool = False
) -> Path:
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
    go_on : bool
        It has to be an atlas, which may have broken off.

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
        refusal = _refusal(out, inputs, overwrite, go_on)
    # A name that is too long, a folder that cannot be listed, links in a circle.
    except (OSError, RuntimeError) as error:
        raise AtlasError(f"{out} cannot be written to ({error}).") from error
    if refusal:
        raise AtlasError(refusal)
    return out


def _refusal(out: Path, inputs: Iterable[Path], overwrite: bool, go_on: bool) -> str:
    """Say why a path is not written to; nothing, where it can be."""
    if go_on and is_table(out):
        return f"{out} would be a table: an atlas is a folder, whose name does not end in .parquet."
    if not out.exists() and out.suffix and not is_table(out):
        return (
            f"{out} would be a folder: give a file that ends in .parquet, or a folder's name "
            "without an ending."
        )
    if refusal := place_refusal(out):
        return refusal
    if not out.exists():
        return ""
    others = not_of(out, MANIFEST, FORMAT, _INSIDE, _BESIDE) if out.is_dir() else []
    if go_on and BUILDING in others:
        others.remove(BUILDING)
    if others:
        return (
            f"{out} holds what is not of an atlas ({some(others)}), and is left as it is: give a "
            "new or empty folder, an atlas to replace, or a file that ends in .parquet."
        )
    if is_special(out) or not (out.is_dir() or is_table(out)):
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


def is_table(out: Path) -> bool:
    """Tell whether a path is for the table of residues alone."""
    return out.suffix.lower() == ".parquet" and not out.is_dir()


def _is_residues(path: Path) -> bool:
    """Tell a table of residues from other programs' files, and from tables made of ours."""
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return False
    return MARK.encode() in (schema.metadata or {}) and schema.names == RESIDUES.names
