"""Arguments that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Sources = Annotated[
    list[str],
    typer.Argument(
        help="Files, directories, patterns in quotes, bundled examples, ids, addresses, or -."
    ),
]
EncoderName = Annotated[str, typer.Option(help="mini, esm3, untrained, or a file.")]
AllChains = Annotated[bool, typer.Option("--all-chains", help="Every protein chain.")]
Numbering = Annotated[str, typer.Option(help="Residue numbers: file, sequential.")]
Device = Annotated[str, typer.Option(help="cpu, or cuda.")]
