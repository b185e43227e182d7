"""Files of weights, read safely: what they ask for is looked at before it is given."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from reprlib import repr as short

import torch
from safetensors.torch import load_file

from esm_explore.encoders.pickles import ForeignPickle, check_pickle
from esm_explore.errors import EncoderError

# torch.save's zip, and the pickle that it wrote before.
_ZIP, _PICKLE = b"PK", b"\x80"
# Names and shapes of all tensors; those of ESM3's encoder take 4 kB.
_LONGEST_HEADER = 2**20
# Pickles of the older layout: two numbers, a word about the machine, the tensors, their keys.
_OLDER_HEADERS = 5


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a checkpoint without running anything in it.

    Parameters
    ----------
    path : Path
        A safetensors file, or one of ``torch.save``, told apart by content.

    Returns
    -------
    dict
        Tensors by name, on the CPU.

    Raises
    ------
    EncoderError
        If the file is empty, cut off, a Git LFS pointer, a web page, compressed, asks for more
        numbers than it holds, or holds anything but tensors.
    """
    with path.open("rb") as file:
        start = file.read(512)
    size = path.stat().st_size
    if not start:
        raise EncoderError(f"{path} is empty (0 bytes): download it again.")
    if start.startswith(b"version https://git-lfs"):
        raise EncoderError(
            f"{path} is a Git LFS pointer of {size} bytes, not the weights: fetch the file itself "
            "('git lfs pull', or download it)."
        )
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise EncoderError(f"{path} is a web page, not weights: was the download refused?")
    safe = start[8:9] == b"{"
    if not safe and not start.startswith((_ZIP, _PICKLE)):
        raise EncoderError(
            f"{path} is neither of torch.save nor safetensors: it begins with {start[:40]!r}."
        )
    try:
        if safe:
            _check_header(path, int.from_bytes(start[:8], "little"))
            weights = load_file(path)
        else:
            (_check_zip if start.startswith(_ZIP) else _check_older)(path, size)
            weights = torch.load(path, map_location="cpu", weights_only=True)
        if isinstance(weights, dict):
            weights = dict(dict.items(weights))  # without what was hung on it
    except EncoderError:
        raise
    except (pickle.UnpicklingError, ForeignPickle) as error:
        what = f" ({error})" if isinstance(error, ForeignPickle) else ""
        raise EncoderError(
            f"{path} holds something other than tensors{what}, and was not loaded: a pickle can "
            "run any code. Save the state dict alone."
        ) from error
    except Exception as error:  # on damaged bytes torch raises whatever they lead it to
        raise EncoderError(
            f"{path} is damaged or cut off ({size:,} bytes): download it again. ({error})"
        ) from error
    _check_tensors(path, size, weights)
    return weights


def _check_header(path: Path, length: int) -> None:
    if length > _LONGEST_HEADER and length < path.stat().st_size:
        raise EncoderError(
            f"{path} has a header of {length:,} bytes; names and shapes of an encoder's tensors "
            "take some thousands."
        )


def _check_zip(path: Path, size: int) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        packed = [each.filename for each in members if each.compress_type != zipfile.ZIP_STORED]
        if packed or sum(each.file_size for each in members) > size:
            raise EncoderError(
                f"{path} is compressed, or holds parts twice; torch.save does neither: save the "
                "state dict with it."
            )
        headers = [each for each in members if each.filename.endswith(".pkl")]
        if sum(each.file_size for each in headers) > _LONGEST_HEADER:
            raise EncoderError(
                f"{path} has headers of more than {_LONGEST_HEADER:,} bytes; names and shapes of "
                "an encoder's tensors take some thousands."
            )
        for header in headers:
            with archive.open(header) as file:
                check_pickle(file, size)


def _check_older(path: Path, size: int) -> None:
    with path.open("rb") as file:
        for i in range(_OLDER_HEADERS):
            # The first is a number that says what the file is.
            check_pickle(file, size if i else None)
            if file.tell() > _LONGEST_HEADER:
                raise EncoderError(
                    f"{path} is a pickle of more than {_LONGEST_HEADER:,} bytes before its "
                    "numbers; names and shapes of an encoder's tensors take some thousands."
                )


def _check_tensors(path: Path, size: int, weights: object) -> None:
    if not isinstance(weights, Mapping) or not weights:
        raise EncoderError(f"{path} holds a {type(weights).__name__}, not a state dict of tensors.")
    asked = 0
    for name, value in weights.items():
        if not isinstance(name, str):
            raise EncoderError(f"{path} is not a state dict: {short(name)} is no name of a tensor.")
        if not isinstance(value, torch.Tensor):
            raise EncoderError(f"{path} is not a state dict: {short(name)} is not a tensor.")
        asked += value.numel() * value.element_size()
    if asked > size:
        raise EncoderError(
            f"{path} has {size:,} bytes and asks for tensors of {asked:,}: the same numbers are "
            "used more than once. Save the state dict of the encoder itself."
        )


def checksum(path: Path) -> str:
    """Give a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
