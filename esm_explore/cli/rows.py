"""Residues to a table or an atlas: what ``tokenize`` and ``atlas build`` have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from esm_explore.cli.endings import ended_by_signals, errors_in_a_line
from esm_explore.errors import heard
from esm_explore.outputs import clear_unfinished, printable


def write_rows(
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
    with errors_in_a_line(), ended_by_signals():
        from rich.console import Console

        from esm_explore.atlas.building import build
        from esm_explore.atlas.families import given_families
        from esm_explore.atlas.indexing import index_if_large
        from esm_explore.atlas.opening import read_manifest
        from esm_explore.atlas.origin import Report
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
        if go_on and report.n_chains:
            about = index_if_large(out, read_manifest(out), None)
            if about:
                console.print(printable(about), markup=False, soft_wrap=True)
    raise typer.Exit(2 if not report.n_chains else 1 if report.failures else 0)


def _print_failures(console: Any, failures: list[tuple[str, str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{len(failures)} not tokenized", show_lines=True)
    for name in ("file", "chain", "why"):
        table.add_column(name, overflow="fold")
    for row in failures:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
