"""``esm-explore``: the package's verbs from a shell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from esm_explore.cli.arguments import AllChains, Device, EncoderName, Numbering, Sources
from esm_explore.cli.atlas import atlas
from esm_explore.cli.endings import NOT_WRITTEN, ended_by_signals, errors_in_a_line
from esm_explore.cli.export import export_command, report_command
from esm_explore.cli.rows import write_rows
from esm_explore.errors import heard
from esm_explore.outputs import printable

# Each command imports what it needs: torch and esm take seconds, which --help need not.
app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(atlas, name="atlas")
app.command("export")(export_command)
app.command("report")(report_command)
STATUS = {None: 0, "note": 0, "warning": 1, "error": 2}


@app.callback()
def main() -> None:
    """See what happens between a protein's coordinates and its structure tokens."""


@app.command("tokenize")
def tokenize_command(
    files: Sources,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="A table, FILE.parquet, or a folder for an atlas.")
    ],
    encoder: EncoderName = "mini",
    chain: Annotated[str | None, typer.Option(help="Chain id; the first protein chain.")] = None,
    all_chains: AllChains = False,
    numbering: Numbering = "file",
    device: Device = "cpu",
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
    write_rows(files, out, encoder, numbering, device, overwrite=overwrite, **chosen)


@app.command("doctor")
def doctor_command(
    source: Annotated[
        str,
        typer.Argument(
            help="A file, a bundled example, an id, an address, or - for standard input."
        ),
    ],
    chain: Annotated[
        str | None, typer.Option(help="Chain id, or A,B for several as one input; the first chain.")
    ] = None,
    model: Annotated[int, typer.Option(help="Model, counted from 1.")] = 1,
    encoder: EncoderName = "mini",
) -> None:
    """Say what could make a chain's tokens misleading.

    Status: 0; 1 for warnings; 2 for errors; 3 if the report could not be written.
    """
    with errors_in_a_line():
        from esm_explore.chains.complexes import read_chosen
        from esm_explore.diagnosis.examination import doctor
        from esm_explore.encoders.loading import load_encoder

        with heard() as said:
            loaded = load_encoder(encoder)
            if chain is not None and "," in chain:
                report = doctor(read_chosen(source, chain, model=model), loaded)
            else:
                report = doctor(source, loaded, chain_id=chain, model=model)
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
        typer.Option(
            help="Chain id, or A,B for several as one input; once for all or once for each; the "
            "first chain."
        ),
    ] = None,
    model: Annotated[
        list[int] | None, typer.Option(help="Model, counted from 1; as often as --chain.")
    ] = None,
    encoder: EncoderName = "mini",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of the server; a free one.")] = 0,
) -> None:
    """Open the inspector in a browser, without a notebook.

    The page is served by this machine, to this machine, until Ctrl-C.

    Status: 0; 2 if an argument is wrong, or Voila is not installed.
    """
    with errors_in_a_line(), ended_by_signals():
        from esm_explore.widgets.serving import serve_inspector

        serve_inspector(
            sources,
            chain or (),
            model or (),
            encoder=encoder,
            port=port,
            open_browser=not no_browser,
        )
