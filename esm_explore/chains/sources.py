"""Where a structure comes from: a file, a bundled example, a PDB id or an AlphaFold DB id."""

from __future__ import annotations

import os
from collections.abc import Iterable
from glob import glob, has_magic
from importlib.resources import as_file, files
from pathlib import Path

import pandas as pd

from esm_explore.chains.downloads import ALPHAFOLD_ID, PDB_ID, fetch_alphafold, fetch_pdb
from esm_explore.errors import ChainError


def examples() -> pd.DataFrame:
    """List the bundled structures.

    Returns
    -------
    DataFrame
        One row a structure, indexed by the name that `read_chain` takes; columns chain,
        residues, good_for, file and source.

    Examples
    --------
    >>> int(examples().loc["1ITU", "residues"])
    369
    """
    with (files("esm_explore.chains") / "examples" / "examples.csv").open() as table:
        return pd.read_csv(table, index_col="name")


def locate(source: str | os.PathLike, chain_id: str | None) -> tuple[str, Path, bool]:
    """Give the structure's name, its file, and whether it is a prediction."""
    if not isinstance(source, str | os.PathLike) or not isinstance(os.fspath(source), str):
        raise ChainError(
            f"A structure is read from a path, a name or an id, not from a {type(source).__name__}."
        )
    text = os.fspath(source)
    path = Path(text)
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:  # too long, or with a null byte
        raise ChainError(f"{text[:80]!r} cannot be a path ({error}).") from error
    looks_like_path = isinstance(source, os.PathLike) or path.suffix or len(path.parts) > 1
    if looks_like_path or exists:
        if not exists and ALPHAFOLD_ID.fullmatch(text.upper()) is None:
            raise ChainError(f"There is no file {path}.")
        return path.name.split(".")[0], path, False
    bundled = _example(text, chain_id)
    if bundled is not None:
        return *bundled, False
    if PDB_ID.fullmatch(text):
        return text.upper(), fetch_pdb(text), False
    if ALPHAFOLD_ID.fullmatch(text.upper()):
        return text.upper(), fetch_alphafold(text.upper()), True
    raise ChainError(
        f"{text!r} is not a file here, not a bundled example ({', '.join(examples().index)}), "
        "not a PDB id (such as 1UBQ) and not an AlphaFold DB id (such as AF-P69905)."
    )


def _example(text: str, chain_id: str | None) -> tuple[str, Path] | None:
    """Find a bundled example, unless a chain is wanted that was cut away from it."""
    name, _, chain = text.upper().partition("_")
    table = examples()
    if name not in table.index or chain not in ("", table.loc[name, "chain"]):
        return None
    cut = "_" in table.loc[name, "file"]
    if cut and chain_id not in (None, table.loc[name, "chain"]):
        return None
    # The package is installed as plain files, so that the path outlives this context.
    with as_file(files("esm_explore.chains") / "examples" / table.loc[name, "file"]) as path:
        return name, path


SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif", ".bcif")


def find_sources(given: Iterable[str], failures: list[tuple[str, str, str]]) -> list[str]:
    """Turn directories and patterns into files.

    Parameters
    ----------
    given : iterable of str
        Directories (all structure files in them, at any depth; links to directories are not
        followed), patterns of files or directories such as ``"models/*.cif"``, and anything that
        `read_chain` takes.
    failures : list of (source, chain, message)
        Gets one for each directory or pattern without a file.

    Returns
    -------
    list of str
        Each once, in the order given; within a directory or pattern sorted.
    """
    found = {}
    for source in given:
        if os.path.isdir(source):
            inside = _structures_in(source, failures)
            missing = f"There is no structure file in it ({', '.join(SUFFIXES)}, also .gz)."
        elif has_magic(source) and not os.path.exists(source):
            inside = []
            for path in glob(source, recursive=True):
                inside += _structures_in(path, failures) if os.path.isdir(path) else [path]
            missing = "No file has a name like that."
        else:
            inside, missing = [source], ""
        if not inside:
            failures.append((printable(source), "", missing))
        for path in sorted(inside):
            found.setdefault(os.path.realpath(path) if os.path.exists(path) else path, path)
    return list(found.values())


def _structures_in(directory: str, failures: list[tuple[str, str, str]]) -> list[str]:
    """List the structure files below a directory; links to directories are not followed."""

    def failed(error: OSError) -> None:
        failures.append((printable(error.filename), "", str(error.strerror)))

    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(directory, onerror=failed)
        for name in names
        if name.lower().removesuffix(".gz").endswith(SUFFIXES)
    ]


def printable(text: str) -> str:
    """Write a file's name, or a text with it, so that it is UTF-8 also where the name is not."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
