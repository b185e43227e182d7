"""Structures by PDB id or AlphaFold DB id: fetched once with biotite, then kept."""

from __future__ import annotations

import os
import queue
import re
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import requests
from biotite.database import RequestError, afdb, rcsb
from platformdirs import user_cache_path

from esm_explore.errors import ChainError

PDB_ID = re.compile(r"[0-9][A-Za-z0-9]{3}")
ALPHAFOLD_ID = re.compile(
    r"AF-([OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(-F1)?"
)
TIME_LIMIT = 60.0
_ATTEMPTED = "check the connection, or give a file"


def cache_folder() -> Path:
    """Give the folder that keeps downloads; ``ESM_EXPLORE_CACHE`` sets another."""
    return Path(os.environ.get("ESM_EXPLORE_CACHE") or user_cache_path("esm_explore"))


def fetch_pdb(identifier: str) -> Path:
    """Fetch a PDB entry as BinaryCIF, or take it from the cache.

    Parameters
    ----------
    identifier : str
        Such as ``1UBQ``.

    Returns
    -------
    Path

    Raises
    ------
    ChainError
        If there is no such entry, no network, no answer in time, or an error of the service.
    """
    name = identifier.lower()
    return _cached("pdb", name, lambda folder: rcsb.fetch(name, "bcif", folder))


def fetch_alphafold(identifier: str) -> Path:
    """Fetch a model of the AlphaFold DB as BinaryCIF, or take it from the cache.

    Parameters
    ----------
    identifier : str
        Such as ``AF-P69905`` or ``AF-P69905-F1``.

    Returns
    -------
    Path

    Raises
    ------
    ChainError
        As `fetch_pdb`.
    """
    name = f"AF-{ALPHAFOLD_ID.fullmatch(identifier)[1]}-F1"
    return _cached("alphafold", name, lambda folder: afdb.fetch(name, "bcif", folder))


def _cached(database: str, name: str, fetch: Callable[[str], object]) -> Path:
    kept = cache_folder() / database / f"{name}.bcif"
    if kept.is_file():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Fetched beside its place and moved there whole: what breaks midway is never taken for good.
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".partial-") as folder:
        _in_time(name, lambda: fetch(folder))
        fetched = Path(folder) / f"{name}.bcif"
        if b"dataBlocks" not in fetched.read_bytes()[:4096]:
            raise ChainError(f"What came for {name} is not a structure; try again later.")
        fetched.replace(kept)
    return kept


def _in_time(name: str, fetch: Callable[[], object]) -> None:
    """Run a download with a time limit, which biotite's fetchers do not have."""
    outcome: queue.Queue[BaseException | None] = queue.Queue()

    def run() -> None:
        try:
            fetch()
            outcome.put(None)
        except BaseException as error:
            outcome.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        error = outcome.get(timeout=TIME_LIMIT)
    except queue.Empty:
        raise ChainError(
            f"{name} did not arrive within {TIME_LIMIT:.0f} s; {_ATTEMPTED}."
        ) from None
    if error is not None:
        raise _explained(name, error) from error


def _explained(name: str, error: BaseException) -> BaseException:
    if isinstance(error, requests.Timeout):
        return ChainError(f"The service did not answer in time for {name}; {_ATTEMPTED}.")
    if isinstance(error, requests.ConnectionError):
        return ChainError(f"{name} needs a download and there is no network; {_ATTEMPTED}.")
    # biotite reports every HTTP status as a bad id; the status is on the error it came from.
    status = getattr(getattr(error.__context__, "response", None), "status_code", None)
    if status is not None and status != 404:
        return ChainError(f"The service failed for {name} (HTTP status {status}); try again later.")
    if isinstance(error, RequestError | KeyError):
        return ChainError(f"{name} is not in the database: check the id.")
    return (
        error
        if not isinstance(error, Exception)
        else ChainError(
            f"{name} could not be fetched ({type(error).__name__}: {error}); {_ATTEMPTED}."
        )
    )
