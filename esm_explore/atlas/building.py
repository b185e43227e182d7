"""Structure tokens of many sources, one row a residue, in a Parquet file or an atlas."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.atlas.schema import Origin, residue_rows, residues_table
from esm_explore.atlas.writing import check_out, write
from esm_explore.chains.reading import open_structure, read_chain
from esm_explore.errors import EsmExploreError, heard
from esm_explore.outputs import printable
from esm_explore.tokens.chunks import ChunkedEncoder, PreparedChain

# Rows in one group of a file, or in one part of an atlas: small ones are slow to read.
_GROUP = 100_000


@dataclass
class Report:
    """What became of the sources.

    Attributes
    ----------
    n_residues, n_chains : int
        Written.
    failures : list of (source, chain or "", message)
    remarks : list of str
        What reading a chain warned of.
    """

    n_residues: int = 0
    n_chains: int = 0
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def build(
    run: ChunkedEncoder,
    sources: Iterable[str],
    out: Path,
    report: Report,
    *,
    chain_id: str | None = None,
    all_chains: bool = False,
    on_source: Callable[[str], None] = lambda source: None,
    inputs: Iterable[Path] = (),
    overwrite: bool = False,
) -> None:
    """Tokenize sources into one table or one atlas, which appears when it is complete.

    Parameters
    ----------
    run : ChunkedEncoder
    sources : iterable of str
        What `read_chain` takes.
    out : Path
        As in `check_out`. What is there is kept where nothing could be tokenized.
    report : Report
        Gets what was written, and each source or chain that could not be, with the reason.
    chain_id : str, optional
        Without it, the first protein chain of each source.
    all_chains : bool
        All protein chains instead.
    on_source : callable
        Called with each source when it has been read.
    inputs, overwrite
        As in `check_out`.

    Raises
    ------
    AtlasError
        If nothing can be written to `out`; what was there is left as it was.
    """
    origin = Origin(run.info, run.numbering, run.dtype)
    files = deque()

    def prepared() -> Iterator[PreparedChain]:
        for source in sources:
            name = printable(source)
            for chain in _read(source, chain_id, all_chains, report):
                try:
                    with _remarks(name, report):
                        ready = run.prepare(chain)
                except Exception as error:
                    report.failures.append((name, printable(chain.chain_id), _said(error)))
                else:
                    files.append(name)
                    yield ready
            on_source(source)

    def rows() -> Iterator[pd.DataFrame]:
        for tokens in run.encode(prepared()):
            report.n_chains += 1
            report.n_residues += len(tokens)
            yield residue_rows(tokens, files.popleft())

    def manifest() -> dict:
        return origin.manifest(report.n_residues, report.n_chains, report.failures)

    check = partial(check_out, out, inputs, overwrite=overwrite)
    write(check(), _tables(rows()), origin.schema(), manifest, check)


def _tables(rows: Iterable[pd.DataFrame]) -> Iterator[pa.Table]:
    """Gather the rows of chains into tables of a good size."""
    waiting, n = [], 0
    for frame in rows:
        waiting.append(frame)
        n += len(frame)
        if n >= _GROUP:
            yield residues_table(waiting)
            waiting, n = [], 0
    if waiting:
        yield residues_table(waiting)


def _read(
    source: str, chain_id: str | None, all_chains: bool, report: Report
) -> Iterator[ProteinChain]:
    """Read a source's chains, parsing it once; what fails is reported and the rest goes on."""
    name, wanted, read = printable(source), [chain_id], partial(read_chain, source)
    try:
        if all_chains:
            with _remarks(name, report):
                structure = open_structure(source)
            wanted, read = structure.chain_ids, structure.read
    except Exception as error:  # a file can be broken in ways that nobody thought of
        report.failures.append((name, "", _said(error)))
        return
    for wanted_id in wanted:
        try:
            with _remarks(name, report):
                chain = read(wanted_id)
        except Exception as error:
            report.failures.append((name, printable(wanted_id or ""), _said(error)))
        else:
            yield chain


@contextmanager
def _remarks(name: str, report: Report) -> Iterator[None]:
    """Keep what is warned of, each remark once."""
    with heard() as told:
        yield
    said = [printable(f"{name}: {message}") for message in told]
    report.remarks += [remark for remark in dict.fromkeys(said) if remark not in report.remarks]


def _said(error: Exception) -> str:
    ours = isinstance(error, EsmExploreError)
    return printable(str(error) if ours else f"{type(error).__name__}: {error}")
