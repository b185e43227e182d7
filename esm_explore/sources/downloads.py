"""Structures from the network: by id, fetched once, then kept; by address, fetched each time."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from platformdirs import user_cache_path
from urllib3.exceptions import HTTPError, ReadTimeoutError

from esm_explore.errors import ChainError, warn
from esm_explore.outputs import put, unfinished
from esm_explore.sources import unpacking

# Of the PDB's BinaryCIF files, and of the AlphaFold DB's list of models.
PDB = "https://models.rcsb.org/"
ALPHAFOLD = "https://alphafold.com/api/prediction/"
# Seconds, for a whole download.
TIME_LIMIT = 60.0
# Services want to know who asks.
_HEADERS = {"User-Agent": "esm_explore"}
_ATTEMPTED = "check the connection, or give a file"
_CACHE = "ESM_EXPLORE_CACHE"


def cache_folder() -> Path:
    """Give the folder that keeps downloads; ``ESM_EXPLORE_CACHE`` sets another."""
    return Path(os.path.expanduser(os.environ.get(_CACHE) or user_cache_path("esm_explore")))


def fetch_pdb(identifier: str) -> bytes:
    """Fetch a PDB entry as BinaryCIF, or take it from the cache.

    Parameters
    ----------
    identifier : str
        Such as ``1UBQ``.

    Returns
    -------
    bytes

    Raises
    ------
    ChainError
        If there is no such entry, no network, no answer in time, or an error of the service.

    Warns
    -----
    ChainWarning
        If the cache cannot be used.
    """
    name = identifier.lower()
    return _cached("pdb", name, lambda _: f"{PDB}{name}.bcif")


def fetch_alphafold(accession: str) -> bytes:
    """Fetch a model of the AlphaFold DB as BinaryCIF, or take it from the cache.

    Parameters
    ----------
    accession : str
        Of UniProt, such as ``P69905``.

    Returns
    -------
    bytes

    Raises
    ------
    ChainError
        As `fetch_pdb`.

    Warns
    -----
    ChainWarning
        As `fetch_pdb`.
    """
    name = f"AF-{accession}-F1"
    return _cached("alphafold", name, lambda deadline: _alphafold_address(accession, deadline))


def fetch_address(address: str, title: str) -> bytes:
    """Fetch a file.

    Parameters
    ----------
    address : str
        Of http or https.
    title : str
        The address as messages may show it.

    Returns
    -------
    bytes
        One more than `MAX_BYTES`, or somewhat above, where there is more than that.

    Raises
    ------
    ChainError
        As `fetch_pdb`.
    """
    return _fetched(title, lambda _: address, "is not there: check the address")


def _cached(database: str, name: str, address: Callable[[float], str]) -> bytes:
    kept = cache_folder() / database / f"{name}.bcif"
    broken: OSError | None = None
    try:
        if kept.is_file():
            return kept.read_bytes()
        kept.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        broken = error
        _warn_of_cache(error)
    content = _fetched(name, address, "is not in the database: check the id")
    if b"dataBlocks" not in content[:4096]:
        raise ChainError(f"What came for {name} is not a structure; try again later.")
    if broken is None:
        try:
            _keep(content, kept)
        except OSError as error:
            _warn_of_cache(error)
    return content


def _keep(content: bytes, kept: Path) -> None:
    """Write a file and move it to its place whole: what breaks midway is never taken for good."""
    with unfinished(kept) as folder:
        part = folder / kept.name
        part.write_bytes(content)
        put(part, kept)


def _warn_of_cache(error: OSError) -> None:
    warn(
        f"downloads are not kept: the cache folder {cache_folder()} cannot be used "
        f"({error.strerror or error}); set {_CACHE} to one that can be written to"
    )


def _fetched(name: str, address: Callable[[float], str], missing: str) -> bytes:
    """Fetch a file within the time limit, its address too where that has to be asked for."""
    try:
        deadline = time.monotonic() + TIME_LIMIT
        return _get(address(deadline), deadline)
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
        raise ChainError(f"{name} {missing}.") from error
    except LookupError as error:  # of an unknown accession the AlphaFold DB lists no model
        raise ChainError(f"{name} {missing}.") from error
    except (requests.RequestException, TypeError, ValueError) as error:
        raise ChainError(
            f"{name} could not be fetched ({type(error).__name__}: {error}); {_ATTEMPTED}."
        ) from error


def _get(address: str, deadline: float) -> bytes:
    """Fetch all of a file until a moment of the monotonic clock, or raise a requests' error."""
    left = max(deadline - time.monotonic(), 0.001)
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def fetch() -> None:
        try:
            answers.put(_get_slowly(address, deadline))
        except BaseException as error:
            answers.put(error)

    # requests' own limit is for each wait: headers that drip never reach it. What is given up on
    # must not keep Python from ending.
    threading.Thread(target=fetch, daemon=True).start()
    try:
        # A little longer: requests' own error says more.
        answer = answers.get(timeout=left + 0.2)
    except queue.Empty:
        raise requests.Timeout(f"{address} was too slow") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _get_slowly(address: str, deadline: float) -> bytes:
    left = max(deadline - time.monotonic(), 0.001)
    pieces, size = [], 0
    with requests.get(address, stream=True, timeout=left, headers=_HEADERS) as answer:
        answer.raise_for_status()
        try:
            # What is there, not all of a piece: iter_content would wait for slow ones to fill.
            while piece := answer.raw.read1(2**16, decode_content=True):
                if time.monotonic() > deadline:
                    raise requests.Timeout(f"{address} was too slow")
                pieces.append(piece)
                size += len(piece)
                if size > unpacking.MAX_BYTES:
                    break
        except ReadTimeoutError as error:
            raise requests.Timeout(f"{address} fell silent") from error
        except HTTPError as error:
            raise requests.RequestException(str(error)) from error
    return b"".join(pieces)


def _alphafold_address(accession: str, deadline: float) -> str:
    """Ask where the model of a UniProt accession is: its version is in the name."""
    return json.loads(_get(f"{ALPHAFOLD}{accession}", deadline))[0]["bcifUrl"]
