"""Structures by PDB id or AlphaFold DB id: fetched once, then kept."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests
from platformdirs import user_cache_path
from urllib3.exceptions import HTTPError, ReadTimeoutError

from esm_explore.errors import ChainError

PDB_ID = re.compile(r"[0-9][A-Za-z0-9]{3}")
ALPHAFOLD_ID = re.compile(
    r"AF-([OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(-F1)?"
)
# Of the PDB's BinaryCIF files, and of the AlphaFold DB's list of models.
PDB = "https://models.rcsb.org/"
ALPHAFOLD = "https://alphafold.com/api/prediction/"
# Seconds, for a whole download.
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
    return _cached("pdb", name, lambda _: f"{PDB}{name}.bcif")


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
    accession = ALPHAFOLD_ID.fullmatch(identifier)[1]
    name = f"AF-{accession}-F1"
    return _cached("alphafold", name, lambda deadline: _alphafold_address(accession, deadline))


def _cached(database: str, name: str, address: Callable[[float], str]) -> Path:
    kept = cache_folder() / database / f"{name}.bcif"
    if kept.is_file():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        deadline = time.monotonic() + TIME_LIMIT
        content = _get(address(deadline), deadline)
    except requests.Timeout as error:
        raise ChainError(
            f"{name} did not arrive within {TIME_LIMIT:.0f} s; {_ATTEMPTED}."
        ) from error
    except requests.ConnectionError as error:
        raise ChainError(
            f"{name} needs a download and there is no network; {_ATTEMPTED}."
        ) from error
    except requests.HTTPError as error:
        status = error.response.status_code
        if status != 404:
            raise ChainError(
                f"The service failed for {name} (HTTP status {status}); try again later."
            ) from error
        raise ChainError(f"{name} is not in the database: check the id.") from error
    except LookupError as error:  # of an unknown accession the AlphaFold DB lists no model
        raise ChainError(f"{name} is not in the database: check the id.") from error
    except (requests.RequestException, TypeError, ValueError) as error:
        raise ChainError(
            f"{name} could not be fetched ({type(error).__name__}: {error}); {_ATTEMPTED}."
        ) from error
    if b"dataBlocks" not in content[:4096]:
        raise ChainError(f"What came for {name} is not a structure; try again later.")
    # Moved to its place whole: what breaks midway is never taken for good.
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".partial-") as folder:
        part = Path(folder) / kept.name
        part.write_bytes(content)
        part.replace(kept)
    return kept


def _get(address: str, deadline: float) -> bytes:
    """Fetch all of a file until a moment of the monotonic clock, or raise a requests' error."""
    left = max(deadline - time.monotonic(), 0.001)
    pieces = []
    with requests.get(address, stream=True, timeout=left) as answer:
        answer.raise_for_status()
        try:
            # What is there, not all of a piece: iter_content would wait for slow ones to fill.
            while piece := answer.raw.read1(2**16, decode_content=True):
                if time.monotonic() > deadline:
                    raise requests.Timeout(f"{address} was too slow")
                pieces.append(piece)
        except ReadTimeoutError as error:
            raise requests.Timeout(f"{address} fell silent") from error
        except HTTPError as error:
            raise requests.RequestException(str(error)) from error
    return b"".join(pieces)


def _alphafold_address(accession: str, deadline: float) -> str:
    """Ask where the model of a UniProt accession is: its version is in the name."""
    return json.loads(_get(f"{ALPHAFOLD}{accession}", deadline))[0]["bcifUrl"]
