"""``esm-explore``: the package's verbs from a shell."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Annotated

import typer

from esm_explore.errors import ChainWarning, EncoderError, EsmExploreError

# Each command imports what it needs: torch and esm take seconds, which --help need not.
app = typer.Typer(no_args_is_help=True, add_completion=False)
STATUS = {None: 0, "note": 0, "warning": 1, "error": 2}


@app.callback()
def main() -> None:
    """See what happens between a protein's coordinates and its structure tokens."""


@app.command("tokenize")
def tokenize_command(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Files, directories, patterns in quotes, bundled examples, ids, addresses, or -."
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="A table, FILE.parquet, or a folder for an atlas.")
    ],
    encoder: Annotated[str, typer.Option(help="mini, esm3, untrained, or a file.")] = "mini",
    chain: Annotated[str | None, typer.Option(help="Chain id; the first protein chain.")] = None,
    all_chains: Annotated[bool, typer.Option("--all-chains", help="Every protein chain.")] = False,
    numbering: Annotated[str, typer.Option(help="Residue numbers: file, sequential.")] = "file",
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu",
) -> None:
    """Tokenize structures: one row a residue. Status: 0, 1 if some failed, 2 for none."""
    from rich.console import Console
    from tqdm import tqdm

    from esm_explore.atlas.building import Report, build
    from esm_explore.atlas.writing import check_out
    from esm_explore.encoders.loading import load_encoder
    from esm_explore.sources.directories import find_sources, printable
    from esm_explore.tokens.chunks import ChunkedEncoder

    if chain is not None and all_chains:
        raise typer.BadParameter("give --chain or --all-chains, not both")
    console, report = Console(stderr=True), Report()
    try:
        out = check_out(out)
        run = ChunkedEncoder(load_encoder(encoder, device=device), numbering=numbering)
        sources = find_sources(files, report.failures)
        if str(out) in map(os.path.realpath, sources):
            raise typer.BadParameter(f"{out} is one of the files to read")
        with tqdm(total=len(sources), unit="file", disable=None) as bar:
            build(
                run,
                sources,
                out,
                report,
                chain_id=chain,
                all_chains=all_chains,
                on_source=lambda _: bar.update(),
            )
    except EsmExploreError as error:
        console.print(printable(f"error: {error}"), markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    for remark in report.remarks:
        console.print(remark, style="dim", markup=False, soft_wrap=True)
    if report.failures:
        _print_failures(console, report.failures)
    written = f"{report.n_residues:,} residues of {report.n_chains:,} chains to {out}"
    said = written if report.n_chains else f"nothing to write to {out}"
    console.print(printable(said), markup=False, soft_wrap=True)
    console.print(f"encoder: {run.info.title}", markup=False)
    raise typer.Exit(2 if not report.n_chains else 1 if report.failures else 0)


def _print_failures(console, failures: list[tuple[str, str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{len(failures)} not tokenized", show_lines=True)
    for name in ("file", "chain", "why"):
        table.add_column(name, overflow="fold")
    for row in failures:
        table.add_row(*map(Text, row))
    console.print(table)


@app.command("doctor")
def doctor_command(
    source: Annotated[
        str,
        typer.Argument(
            help="A file, a bundled example, an id, an address, or - for standard input."
        ),
    ],
    chain: Annotated[str | None, typer.Option(help="Chain id; the first protein chain.")] = None,
    model: Annotated[int, typer.Option(help="Model, counted from 1.")] = 1,
    encoder: Annotated[str, typer.Option(help="mini, esm3, untrained, or a file.")] = "mini",
) -> None:
    """Say what could make a chain's tokens misleading. Status: 0, 1 for warnings, 2 for errors."""
    from esm_explore.diagnosis.examination import doctor
    from esm_explore.encoders.loading import load_encoder

    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", ChainWarning)
            report = doctor(source, load_encoder(encoder), chain_id=chain, model=model)
    except EncoderError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    for warning in said:
        typer.echo(f"warning: {warning.message}", err=True)
    typer.echo(repr(report))
    raise typer.Exit(STATUS[report.worst])
