"""``esm-explore doctor``: the report in a shell, and in its exit status."""

from __future__ import annotations

from typing import Annotated

import typer

from esm_explore.diagnosis.examination import doctor
from esm_explore.encoders import load_encoder
from esm_explore.errors import EncoderError

STATUS = {None: 0, "note": 0, "warning": 1, "error": 2}


def doctor_command(
    source: Annotated[str, typer.Argument(help="A file, a bundled example, or an id.")],
    chain: Annotated[str | None, typer.Option(help="Chain id; the first protein chain.")] = None,
    model: Annotated[int, typer.Option(help="Model, counted from 1.")] = 1,
    encoder: Annotated[str, typer.Option(help="mini, esm3, untrained, or a file.")] = "mini",
) -> None:
    """Say what could make a chain's tokens misleading. Status: 0, 1 for warnings, 2 for errors."""
    try:
        report = doctor(source, load_encoder(encoder), chain_id=chain, model=model)
    except EncoderError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(repr(report))
    raise typer.Exit(STATUS[report.worst])
