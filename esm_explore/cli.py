"""``esm-explore``: the package's verbs from a shell."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from esm_explore.errors import AtlasError, EsmExploreError, heard
from esm_explore.outputs import clear_unfinished, printable

# Each command imports what it needs: torch and esm take seconds, which --help need not.
app = typer.Typer(no_args_is_help=True, add_completion=False)
atlas = typer.Typer(no_args_is_help=True, help="Find out what codes mean, from many structures.")
app.add_typer(atlas, name="atlas")
STATUS = {None: 0, "note": 0, "warning": 1, "error": 2}
NOT_WRITTEN = 3


@app.callback()
def main() -> None:
    """See what happens between a protein's coordinates and its structure tokens."""


_Sources = Annotated[
    list[str],
    typer.Argument(
        help="Files, directories, patterns in quotes, bundled examples, ids, addresses, or -."
    ),
]
_EncoderName = Annotated[str, typer.Option(help="mini, esm3, untrained, or a file.")]
_AllChains = Annotated[bool, typer.Option("--all-chains", help="Every protein chain.")]
_Numbering = Annotated[str, typer.Option(help="Residue numbers: file, sequential.")]
_Device = Annotated[str, typer.Option(help="cpu, or cuda.")]


@app.command("tokenize")
def tokenize_command(
    files: _Sources,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="A table, FILE.parquet, or a folder for an atlas.")
    ],
    encoder: _EncoderName = "mini",
    chain: Annotated[str | None, typer.Option(help="Chain id; the first protein chain.")] = None,
    all_chains: _AllChains = False,
    numbering: _Numbering = "file",
    device: _Device = "cpu",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace FILE.parquet also if it is another's.")
    ] = False,
) -> None:
    """Tokenize structures: one row a residue.

    What is at OUT is replaced if it is a table or an atlas of this program, when the new one is
    complete; never one of the files that are read.

    Status: 0; 1 if some failed; 2 if nothing was tokenized, or an argument is wrong; 3 if OUT
    could not be written, or is not to be replaced. There is a new OUT for 0 and 1 alone.
    """
    if chain is not None and all_chains:
        raise typer.BadParameter("give --chain or --all-chains, not both")
    chosen = {"chain_id": chain, "all_chains": all_chains}
    _write_rows(files, out, encoder, numbering, device, overwrite=overwrite, **chosen)


@atlas.command("build")
def build_command(
    sources: _Sources,
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder.")],
    encoder: _EncoderName = "mini",
    all_chains: _AllChains = False,
    numbering: _Numbering = "file",
    families: Annotated[
        Path | None,
        typer.Option(
            help="A CSV file of chain (1UBI_A) and family: a family counts as one chain in what is "
            "said of codes. By default, chains of one sequence are one."
        ),
    ] = None,
    device: _Device = "cpu",
) -> None:
    """Tokenize structures into an atlas: all residues, and what is known of each code.

    SOURCES can also be .npz files of arrays of chains. What breaks off goes on where it was when
    the same command is given again. An atlas that is at OUT is replaced when the new one is
    complete.

    Status: as of tokenize.
    """
    chosen = {"all_chains": all_chains, "families": families}
    _write_rows(sources, out, encoder, numbering, device, go_on=True, **chosen)


def _write_rows(
    files: list[str],
    out: Path,
    encoder: str,
    numbering: str,
    device: str,
    *,
    overwrite: bool = False,
    go_on: bool = False,
    families: Path | None = None,
    **chosen: object,
) -> None:
    """Tokenize into a table or an atlas, say what became of it, and end with a status."""
    with _errors_in_a_line(), _ended_by_signals():
        from rich.console import Console

        from esm_explore.atlas.building import build
        from esm_explore.atlas.families import given_families
        from esm_explore.atlas.schema import Report
        from esm_explore.atlas.writing import check_out
        from esm_explore.encoders.loading import load_encoder
        from esm_explore.sources.directories import find_sources
        from esm_explore.sources.locating import local_file
        from esm_explore.tokens.chunks import ChunkedEncoder

        console, report = Console(stderr=True), Report()
        given = [path for source in (*files, encoder) if (path := local_file(source))]
        given += [families] if families else []
        chosen["families"] = given_families(families)
        rules = {"overwrite": overwrite, "go_on": go_on}
        out = check_out(out, given, **rules)
        clear_unfinished(out.parent)
        sources = find_sources(files, report.failures, out)
        inputs = given + [path for source in sources if (path := local_file(source))]
        check_out(out, inputs, **rules)
        with heard() as told:
            run = ChunkedEncoder(load_encoder(encoder, device=device), numbering=numbering)
        build(run, sources, out, report, inputs=inputs, progress=None, **rules, **chosen)
        for remark in [*told, *report.remarks]:
            console.print(printable(remark), style="dim", markup=False, soft_wrap=True)
        if report.failures:
            _print_failures(console, report.failures)
        written = f"{report.n_residues:,} residues of {report.n_chains:,} chains to {out}"
        said = written if report.n_chains else f"nothing to write to {out}"
        console.print(printable(said), markup=False, soft_wrap=True)
        console.print(printable(f"encoder: {run.info.title}"), markup=False, soft_wrap=True)
    raise typer.Exit(2 if not report.n_chains else 1 if report.failures else 0)


@contextmanager
def _errors_in_a_line() -> Iterator[None]:
    """End with one line on stderr and a status, for all that can be wrong with what was given."""
    try:
        yield
    except (EsmExploreError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        raise typer.Exit(NOT_WRITTEN if isinstance(error, AtlasError) else 2) from error


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the program as an exception does, so that it clears up.

    A second one ends it at once.
    """

    def end(number: int, _) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # What is ignored, as under nohup, stays so. Handlers can be set in the main thread alone.
    numbers = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _print_failures(console, failures: list[tuple[str, str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{len(failures)} not tokenized", show_lines=True)
    for name in ("file", "chain", "why"):
        table.add_column(name, overflow="fold")
    for row in failures:
        table.add_row(*(Text(printable(cell)) for cell in row))
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
    encoder: _EncoderName = "mini",
) -> None:
    """Say what could make a chain's tokens misleading.

    Status: 0; 1 for warnings; 2 for errors; 3 if the report could not be written.
    """
    with _errors_in_a_line():
        from esm_explore.diagnosis.examination import doctor
        from esm_explore.encoders.loading import load_encoder

        with heard() as said:
            report = doctor(source, load_encoder(encoder), chain_id=chain, model=model)
    for message in said:
        print(printable(f"warning: {message}"), file=sys.stderr)
    try:
        for line in repr(report).split("\n"):
            print(printable(line))
        sys.stdout.flush()
    except OSError as error:
        print(f"error: the report could not be written ({error}).", file=sys.stderr)
        raise typer.Exit(NOT_WRITTEN) from error
    raise typer.Exit(STATUS[report.worst])


@app.command("inspect")
def inspect_command(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files, bundled examples, ids, addresses, or -. Two are shown side by side."
        ),
    ],
    chain: Annotated[
        list[str] | None,
        typer.Option(help="Chain id, once for all or once for each; the first protein chain."),
    ] = None,
    model: Annotated[
        list[int] | None, typer.Option(help="Model, counted from 1; as often as --chain.")
    ] = None,
    encoder: _EncoderName = "mini",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of the server; a free one.")] = 0,
) -> None:
    """Open the inspector in a browser, without a notebook.

    The page is served by this machine, to this machine, until Ctrl-C.

    Status: 0; 2 if an argument is wrong, or Voila is not installed.
    """
    with _errors_in_a_line(), _ended_by_signals():
        from esm_explore.widgets.serving import serve_inspector

        serve_inspector(
            sources,
            chain or (),
            model or (),
            encoder=encoder,
            port=port,
            open_browser=not no_browser,
        )
