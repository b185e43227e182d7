"""``esm-explore``: the package's verbs from a shell."""

from __future__ import annotations

import typer

from esm_explore.diagnosis.command import doctor_command
from esm_explore.tokenize_command import tokenize_command

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command("tokenize")(tokenize_command)
app.command("doctor")(doctor_command)


@app.callback()
def main() -> None:
    """See what happens between a protein's coordinates and its structure tokens."""
