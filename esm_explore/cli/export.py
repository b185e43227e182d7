"""``esm-explore export`` and ``report``: results for other programs, and for other people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from esm_explore.cli.arguments import Device, EncoderName, Numbering
from esm_explore.cli.endings import errors_in_a_line
from esm_explore.errors import heard
from esm_explore.outputs import printable

_Source = Annotated[str, typer.Argument(help="A file, a bundled example, an id, an address, or -.")]
_Chain = Annotated[
    str | None, typer.Option(help="Chain id, or A,B for several as one input; the first chain.")
]
_Model = Annotated[int, typer.Option(help="Model, counted from 1.")]


def export_command(
    source: _Source,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="A file; its end is the format: .defattr .cxc (ChimeraX), .pml (PyMOL), .pdb "
            ".cif (B factors), .mvsj (Mol*), .fasta, .csv, .parquet, .h5ad, .png, .svg.",
        ),
    ],
    value: Annotated[
        str, typer.Option(help="token, margin, secondary_structure, burial, amino_acid, or 3di.")
    ] = "token",
    chain: _Chain = None,
    model: _Model = 1,
    encoder: EncoderName = "mini",
    numbering: Numbering = "file",
    device: Device = "cpu",
) -> None:
    """Write a value of each residue for another program.

    What is at OUT is replaced if it is such a file of this program.

    Status: 0; 2 if an argument is wrong, SOURCE cannot be read, or OUT not written.
    """
    with errors_in_a_line():
        from esm_explore.chains.complexes import read_chosen
        from esm_explore.encoders.loading import load_encoder
        from esm_explore.export.writing import residues
        from esm_explore.tracing.tracer import trace

        with heard() as said:
            read = read_chosen(source, chain, model=model)
            traced = trace(load_encoder(encoder, device=device), read, numbering=numbering)
            residues(traced, out, value)
    for message in said:
        typer.echo(printable(f"warning: {message}"), err=True)
    typer.echo(printable(f"{value} of {traced.title} to {out}"))
    typer.echo(printable(f"encoder: {traced.encoder_info.title}"))


def report_command(
    source: _Source,
    out: Annotated[Path, typer.Option("-o", "--out", help="A page, such as report.html.")],
    chain: _Chain = None,
    model: _Model = 1,
    encoder: EncoderName = "mini",
    device: Device = "cpu",
) -> None:
    """Write one offline page of a chain: inspector, doctor, stages, codes and residues.

    A page of this program that is at OUT is replaced.

    Status: 0; 2 if an argument is wrong, SOURCE cannot be read, or OUT not written.
    """
    with errors_in_a_line():
        from esm_explore.chains.complexes import read_chosen
        from esm_explore.encoders.loading import load_encoder
        from esm_explore.export.reports import report

        loaded = load_encoder(encoder, device=device)
        with heard() as said:
            report(read_chosen(source, chain, model=model), out, encoder=loaded)
    for message in said:
        typer.echo(printable(f"warning: {message}"), err=True)
    typer.echo(printable(f"report of {source} to {out}"))
