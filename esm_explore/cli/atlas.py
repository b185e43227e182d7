"""``esm-explore atlas``: what codes mean, from many structures."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from esm_explore.cli.arguments import AllChains, Device, EncoderName, Numbering, Sources
from esm_explore.cli.endings import ended_by_signals, errors_in_a_line
from esm_explore.cli.rows import write_rows
from esm_explore.outputs import printable

atlas = typer.Typer(no_args_is_help=True, help="Find out what codes mean, from many structures.")


class Placing(StrEnum):
    """How codes are placed on a map."""

    umap = "umap"
    pca = "pca"


@atlas.command("build")
def build_command(
    sources: Sources,
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder.")],
    encoder: EncoderName = "mini",
    all_chains: AllChains = False,
    numbering: Numbering = "file",
    families: Annotated[
        Path | None,
        typer.Option(
            help="A CSV file of chain (1UBI_A) and family: a family counts as one chain in what is "
            "said of codes. By default, chains of one sequence are one."
        ),
    ] = None,
    device: Device = "cpu",
) -> None:
    """Tokenize structures into an atlas: all residues, and what is known of each code.

    SOURCES can also be .npz files of arrays of chains. What breaks off goes on where it was when
    the same command is given again. An atlas that is at OUT is replaced when the new one is
    complete.

    Status: as of tokenize.
    """
    chosen = {"all_chains": all_chains, "families": families}
    write_rows(sources, out, encoder, numbering, device, go_on=True, **chosen)


@atlas.command("reference")
def reference_command(
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder.")],
    encoder: EncoderName = "esm3",
    device: Device = "cpu",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Build the atlas of the chains that mini was trained on, for another encoder.

    Says beforehand what is downloaded, and how many hours and how much disk it takes, and asks.

    Status: as of tokenize; 2 where it is not wanted.
    """
    with errors_in_a_line(), ended_by_signals():
        from esm_explore.atlas.reference import CHAINS, costs
        from esm_explore.encoders.loading import load_encoder
        from esm_explore.tokens.chunks import ChunkedEncoder

        for line in costs(ChunkedEncoder(load_encoder(encoder, device=device)), out):
            print(printable(line), file=sys.stderr)
        if not (yes or typer.confirm("Build it?", err=True)):
            raise typer.Exit(2)
    write_rows([str(CHAINS)], out, encoder, "file", device, go_on=True)


@atlas.command("index")
def index_command(
    path: Annotated[Path, typer.Argument(help="The folder of an atlas.")],
) -> None:
    """Make the index of an atlas's latents, with which neighbors are found at once.

    A build makes it of large atlases; one that is there is replaced. Needs usearch.

    Status: 0; 3 if it is no atlas, or the index could not be made.
    """
    with errors_in_a_line(), ended_by_signals():
        from esm_explore.atlas.indexing import said_of
        from esm_explore.atlas.reading import open_atlas

        print(said_of(open_atlas(path).build_index()))


@atlas.command("gallery")
def gallery_command(
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder.")],
    path: Annotated[
        str | None, typer.Option("--atlas", help="An atlas's folder; the bundled one, of mini.")
    ] = None,
    encoder: EncoderName = "mini",
    placing: Annotated[Placing, typer.Option("--map", help="How codes are placed.")] = Placing.umap,
) -> None:
    """Write a page for each code, with a search and a map of all, to be opened from disk.

    OUT/index.html is the first page, OUT/codes/1234.html that of code 1234. A gallery that is at
    OUT is replaced when the new one is complete. ENCODER has to be the atlas's.

    Status: 0; 2 if an argument is wrong; 3 if there is no such atlas, or OUT cannot be written.
    """
    with errors_in_a_line(), ended_by_signals():
        from esm_explore.atlas.reading import open_atlas
        from esm_explore.encoders.loading import load_encoder
        from esm_explore.export.gallery import write_gallery

        opened = open_atlas(path)
        index = write_gallery(opened, load_encoder(encoder), out, placing.name.upper())
        print(printable(f"{len(opened.codes):,} codes to {index}"))
        print(printable(f"encoder: {opened.manifest['encoder']['title']}"))
