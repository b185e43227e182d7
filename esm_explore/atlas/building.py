"""Structure tokens of many sources, one row a residue, in a Parquet file or an atlas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from esm.models.vqvae import StructureTokenEncoder
from tqdm import tqdm

from esm_explore.arguments import as_path, check_kind, wrong
from esm_explore.atlas.codes import codes_table
from esm_explore.atlas.families import given_families
from esm_explore.atlas.indexing import index_if_large
from esm_explore.atlas.items import digest_of, items_of
from esm_explore.atlas.origin import Origin, Report
from esm_explore.atlas.output import Output
from esm_explore.atlas.pieces import Piece, pieces_of, tasks_of
from esm_explore.atlas.reading import Atlas, open_atlas
from esm_explore.atlas.workers import check_client, pieces_from
from esm_explore.atlas.writing import check_out
from esm_explore.chains.residues import Numbering
from esm_explore.errors import AtlasError, warn
from esm_explore.sources.directories import find_sources
from esm_explore.sources.fetching import fetched_ahead
from esm_explore.sources.locating import local_file
from esm_explore.tokens.chunks import ChunkedEncoder

# Rows in one group of a file, or in one part of an atlas: small ones are slow to read, and what
# was killed begins again with the part that it was at.
_GROUP = 50_000


def build_atlas(
    encoder: StructureTokenEncoder,
    sources: object,
    out: object,
    *,
    all_chains: bool = False,
    numbering: Numbering = "file",
    families: object = None,
    client: object = None,
    progress: bool | None = None,
) -> Atlas:
    """Tokenize structures into an atlas: all residues, and what is known of each code.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        From `load_encoder`, or any of esm's. It is never changed.
    sources : str, path, or list of them
        What `read_chain` takes, directories (all structure files in them), patterns such as
        ``"models/*.cif"``, text files of ids, one on each line (of the PDB, with a chain as in
        ``1UBI_A`` or without, and of the AlphaFold DB), and ``.npz`` files of arrays of chains.
    out : str or path
        A folder: new, empty, an atlas, which is replaced when the new one is complete, or one
        in which the same build broke off, which goes on.
    all_chains : bool
        Every protein chain of a source, not the first alone. Of arrays it is always all.
    numbering : {"file", "sequential"}
        Which residue numbers the encoder sees, as in `trace`.
    families : mapping of str to str, or path, optional
        ``structure_chain``, such as ``"1UBI_A"``, to family, or a CSV file of two columns, chain
        and family: in what is said of codes a family counts as one chain. Chains that are not
        named are of one family where their sequences are the same.
    client : dask.distributed.Client, optional
        Let the workers of a cluster tokenize; they need the same packages, and see the same files.
        Without it, this process does.
    progress : bool, optional
        Show sources done, their rate and the time left; by default where a terminal shows it.

    Returns
    -------
    Atlas
        What could not be read or tokenized is in ``atlas.manifest["failures"]``, what reading
        chose or left out in ``atlas.manifest["remarks"]``.

    Raises
    ------
    AtlasError
        If nothing could be tokenized, something else is at `out`, another process builds there, or
        it cannot be written; what was there is left as it was, and the parts that are done wait
        for the next call. If the families cannot be read.
    TraceError
        If an argument is none of these.

    Warns
    -----
    ChainWarning
        In one message, that some sources failed; that families are of chains that are not there.

    Notes
    -----
    Without an index, memory does not grow with the number of residues. What is killed, at any
    moment, goes on where it was when it is called again with the same encoder, sources and
    settings, and has the same rows in the end. From 100,000 residues on, an index of latents is
    made when the rest is done, if usearch is installed; see `Atlas.build_index`.

    Examples
    --------
    >>> import esm_explore as ex, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     atlas = ex.build_atlas(ex.load_encoder(), ["1UBI", "1AS5"], f"{folder}/atlas")
    ...     len(atlas.residues())
    100
    """
    given = [sources] if isinstance(sources, str | Path) else sources
    if not isinstance(given, list | tuple) or not all(isinstance(g, str | Path) for g in given):
        raise wrong(sources, "sources", "a path, name or id, or a list of them")
    check_kind(all_chains, bool, "all_chains", "True or False")
    check_kind(progress, bool | None, "progress", "True, False or None")
    by_chain = given_families(families)
    if client is not None:
        check_client(client)
    run, report = ChunkedEncoder(encoder, numbering=numbering), Report()
    out = check_out(as_path(out, "out"), go_on=True)
    found = find_sources(map(str, given), report.failures, out)
    inputs = [path for source in found if (path := local_file(source))]
    options: dict[str, Any] = {"inputs": inputs, "go_on": True, "progress": progress}
    options |= {"families": by_chain, "client": client}
    build(run, found, out, report, all_chains=all_chains, **options)
    if not report.n_chains:
        why = "; ".join(f"{file}: {message}" for file, _, message in report.failures[:3])
        raise AtlasError(
            f"Nothing could be tokenized, and {out} is as it was ({why or 'no sources'})."
        )
    if report.failures:
        warn(
            f"{len(report.failures)} sources or chains could not be tokenized; they are in "
            'atlas.manifest["failures"].'
        )
    atlas = open_atlas(out)
    index_if_large(out, atlas.manifest, progress)
    return atlas


def build(
    run: ChunkedEncoder,
    sources: Iterable[str],
    out: Path,
    report: Report,
    *,
    chain_id: str | None = None,
    all_chains: bool = False,
    inputs: Iterable[Path] = (),
    overwrite: bool = False,
    go_on: bool = False,
    families: Mapping[str, str] | None = None,
    client: object = None,
    progress: bool | None = False,
) -> None:
    """Tokenize sources into one table or one atlas, which appears when it is complete.

    Parameters
    ----------
    run : ChunkedEncoder
    sources : iterable of str
        What `read_chain` takes, and array files.
    out : Path
        As in `check_out`. What is there is kept where nothing could be tokenized.
    report : Report
        Gets what was written, and each source or chain that could not be, with the reason.
    chain_id : str, optional
        Without it, the first protein chain of each source.
    all_chains : bool
        All protein chains instead.
    inputs, overwrite
        As in `check_out`.
    go_on : bool
        Keep what is done where it breaks off, and begin with what was kept; for atlases.
    families : mapping of str to str, optional
        Of chains, as `given_families` takes them.
    client, progress
        As in `build_atlas`.

    Raises
    ------
    AtlasError
        If nothing can be written to `out`; what was there is left as it was.
    """
    origin = Origin(run.info, run.numbering, run.dtype)
    items = items_of(sources, report, chain_id=chain_id, all_chains=all_chains)
    check = partial(check_out, out, inputs, overwrite=overwrite, go_on=go_on)
    plan = {
        **{"sources": digest_of(items), "encoder": run.info.digest},
        **{"numbering": run.numbering, "dtype": run.dtype},
    }
    with Output(check(), origin.schema(), check, plan if go_on else None) as output:
        for state in output.done:
            _go_on(report, state)
        done = output.done[-1]["items"] if output.done else 0
        hidden = None if progress is None else not progress
        with tqdm(total=len(items), initial=done, unit="source", disable=hidden) as bar:
            tasks = fetched_ahead(
                tasks_of(items, done), lambda task: [item.source for item in task]
            )
            if client is None:
                pieces: Iterator[Piece] = (
                    p for t in tasks for p in pieces_of(run, t, _GROUP, bar.update)
                )
            else:
                pieces = pieces_from(client, run, tasks, _GROUP, bar.update)
            for part in _parts(pieces):
                failed, told, n = len(report.failures), len(report.remarks), report.n_chains
                for piece in part:
                    done += piece.n_items
                    _add(report, piece.report)
                table = pa.concat_tables([piece.table for piece in part])
                state = {
                    **{"items": done, "chains": report.n_chains - n, "rows": len(table)},
                    "failures": report.failures[failed:],
                    "remarks": report.remarks[told:],
                }
                if len(table):
                    output.write(table, state)
        if report.n_chains:
            manifest = origin.manifest(report)
            codebook = run.codebook.cpu().numpy()
            output.finish(manifest, partial(codes_table, codebook=codebook, families=families))


def _add(report: Report, new: Report) -> None:
    report.n_chains += new.n_chains
    report.n_residues += new.n_residues
    report.failures += new.failures
    report.remarks += [remark for remark in new.remarks if remark not in report.remarks]


def _go_on(report: Report, state: dict) -> None:
    report.n_chains += state["chains"]
    report.n_residues += state["rows"]
    report.failures += [tuple(failure) for failure in state["failures"]]
    report.remarks += state["remarks"]


def _parts(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Gather pieces until there are rows for a part."""
    part: list[Piece] = []
    for piece in pieces:
        part.append(piece)
        if sum(len(one.table) for one in part) >= _GROUP:
            yield part
            part = []
    if part:
        yield part
