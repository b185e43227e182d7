"""Bundled structures: small ones, so that every example runs offline."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

_FOLDER = "examples"


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
    with (files("esm_explore.sources") / _FOLDER / "examples.csv").open() as table:
        return pd.read_csv(table, index_col="name")


def bundled_example(text: str, chain_id: str | None) -> tuple[str, bytes] | None:
    """Find a bundled example, unless a chain is wanted that was cut away from it.

    Parameters
    ----------
    text : str
        Its name, or that and its chain: ``1ITU`` or ``1itu_B``.
    chain_id : str, optional

    Returns
    -------
    name : str
    content : bytes
        Or None in place of both.
    """
    name, _, chain = text.upper().partition("_")
    table = examples()
    if name not in table.index or chain not in ("", table.loc[name, "chain"]):
        return None
    cut = "_" in table.loc[name, "file"]
    if cut and chain_id not in (None, table.loc[name, "chain"]):
        return None
    return name, (files("esm_explore.sources") / _FOLDER / table.loc[name, "file"]).read_bytes()


def bundled_models(name: str) -> bytes | None:
    """Give all models of a bundled structure, if there are several; `bundled_example` has one."""
    file = files("esm_explore.sources") / _FOLDER / "models" / f"{name.lower()}.bcif.gz"
    return file.read_bytes() if name.isalnum() and file.is_file() else None
