"""Where a structure comes from: `locate` finds out what was given, and fetches its content."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from biotite.structure import AtomArray, AtomArrayStack
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.errors import ChainError, warn
from esm_explore.sources.bundled import bundled_example, examples
from esm_explore.sources.downloads import fetch_address, fetch_alphafold, fetch_pdb
from esm_explore.sources.identifiers import alphafold_id, pdb_id, pdb_id_and_chain
from esm_explore.sources.objects import content_of_object
from esm_explore.sources.streams import file_content, standard_input, stream_content, stream_path
from esm_explore.sources.unpacking import unpacked

_NAMELESS = "structure"
# A Path takes one of its slashes away.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/{1,3}(.*)", re.DOTALL)
_TEXT_OF_STRUCTURE = re.compile(r"^\s*(ATOM  |HETATM|HEADER|REMARK|MODEL |CRYST1|data_)", re.M)


@dataclass(frozen=True)
class Source:
    """A structure that was found, not yet parsed.

    Attributes
    ----------
    name : str
        Of the structure, such as ``"1UBI"``: of a file up to the first dot.
    title : str
        For messages: the path, or what the user gave.
    content : bytes, AtomArray, AtomArrayStack or list of ProteinChain
        Bytes are those of one structure file, unpacked.
    predicted : bool
        Whether it is a model of the AlphaFold DB, whose B-factors are pLDDT.
    """

    name: str
    title: str
    content: bytes | AtomArray | AtomArrayStack | list[ProteinChain]
    predicted: bool = False


def locate(source: object, chain_id: str | None = None) -> Source:
    """Find out what was given, and fetch its content.

    Parameters
    ----------
    source : str, path, open file or object
        As `read_chain` takes it.
    chain_id : str, optional
        The chain that is wanted: some bundled examples were cut to one.

    Returns
    -------
    Source

    Raises
    ------
    ChainError
        If it is missing, unknown, unreachable or unreadable, or an archive without a structure
        or with several.
    """
    if isinstance(source, str | os.PathLike) and isinstance(os.fspath(source), str):
        return _of_text(source, chain_id)
    found = content_of_object(source)
    if found is not None:
        name, content = found
        return Source(name or _NAMELESS, f"the {type(source).__name__}", content)
    if callable(getattr(source, "read", None)):
        return _of_stream(source)
    raise ChainError(
        "A structure is read from a path, a name or an id, not from a "
        f"{type(source).__name__}. It can also be an address, an open file (of bytes: "
        "io.BytesIO), or a structure of biotite, gemmi, Biopython or esm."
    )


def is_address(text: str) -> bool:
    """Tell whether something is an address, such as ``https://...``, and so no pattern of files."""
    return _ADDRESS.fullmatch(text) is not None


def local_file(text: str) -> Path | None:
    """Give the file that a text may name; nothing for an address elsewhere, or a pipe."""
    if text == "-":
        return Path("/dev/stdin")
    if address := _ADDRESS.fullmatch(text):
        return _path_of_address(address[2]) if address[1].lower() == "file" else None
    return Path(os.path.expanduser(text))


def _path_of_address(rest: str) -> Path:
    return Path(url2pathname(urlsplit(f"file:///{rest.lstrip('/')}").path))


def _of_text(source: str | os.PathLike, chain_id: str | None) -> Source:
    text = os.fspath(source)
    if text == "-":
        return Source("stdin", "standard input", unpacked(standard_input(), "standard input"))
    if address := _ADDRESS.fullmatch(text):
        return _of_address(*address.groups())
    if "\n" in text and _TEXT_OF_STRUCTURE.search(text):
        raise ChainError("That is the text of a structure, not its name: give io.StringIO(text).")
    if not text:
        raise ChainError("The name of a structure is empty.")
    path = Path(os.path.expanduser(text))
    try:
        exists = path.exists()
        is_folder = path.is_dir()
    except (OSError, ValueError) as error:  # too long, or with a null byte
        raise ChainError(f"{text[:80]!r} cannot be a path ({error}).") from error
    if exists and not is_folder:
        return _of_path(path)
    found = None if isinstance(source, os.PathLike) else _of_name(text, chain_id)
    if found is not None:
        return found
    if is_folder:
        raise ChainError(
            f"{path} is a directory: give one of its files, or the directory to esm-explore "
            "tokenize, which reads them all."
        )
    if isinstance(source, os.PathLike) or path.suffix or len(path.parts) > 1:
        raise ChainError(f"There is no file {path}: check its name, and its folder.")
    raise ChainError(
        f"{text!r} is not a file here, not a bundled example ({', '.join(examples().index)}), "
        "not a PDB id (such as 1UBQ) and not an AlphaFold DB id (such as AF-P69905)."
    )


def _of_path(path: Path) -> Source:
    return Source(_name_of(path.name), str(path), unpacked(file_content(path), str(path)))


def _of_address(scheme: str, rest: str) -> Source:
    if scheme.lower() == "file":
        path = _path_of_address(rest)
        if not path.exists() or path.is_dir():
            raise ChainError(f"There is no file {path}: check its name, and its folder.")
        return _of_path(path)
    if scheme.lower() not in ("http", "https"):
        raise ChainError(f"Addresses of {scheme} are not read: give http, https, or a file.")
    parts = urlsplit(f"{scheme}://{rest}")
    # What follows the path, or comes before the host, can be a password.
    title = f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    content = unpacked(fetch_address(parts.geturl(), title), title)
    return Source(_name_of(unquote(PurePosixPath(parts.path).name)), title, content)


def _of_name(text: str, chain_id: str | None) -> Source | None:
    """Look for a bundled example, an entry of the PDB or a model of the AlphaFold DB."""
    identifier = pdb_id(text) or text
    bundled = bundled_example(identifier, chain_id)
    if bundled is not None:
        name, content = bundled
        return Source(name, text, unpacked(content, text))
    if pdb_id(text):
        return Source(identifier, text, unpacked(fetch_pdb(identifier), text))
    if with_chain := pdb_id_and_chain(text):
        entry, chain = with_chain
        raise ChainError(
            f"{text!r} names a chain: give it apart, as read_chain({entry!r}, {chain!r}), in a "
            f"shell {entry} --chain {chain}."
        )
    if model := alphafold_id(text):
        accession, name, version = model
        if version:
            warn(f"{name}: the AlphaFold DB gives its newest model, whether or not it is {version}")
        return Source(name, text, unpacked(fetch_alphafold(accession), text), predicted=True)
    return None


def _of_stream(stream: IO) -> Source:
    path = stream_path(stream)
    title = path or f"the {type(stream).__name__}"
    name = _name_of(os.path.basename(path)) if path else _NAMELESS
    return Source(name, title, unpacked(stream_content(stream, title), title))


def _name_of(file_name: str) -> str:
    return file_name.split(".")[0] or _NAMELESS
