"""ESM3's encoder weights from the Hugging Face hub: one file, from the cache where it can be."""

from __future__ import annotations

import re
from pathlib import Path

import requests
from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled

from esm_explore.errors import EncoderError

ESM3_NAME = "esm3_structure_encoder_v0"
FILE = f"data/weights/{ESM3_NAME}.pth"
# The model moved; a cache may hold it under either name.
REPOSITORIES = ("biohub/esm3-sm-open-v1", "EvolutionaryScale/esm3-sm-open-v1")
# The hub's library asks five times, with pauses, before it gives up on a silent server.
ANSWER_LIMIT = 5.0

# What the user can do most about comes first.
_MESSAGES = {
    "gated": (
        f"{ESM3_NAME} is behind a license. Accept it on the hub's page of {REPOSITORIES[0]}, "
        "then log in from a shell with 'hf auth login', or set HF_TOKEN. Never put a token in a "
        "notebook."
    ),
    "rate limited": (
        "The hub refuses more requests for now (status 429): wait some minutes, and log in "
        "('hf auth login') for a higher limit."
    ),
    "failing": "The hub is failing (status {status}): try again later.",
    "not found": (
        f"{FILE} is not in {' nor in '.join(REPOSITORIES)}: it may have moved. If you have the "
        "file, give its path to load_encoder."
    ),
    "offline": (
        f"{ESM3_NAME} is not in the cache, and the hub cannot be reached. Connect once, or give "
        "the path of the file to load_encoder; load_encoder() works offline."
    ),
}


def find_esm3_weights() -> Path:
    """Find the weights of ESM3's structure encoder, downloading them if need be.

    Returns
    -------
    Path
        Of ``esm3_structure_encoder_v0.pth`` in the hub's cache. No other file is fetched.

    Raises
    ------
    EncoderError
        If the hub is out of reach, needs a login, has no such file, limits requests or fails;
        the message says what to do.
    """
    for repository in REPOSITORIES:
        cached = try_to_load_from_cache(repository, FILE)
        if isinstance(cached, str):
            return Path(cached)
    reasons = {}
    for repository in REPOSITORIES:
        try:
            return Path(hf_hub_download(repository, FILE, etag_timeout=ANSWER_LIMIT))
        except (HfHubHTTPError, requests.RequestException, OSError) as error:
            reason, status = _reason(error)
            reasons[reason] = (status, error)
            if reason == "offline":
                break
    reason = next(name for name in _MESSAGES if name in reasons)
    status, error = reasons[reason]
    raise EncoderError(_MESSAGES[reason].format(status=status)) from error


def check_hub_checksum(path: Path, digest: str) -> None:
    """Compare a file of the hub's cache with the checksum that the hub gave for it.

    Parameters
    ----------
    path : Path
        As `find_esm3_weights` gives it: a link to a blob, which the hub's library names by the
        hub's ETag; for large files that is their SHA-256. Where it is not, there is nothing to
        compare with.
    digest : str
        The file's SHA-256.

    Raises
    ------
    EncoderError
        If they differ.
    """
    blob = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", blob) and blob != digest:
        raise EncoderError(
            f"{path} is not the file that the hub has: its SHA-256 begins with {digest[:12]}, the "
            f"hub's with {blob[:12]}. It was damaged, or changed, since the download."
        )


def _reason(error: BaseException) -> tuple[str, int | None]:
    """Find out what went wrong: for 429 and 500 the hub's library says "not in the cache"."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, GatedRepoError):
            return "gated", 403
        if isinstance(seen, OfflineModeIsEnabled):
            return "offline", None
        status = getattr(getattr(seen, "response", None), "status_code", None)
        if status in (401, 403):
            return "gated", status
        if status == 429:
            return "rate limited", status
        if status == 404:
            return "not found", status
        if status is not None and status >= 400:
            return "failing", status
        seen = seen.__cause__ or seen.__context__
    return "offline", None
