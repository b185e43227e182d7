"""`report`: all that is known of a chain's tokens, as one page for people without Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.analysis.annotations import annotate
from esm_explore.atlas.belonging import is_of
from esm_explore.atlas.reading import Atlas, open_atlas
from esm_explore.chains.complexes import Complex
from esm_explore.chains.reading import read_chain
from esm_explore.diagnosis.examination import examine
from esm_explore.encoders.loading import load_encoder
from esm_explore.escaping import for_html
from esm_explore.text_files import check_place
from esm_explore.tracing.tracer import trace
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.inspecting import inspect
from esm_explore.widgets.offline_page import MARK

_STYLE = """<style>
.esm-explore-report { max-width: 1200px; margin: 24px auto; }
.esm-explore-report h2 { font-size: 17px; padding-top: 12px; }
.esm-explore-report h2 { border-top: 1px solid rgb(128 128 128 / 40%); }
.esm-explore-report > div { max-height: 80vh; overflow: auto; }
.esm-explore-report table { border-collapse: collapse; }
.esm-explore-report :is(th, td) { padding: 2px 8px; text-align: left; vertical-align: top; }
.esm-explore-report > div:first-of-type table { min-width: 700px; }
.esm-explore-report td:last-child:not(:first-child) { min-width: 12em; }
.esm-explore-report tbody tr:nth-child(odd) { background: rgb(128 128 128 / 12%); }
</style>"""


def report(
    what: object,
    path: str | Path,
    *,
    encoder: StructureTokenEncoder | None = None,
    chain_id: str | None = None,
    model: int = 1,
) -> Path:
    """Write one offline page: the inspector, the doctor's report, stages, codes and residues.

    The page is the inspector's (`Inspector.to_html`): clicks are answered without Python. Below it
    stand what `doctor` found, the stages, a line from the atlas for each code that the chain has,
    and a table of all residues. Takes some 0.3 s a residue, with a progress bar.

    Parameters
    ----------
    what : Trace, ProteinChain, Complex or object
        A trace, a chain, a complex, or what `read_chain` takes.
    path : str or Path
        What is there is replaced if it is a page of this program.
    encoder : StructureTokenEncoder, optional
        Of a chain or source; the bundled mini without it. A trace has its own.
    chain_id, model
        As in `read_chain`; only where `what` is no chain and no trace.

    Returns
    -------
    Path

    Raises
    ------
    ChainError
        If the source cannot be read.
    TraceError
        If a trace has no encoder, or the file cannot be written.
    """
    check_place(path, MARK)
    if isinstance(what, Trace):
        traced = what
    else:
        given = isinstance(what, ProteinChain | Complex)
        chain = what if given else read_chain(what, chain_id, model=model)
        traced = trace(encoder or load_encoder(), chain)
    sections = _STYLE + '<main class="esm-explore-report">'
    for title, write in _SECTIONS.items():
        sections += f"<h2>{title}</h2><div>{write(traced)}</div>"
    return inspect(traced).to_html(path, below=f"{sections}</main>")


def _codes(traced: Trace) -> str:
    """Write a line for each code of the chain, with what the atlas says of it."""
    atlas = open_atlas()
    framed = np.flatnonzero(traced.has_frame)
    codes = pd.Series(framed).groupby(traced.tokens[framed])
    rows: list[dict[str, Any]] = [
        {
            "code": int(code),
            "residues": ", ".join(traced.labels[i] for i in places),
            "mean margin": f"{traced.nearest.margin[places].mean():.3f}",
        }
        for code, places in codes
    ]
    if not is_of(atlas.manifest["encoder"], traced.encoder_info):
        said = (
            f"The bundled atlas is of {atlas.manifest['encoder']['title']}, and says nothing of "
            f"codes of {traced.encoder_info.title}: build one of this encoder (docs/atlas.md)."
        )
        return f"<p>{for_html(said)}</p>{_table(rows)}"
    for row in rows:
        row["what it means, by the atlas"] = atlas.code(row["code"]).description
    return f"<p>{for_html(_about(atlas))}</p>{_table(rows)}"


def _about(atlas: Atlas) -> str:
    counts = atlas.manifest["counts"]
    return (
        f"Atlas of {atlas.manifest['encoder']['title']}: {counts['residues']:,} residues of "
        f"{counts['chains']:,} chains."
    )


def _residues(traced: Trace) -> str:
    known = annotate(traced.chain)
    runner_up = traced.nearest.codes[:, 1]
    rows = [
        {
            **{"residue": traced.labels[i], "name": name, "structure": structure},
            "burial (CA within 10 Å)": "" if np.isnan(burial) else int(burial),
            "token": int(traced.tokens[i]) if framed else "no backbone frame",
            "runner-up": int(runner_up[i]) if framed else "",
            "margin": f"{traced.nearest.margin[i]:.3f}" if framed else "",
        }
        for i, (name, structure, burial, framed) in enumerate(
            zip(
                traced.to_frame()["name"],
                known["secondary_structure"],
                known["burial"],
                traced.has_frame,
                strict=True,
            )
        )
        if not traced.breaks[i]
    ]
    return _table(rows)


def _table(rows: list[dict]) -> str:
    safe = [{key: for_html(value) for key, value in row.items()} for row in rows]
    return pd.DataFrame(safe).to_html(index=False, border=0, escape=False)


_SECTIONS: dict[str, Callable[[Trace], str]] = {
    "What could make these tokens misleading": lambda traced: examine(traced)._repr_html_(),
    "The stages": lambda traced: traced._repr_html_(),
    "The codes": _codes,
    "The residues": _residues,
}
