"""What is built from, in pieces that are done or not: a source, or a chain of an array file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.atlas.arrays import ENDING, ArrayChains
from esm_explore.atlas.origin import Report
from esm_explore.chains.reading import open_structure, read_chain
from esm_explore.errors import ChainError, EsmExploreError, heard
from esm_explore.outputs import printable
from esm_explore.sources.identifiers import pdb_id_and_chain
from esm_explore.sources.locating import local_file

# A chain, and DSSP's letters where they are known.
Read = tuple[ProteinChain, str]


@dataclass(frozen=True)
class Item:
    """A source, or a chain of an array file.

    Attributes
    ----------
    file : str
        Where it is read from, as a terminal can show it.
    key : str
        What it is told apart by.
    read : callable
        Gives its chains; what fails goes into the report.
    source : str
        As it was given.
    """

    file: str
    key: str
    read: Callable[[Report], Iterator[Read]]
    source: str


def items_of(
    sources: Iterable[str], report: Report, *, chain_id: str | None, all_chains: bool
) -> list[Item]:
    """List what is to be read; an array file that cannot be is a failure."""
    items = []
    for source in sources:
        name = printable(source)
        if not source.lower().endswith(ENDING):
            read = partial(_read, source, chain_id, all_chains)
            key = f"{source} {_stamp(source)} {chain_id} {all_chains}"
            items.append(Item(name, key, read, source))
            continue
        try:
            if chain_id is not None:
                raise ChainError("Of array files all chains are read: leave the chain id out.")
            chains = ArrayChains(Path(source))
        except ChainError as error:
            report.failures.append((name, "", said(error)))
            continue
        stamp = _stamp(source)
        items += [
            Item(name, f"{source} {stamp} {chain}", partial(_read_one, chains, i, name), source)
            for i, chain in enumerate(chains.names)
        ]
    return items


def _stamp(source: str) -> str:
    """Tell a file from what it was before: its size, and when it was written."""
    path = local_file(source)
    try:
        found = path and os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{found.st_size} {found.st_mtime_ns}" if found else ""


def _is_file(source: str) -> bool:
    return bool(_stamp(source))


def digest_of(items: Iterable[Item]) -> str:
    """Tell one list of items from another, SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.key}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _read(source: str, chain_id: str | None, all_chains: bool, report: Report) -> Iterator[Read]:
    """Read a source's chains, parsing it once; what fails is reported and the rest goes on."""
    name, wanted, read = printable(source), [chain_id], partial(read_chain, source)
    with_chain = None if chain_id is not None or _is_file(source) else pdb_id_and_chain(source)
    if with_chain:
        read, wanted = partial(read_chain, with_chain[0]), [with_chain[1]]
    try:
        if all_chains and not with_chain:
            with remarks(name, report):
                structure = open_structure(source)
            wanted, read = structure.chain_ids, structure.read
    except Exception as error:  # a file can be broken in ways that nobody thought of
        report.failures.append((name, "", said(error)))
        return
    for wanted_id in wanted:
        try:
            with remarks(name, report):
                chain = read(wanted_id)
        except Exception as error:
            report.failures.append((name, printable(wanted_id or ""), said(error)))
        else:
            yield chain, ""


def _read_one(chains: ArrayChains, i: int, name: str, report: Report) -> Iterator[Read]:
    try:
        found = chains.read(i)
    except Exception as error:
        report.failures.append((name, printable(chains.names[i]), said(error)))
    else:
        yield found


@contextmanager
def remarks(name: str, report: Report) -> Iterator[None]:
    """Keep what is warned of, each remark once."""
    with heard() as told:
        yield
    new = [printable(f"{name}: {message}") for message in told]
    report.remarks += [remark for remark in dict.fromkeys(new) if remark not in report.remarks]


def said(error: Exception) -> str:
    """Write an error on one line, with its class where it is not ours."""
    ours = isinstance(error, EsmExploreError)
    return printable(str(error) if ours else f"{type(error).__name__}: {error}")
