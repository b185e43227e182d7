"""`inspect`: from traces, chains and files to an inspector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from esm.models.vqvae import StructureTokenEncoder

from esm_explore.arguments import check_kind
from esm_explore.chains.complexes import Complex
from esm_explore.chains.reading import read_chain
from esm_explore.encoders.loading import load_encoder
from esm_explore.errors import TraceError
from esm_explore.tracing.tracer import trace
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.beside import show_beside
from esm_explore.widgets.inspector import Inspector
from esm_explore.widgets.libraries import prepare_page

if TYPE_CHECKING:
    from esm_explore.atlas.reading import Atlas


def inspect(
    traces: object,
    *,
    encoder: StructureTokenEncoder | None = None,
    atlas: Atlas | None = None,
    beside: bool = False,
) -> Inspector:
    """Show traced chains in linked views: click any residue, and all of them follow.

    Parameters
    ----------
    traces : Trace, source or list of them
        All of one encoder. One is shown alone. Two are shown side by side, linked by residue
        number or by alignment. Of more, a menu chooses which one is shown; all are on the map.
        A source is what `read_chain` takes (``"file.pdb"``, ``"1ITU"``, a chain), or a complex
        from `read_complex`: it is traced.
    encoder : StructureTokenEncoder, optional
        Traces what is not traced yet. Without it that is the encoder of the first trace, or mini.
    atlas : Atlas, optional
        Of the traces' encoder, from `open_atlas`: what the "code" tab says comes from it. Without
        it that is the bundled one, if the encoder is mini.
    beside : bool
        Open it beside the notebook, where it stays while cells are scrolled (JupyterLab; the
        ``sidecar`` package).

    Returns
    -------
    Inspector

    Raises
    ------
    EsmExploreError
        If something can be neither taken nor read and traced, or the atlas is of another encoder.
        What can be wrong with traces
        themselves (other encoders, no encoder, no backbone frames) is said in the widget.
    """
    if encoder is not None:
        check_kind(
            encoder, StructureTokenEncoder, "encoder", "one of esm's, from ex.load_encoder()"
        )
    check_kind(beside, bool, "beside", "True or False")
    # First: the page loads its libraries while a source is traced.
    prepare_page()
    taken = _traces(traces, encoder)
    if atlas is not None:
        check_atlas(atlas, taken)
    made = Inspector(taken, atlas)
    if beside:
        show_beside(made, repr(made).partition("\n")[0])
        made.is_beside = True
    return made


def check_atlas(atlas: Atlas, traces: list[Trace]) -> None:
    """Refuse what is no atlas of the encoder that made some traces; see `inspect`."""
    # Brings in pyarrow.
    from esm_explore.atlas.belonging import check_is_of
    from esm_explore.atlas.reading import Atlas

    check_kind(atlas, Atlas, "atlas", "an atlas, from ex.open_atlas()")
    for one in traces:
        check_is_of(atlas.manifest["encoder"], one.encoder_info)


def _traces(given: object, encoder: StructureTokenEncoder | None) -> list[Trace]:
    """Take traces as they are; read and trace what is none.

    Parameters
    ----------
    given : Trace, source or list of them
        A source is what `read_chain` takes, a chain among it; its first chain is read.
    encoder : StructureTokenEncoder, optional
        Traces what is no trace. Without it that is the encoder of the first trace, or mini.

    Returns
    -------
    list of Trace

    Raises
    ------
    EsmExploreError
        If one can be neither taken nor read and traced.
    """
    many = list(given) if isinstance(given, list | tuple | Iterator) else [given]
    made = [one for one in many if isinstance(one, Trace)]
    if any(one is None for one in many):
        raise TraceError(
            "inspect takes a Trace, a chain, a file or an identifier, or a list of them, not None."
        )
    if encoder is None and len(made) < len(many):
        held = (one.encoder for one in made if one.encoder is not None)
        encoder = next(held, None) or load_encoder("mini")
    return [
        one
        if isinstance(one, Trace)
        else trace(encoder, one if isinstance(one, Complex) else read_chain(one))
        for one in many
    ]
