"""``esm-explore atlas``: what codes mean, from many structures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from esm_explore.cli.arguments import AllChains, Device, EncoderName, Numbering, Sources
from esm_explore.cli.rows import write_rows

atlas = typer.Typer(no_args_is_help=True, help="Find out what codes mean, from many structures.")


@atlas.command("build")
def build_command(
    sources: Sources,
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder.")],
    encoder: EncoderName = "mini",
    all_chains: AllChains = False,
    numbering: Numbering = "file",
    device: Device = "cpu",
) -> None:
    """Tokenize structures into an atlas: all residues, and what is known of each code.

    SOURCES can also be .npz files of arrays of chains. What breaks off goes on where it was when
    the same command is given again. An atlas that is at OUT is replaced when the new one is
    complete.

    Status: as of tokenize.
    """
    write_rows(sources, out, encoder, numbering, device, all_chains=all_chains, go_on=True)
