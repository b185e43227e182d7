"""Structure tokens of many sources, one row a residue, in a Parquet file or an atlas."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from esm.models.vqvae import StructureTokenEncoder
from tqdm import tqdm

from esm_explore.arguments import as_path, check_kind, wrong
from esm_explore.atlas.codes import codes_table
from esm_explore.atlas.families import given_families
from esm_explore.atlas.items import Item, digest_of, items_of, remarks, said
from esm_explore.atlas.output import Output
from esm_explore.atlas.reading import Atlas, open_atlas
from esm_explore.atlas.schema import RESIDUES, Encoded, Origin, Report, residue_rows
from esm_explore.atlas.writing import check_out
from esm_explore.chains.residues import Numbering
from esm_explore.encoders.codebook import squared_distances, take_nearest
from esm_explore.encoders.modes import plain_float32
from esm_explore.errors import AtlasError, warn
from esm_explore.outputs import printable
from esm_explore.sources.directories import find_sources
from esm_explore.sources.locating import local_file
from esm_explore.tokens.chunks import ChunkedEncoder, PreparedChain

# Rows in one group of a file, or in one part of an atlas: small ones are slow to read, and what
# was killed begins again with the part that it was at.
_GROUP = 50_000
# Residues that are compared with all codes at a time.
_ROWS = 1_000


def build_atlas(
    encoder: StructureTokenEncoder,
    sources: object,
    out: object,
    *,
    all_chains: bool = False,
    numbering: Numbering = "file",
    families: object = None,
    progress: bool | None = None,
) -> Atlas:
    """Tokenize structures into an atlas: all residues, and what is known of each code.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        From `load_encoder`, or any of esm's. It is never changed.
    sources : str, path, or list of them
        What `read_chain` takes, directories (all structure files in them), patterns such as
        ``"models/*.cif"``, and ``.npz`` files of arrays of chains.
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
    Memory does not grow with the number of residues. What is killed, at any moment, goes on where
    it was when it is called again with the same encoder, sources and settings, and has the same
    rows in the end.

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
    run, report = ChunkedEncoder(encoder, numbering=numbering), Report()
    out = check_out(as_path(out, "out"), go_on=True)
    found = find_sources(map(str, given), report.failures, out)
    inputs = [path for source in found if (path := local_file(source))]
    options = {"inputs": inputs, "go_on": True, "progress": progress, "families": by_chain}
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
    return open_atlas(out)


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
    progress : bool, optional
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
            while done < len(items):
                failed, told, n = len(report.failures), len(report.remarks), report.n_chains
                table, read = _part(run, items[done:], report, bar)
                done += read
                state = {
                    **{"items": done, "chains": report.n_chains - n, "rows": len(table)},
                    "failures": report.failures[failed:],
                    "remarks": report.remarks[told:],
                }
                if len(table):
                    output.write(table, state)
        if report.n_chains:
            manifest = origin.manifest(report)
            codebook = run.codes.cpu().numpy()
            output.finish(manifest, partial(codes_table, codebook=codebook, families=families))


def _go_on(report: Report, state: dict) -> None:
    report.n_chains += state["chains"]
    report.n_residues += state["rows"]
    report.failures += [tuple(failure) for failure in state["failures"]]
    report.remarks += state["remarks"]


def _part(
    run: ChunkedEncoder, items: list[Item], report: Report, bar: tqdm
) -> tuple[pa.Table, int]:
    """Tokenize sources until there are rows for a part; gives them and how many sources it took.

    What is in a part hangs on its sources alone, to the last bit: chunks do not reach over its end.
    """
    waiting: deque[tuple[str, PreparedChain, str]] = deque()
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
            bar.update()
            if n >= _GROUP:
                return

    tables = []
    for tokens in run.encode(prepared()):
        file, ready, dssp = waiting.popleft()
        runner_up = _runner_up(run.codes, tokens.pre_vq)
        encoded = Encoded(tokens, runner_up, ready.rows.numpy(), ready.edges.numpy(), dssp)
        tables.append(residue_rows(encoded, file))
        report.n_chains += 1
        report.n_residues += len(tokens)
    return pa.concat_tables(tables) if tables else RESIDUES.empty_table(), read


def _runner_up(codes: torch.Tensor, latents: np.ndarray) -> np.ndarray:
    """Find the second nearest code of each latent, shape=(L,), dtype=int64."""
    found = []
    with plain_float32(codes.device):
        for rows in torch.from_numpy(latents).to(codes.device).split(_ROWS):
            squared = squared_distances(codes, rows)
            take_nearest(squared)
            found.append(squared.argmin(dim=1).cpu())
    return torch.cat(found).numpy()
