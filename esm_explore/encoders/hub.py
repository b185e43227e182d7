"""ESM3's weights from the Hugging Face hub: one file, from the cache where it can be."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import get_token, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, get_session

from esm_explore.errors import EncoderError

ESM3_NAME = "esm3_structure_encoder_v0"
ESM3_DECODER = "esm3_structure_decoder_v0"


def file_of(name: str) -> str:
    """Give the path that weights have in the hub's repositories."""
    return f"data/weights/{name}.pth"


FILE = file_of(ESM3_NAME)
# What loads them, and what can be done without them.
_LOADED = {
    ESM3_NAME: ("load_encoder", "load_encoder() works offline"),
    ESM3_DECODER: ("load_decoder", "decode_neighborhood draws mini's codes offline"),
}
# The model moved; a cache may hold it under either name.
REPOSITORIES = ("biohub/esm3-sm-open-v1", "EvolutionaryScale/esm3-sm-open-v1")
# Seconds for all questions together; the hub's library asks five times, with pauses.
ANSWER_LIMIT = 6.0
# They write of each try, with the address, in which a password can be.
_LOGGERS = ("huggingface_hub.file_download", "huggingface_hub.utils._http")

# What the user can do most about comes first.
_MESSAGES = {
    "no room": (
        "The cache of the hub's library cannot be written ({detail}): make room, or set HF_HOME to "
        "another folder."
    ),
    "refused": (
        "The hub refuses {name} {detail}. The weights are under the MIT license since 2026 "
        "and need no login; while the hub wants one, log in from a shell with 'hf auth login', or "
        "set HF_TOKEN (never in a notebook), with an account that may see "
        f"{REPOSITORIES[0]}."
    ),
    "rate limited": (
        "The hub refuses more requests for now (status 429): wait some minutes, and log in "
        "('hf auth login') for a higher limit."
    ),
    "failing": "The hub is failing ({detail}): try again later.",
    "not found": (
        f"{{file}} is not in {' nor in '.join(REPOSITORIES)}: it may have moved. If you have the "
        "file, give its path to {verb}."
    ),
    "offline": (
        "{name} is not in the cache, and the hub cannot be reached. Connect once (a proxy or "
        "another address of the hub, where one is set, has to answer), or give the path of the "
        "file to {verb}; {offline}."
    ),
}


def find_esm3_weights(repositories: Sequence[str] = REPOSITORIES, name: str = ESM3_NAME) -> Path:
    """Find the weights of ESM3's structure encoder or decoder, downloading them if need be.

    It is asked for without a login first; with the user's login, where there is one, only after
    a refusal.

    Parameters
    ----------
    repositories : sequence of str
        Which to try, in order.
    name : str
        ``ESM3_NAME`` or ``ESM3_DECODER``.

    Returns
    -------
    Path
        Of the file in the hub's cache. No other file is fetched.

    Raises
    ------
    EncoderError
        If the hub is out of reach, wants a login, has no such file, limits requests or fails; the
        message says what to do. Nothing of the hub's library is in it: it could hold a secret.
    """
    file = file_of(name)
    for repository in repositories:
        cached = try_to_load_from_cache(repository, file)
        if isinstance(cached, str):
            return Path(cached)
    reasons, until = {}, time.monotonic() + ANSWER_LIMIT
    for repository in repositories:
        for token in (False, get_token()):
            if token is None:
                break
            found = _fetched(repository, file, token, until)
            if isinstance(found, Path):
                return found
            reason, detail = found
            reasons[reason] = detail
            if reason != "refused":
                break
        if reason == "offline":
            break
    reason = next(name for name in _MESSAGES if name in reasons)
    verb, offline = _LOADED[name]
    words = {"name": name, "file": file, "verb": verb, "offline": offline}
    raise EncoderError(_MESSAGES[reason].format(detail=reasons[reason], **words))


def _fetched(repository: str, file: str, token: str | bool, until: float) -> Path | tuple[str, str]:
    """Give the file, or why it is not had."""
    status = _status(repository, file, token, until)
    if status is None or status >= 400:
        return _reason(status, token)
    try:
        with _silent():
            path = hf_hub_download(repository, file, token=token, etag_timeout=ANSWER_LIMIT)
    except Exception as error:  # several libraries', by way of proxies, certificates and disks
        network = isinstance(error, ConnectionError | TimeoutError | OfflineModeIsEnabled)
        if type(error).__module__ == "builtins" and isinstance(error, OSError) and not network:
            return "no room", os.strerror(error.errno or 0)
        return _reason(_status_in(error), token)
    return Path(path)


def _status(repository: str, file: str, token: str | bool, until: float) -> int | None:
    """Ask for the file's head once; None if no answer comes in time, by whatever is in between."""
    answer: list[int] = []
    left = max(0.1, until - time.monotonic())

    def ask() -> None:
        try:
            url, headers = hf_hub_url(repository, file), build_hf_headers(token=token)
            response = get_session().head(url, headers=headers, timeout=left)
            answer.append(response.status_code)
        except Exception:  # names, proxies and certificates: no answer
            return

    # In a thread: a name server or a proxy that sends a byte a second has no other limit.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(left)
    return answer[0] if answer else None


def _reason(status: int | None, token: str | bool) -> tuple[str, str]:
    if status is None:
        return "offline", ""
    detail = f"status {status}"
    if status in (401, 403):
        return "refused", f"{'also with your' if token else 'without a'} login ({detail})"
    return {429: "rate limited", 404: "not found"}.get(status, "failing"), detail


def _status_in(error: BaseException | None) -> int | None:
    """Find the status behind an error: for 429 and 500 the library says "not in the cache"."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status is not None and status >= 400:
            return status
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what the hub's library logs in this thread to itself."""
    own = threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != own

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(others)


def hub_checksum(path: Path) -> str:
    """Give the checksum that the hub gave for a file of its cache; "" where it gave none.

    The file is a link to a blob, which the hub's library names by the hub's ETag; for large files
    that is their SHA-256.
    """
    blob = path.resolve().name
    return blob if re.fullmatch(r"[0-9a-f]{64}", blob) else ""


def check_hub_checksum(path: Path, digest: str) -> None:
    """Compare a file of the hub's cache with the checksum that the hub gave for it, if it did.

    Parameters
    ----------
    path : Path
    digest : str
        The file's SHA-256.

    Raises
    ------
    EncoderError
        If they differ.
    """
    expected = hub_checksum(path)
    if expected and expected != digest:
        raise EncoderError(
            f"{path} is not the file that the hub has: its SHA-256 begins with {digest[:12]}, the "
            f"hub's with {expected[:12]}. It was damaged, or changed, since the download."
        )
