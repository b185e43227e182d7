"""`doctor`: a report of all that could make a chain's tokens misleading, worst first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.complexes import Complex
from esm_explore.chains.joined import separate_parts
from esm_explore.chains.reading import parsed
from esm_explore.chains.residues import Numbering
from esm_explore.diagnosis.chain_findings import findings_of_chain
from esm_explore.diagnosis.interface_findings import interface_findings
from esm_explore.diagnosis.token_findings import token_findings
from esm_explore.encoders.identity import has_changed
from esm_explore.encoders.loading import load_encoder
from esm_explore.errors import ChainError, TraceError, heard
from esm_explore.findings import Finding, Report
from esm_explore.sources.locating import locate
from esm_explore.tracing.tracer import trace
from esm_explore.tracing.traces import Trace


def doctor(
    what: object,
    encoder: StructureTokenEncoder | None = None,
    *,
    chain_id: str | None = None,
    model: int = 1,
    numbering: Numbering = "file",
) -> Report:
    """Look for all that could make a chain's tokens misleading.

    Parameters
    ----------
    what : ProteinChain, Complex, Trace or object
        A chain, a complex, a trace, or what `read_chain` takes. A chain that `read_chain` made
        still knows what else its file held; another does not.
    encoder : StructureTokenEncoder, optional
        Whose tokens are meant; the bundled mini without it, and of a trace its own. The title
        says which it was.
    chain_id, model
        As in `read_chain`; only where `what` is no chain and no trace.
    numbering : {"file", "sequential"}
        As in `trace`; a trace has its own.

    Returns
    -------
    Report
        Findings, worst first, each with its residues, why it matters for tokens and what to do:
        text, a table (``to_frame()``), and HTML in a notebook. What cannot be read or encoded is
        an error in the report, not an exception.

    Raises
    ------
    EncoderError
        If the encoder cannot be loaded.

    Examples
    --------
    >>> report = doctor("4ZHL")
    >>> report.worst
    'warning'
    >>> print(report[0].title)
    numbering="sequential" changes 77 of 247 tokens
    """
    if isinstance(what, Trace):
        return examine(what)
    if isinstance(what, ProteinChain | Complex):
        chain = what
    else:
        try:
            # What is said of a download or a cache is in no finding.
            source = locate(what, chain_id)
            with heard():
                chain = parsed(source, model).read(chain_id)
        except ChainError as error:
            named = str(what) if isinstance(what, str | os.PathLike) else type(what).__name__
            return Report(named, [_refused("cannot be read", error)])
    if encoder is None:
        encoder = load_encoder()
    try:
        with heard():
            traced = trace(encoder, chain, numbering=numbering)
    except TraceError as error:
        if isinstance(chain, Complex):
            title = repr(chain)
        else:
            title = f"{chain.id} chain {chain.chain_id}, {len(chain)} residues"
        return Report(title, [_refused("cannot be encoded", error)])
    return examine(traced, chain.chains if isinstance(chain, Complex) else ())


def examine(traced: Trace, chains: Sequence[ProteinChain] = ()) -> Report:
    """Report on a trace; what needs its encoder is left out where it has none.

    Parameters
    ----------
    traced : Trace
    chains : sequence of ProteinChain
        Those of a complex as they were read, which know what their file held.

    Returns
    -------
    Report
    """
    encoder, found = traced.encoder, []
    for chain in (chains or separate_parts(traced.chain)) if traced.parts else [traced.chain]:
        of_one = findings_of_chain(chain)
        if traced.parts:
            name = f"chain {chain.chain_id}: "
            of_one = [replace(each, title=name + each.title) for each in of_one]
        found += of_one
    if encoder is not None and has_changed(encoder, traced.encoder_info):
        encoder = None
        found.append(
            Finding(
                "note",
                "the encoder has changed since the trace was made",
                (),
                "What the other numbering would give is not known: it would be another encoder's.",
                "Trace the chain again.",
            )
        )
    retrace = encoder and (lambda other: trace(encoder, traced.chain, numbering=other))
    found = [*token_findings(traced, retrace), *interface_findings(traced, encoder), *found]
    return Report(f"{traced.title}, tokens of {traced.encoder_info.title}", found)


def _refused(what: str, error: Exception) -> Finding:
    return Finding(
        "error",
        f"{what}: {error}",
        (),
        "There are no tokens; esm would give ordinary-looking ones, or fail obscurely.",
        "See the message.",
    )
