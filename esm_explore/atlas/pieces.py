"""Sources to rows, in pieces that hang on their sources alone, wherever they are made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from esm_explore.atlas.items import Item, remarks, said
from esm_explore.atlas.origin import Report
from esm_explore.atlas.residue_rows import Encoded, residue_rows
from esm_explore.atlas.schema import RESIDUES
from esm_explore.outputs import printable
from esm_explore.tokens.chunks import ChunkedEncoder, PreparedChain

# Sources that are tokenized one after the other, by one process.
_TOGETHER = 32


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows of some sources.

    Attributes
    ----------
    table : Table
        With the columns `RESIDUES`.
    n_items : int
        Of how many sources.
    report : Report
        Of these sources alone.
    """

    table: pa.Table
    n_items: int
    report: Report


def tasks_of(items: list[Item], done: int) -> Iterator[list[Item]]:
    """Cut what is left of the sources, at the same places wherever a build broke off."""
    while done < len(items):
        end = (done // _TOGETHER + 1) * _TOGETHER
        yield items[done:end]
        done = end


def pieces_of(
    run: ChunkedEncoder, items: list[Item], least: int, tick: Callable[[int], object]
) -> Iterator[Piece]:
    """Tokenize the sources of a task, one piece for each `least` rows; `tick` is told of each."""
    while items:
        piece = _piece(run, items, least, tick)
        items = items[piece.n_items :]
        yield piece


def _piece(
    run: ChunkedEncoder, items: list[Item], least: int, tick: Callable[[int], object]
) -> Piece:
    """Tokenize sources until there are `least` rows.

    What is in a piece hangs on its sources alone, to the last bit: chunks do not reach over its
    end.
    """
    waiting: deque[tuple[str, PreparedChain, str]] = deque()
    report = Report()
    read = n = 0

    def prepared() -> Iterator[PreparedChain]:
        nonlocal read, n
        for item in items:
            for chain, dssp in item.read(report):
                try:
                    with remarks(item.file, report):
                        ready = run.prepare(chain)
                except Exception as error:
                    report.failures.append((item.file, printable(chain.chain_id), said(error)))
                else:
                    waiting.append((item.file, ready, dssp))
                    n += len(ready.chain)
                    yield ready
            read += 1
            tick(1)
            if n >= least:
                return

    tables = []
    for tokens in run.encode(prepared()):
        file, ready, dssp = waiting.popleft()
        encoded = Encoded(tokens, ready.rows.numpy(), ready.edges.numpy(), dssp)
        tables.append(residue_rows(encoded, file))
        report.n_chains += 1
        report.n_residues += len(tokens)
    return Piece(pa.concat_tables(tables) if tables else RESIDUES.empty_table(), read, report)
