"""Structure tokens of many files, one row a residue, in a Parquet file."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import esm
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.atlas.schema import _SCHEMA
from esm_explore.chains.protein_atoms import protein_chains
from esm_explore.chains.reading import read_chain
from esm_explore.chains.sources import locate, printable
from esm_explore.chains.structure_files import read_model
from esm_explore.errors import ChainError, EsmExploreError
from esm_explore.tokens.chunks import ChunkedEncoder, PreparedChain

# Rows in one group of the file: small groups are slow to read.
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


def write_tokens(
    sources: Iterable[str],
    out: Path,
    run: ChunkedEncoder,
    report: Report,
    *,
    chain_id: str | None = None,
    all_chains: bool = False,
    on_source: Callable[[str], None] = lambda source: None,
) -> None:
    """Tokenize sources into one file, which appears when it is complete.

    Parameters
    ----------
    sources : iterable of str
        What `read_chain` takes.
    out : Path
        A Parquet file; one that is there is replaced in one step, and kept where nothing could
        be tokenized. The encoder is a column, and stands in the file's metadata.
    run : ChunkedEncoder
    report : Report
        Gets what was written, and each source or chain that could not be, with the reason.
    chain_id : str, optional
        Without it, the first protein chain of each source.
    all_chains : bool
        All protein chains instead.
    on_source : callable
        Called with each source when it has been read.
    """
    about = {
        "esm_explore.encoder": repr(run.info),
        "esm_explore.numbering": run.numbering,
        "esm_explore.dtype": run.dtype,
        "esm.version": esm.__version__,
    }
    origin = deque()

    def prepared() -> Iterator[PreparedChain]:
        for source in sources:
            name = printable(source)
            for chain in _read(source, chain_id, all_chains, report):
                try:
                    with _remarks(name, report):
                        ready = run.prepare(chain)
                except Exception as error:
                    report.failures.append((name, chain.chain_id, _said(error)))
                else:
                    origin.append(name)
                    yield ready
            on_source(source)

    handle, part = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    os.close(handle)
    try:
        with pq.ParquetWriter(part, _SCHEMA.with_metadata(about)) as writer:
            rows = []
            for tokens in run.encode(prepared()):
                frame = tokens.to_frame().assign(file=origin.popleft(), encoder=run.info.title)
                rows.append(frame)
                report.n_chains += 1
                report.n_residues += len(frame)
                if sum(map(len, rows)) >= _GROUP:
                    _write(writer, rows)
                    rows = []
            if rows:
                _write(writer, rows)
        if report.n_chains:
            os.chmod(part, 0o666 & ~_umask())
            os.replace(part, out)
    finally:
        Path(part).unlink(missing_ok=True)


def _read(
    source: str, chain_id: str | None, all_chains: bool, report: Report
) -> Iterator[ProteinChain]:
    """Read a source's chains; what fails is reported and the rest goes on."""
    try:
        wanted = [chain_id]
        if all_chains:
            _, path, _ = locate(source, None)
            wanted = list(protein_chains(read_model(path).atoms))
            if not wanted:
                raise ChainError("It has no protein chain.")
    except Exception as error:  # a file can be broken in ways that nobody thought of
        report.failures.append((printable(source), "", _said(error)))
        return
    for wanted_id in wanted:
        try:
            with _remarks(printable(source), report):
                chain = read_chain(source, wanted_id)
        except Exception as error:
            report.failures.append((printable(source), wanted_id or "", _said(error)))
        else:
            yield chain


@contextmanager
def _remarks(name: str, report: Report) -> Iterator[None]:
    """Keep what is warned of, each remark once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    said = [printable(f"{name}: {warning.message}") for warning in caught]
    report.remarks += [remark for remark in dict.fromkeys(said) if remark not in report.remarks]


def _said(error: Exception) -> str:
    ours = isinstance(error, EsmExploreError)
    return printable(str(error) if ours else f"{type(error).__name__}: {error}")


def _write(writer: pq.ParquetWriter, rows: list[pd.DataFrame]) -> None:
    frame = pd.concat(rows)[_SCHEMA.names]
    writer.write_table(pa.Table.from_pandas(frame, writer.schema, preserve_index=False))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
