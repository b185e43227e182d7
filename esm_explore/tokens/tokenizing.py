"""`tokenize`: the tokens of many chains, the same as esm's `encode`, sooner and in flat memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.arguments import check_kind
from esm_explore.chains.residues import Numbering
from esm_explore.encoders.progress import residue_bar
from esm_explore.errors import TraceError
from esm_explore.tokens.chain_tokens import ChainTokens
from esm_explore.tokens.chunks import ChunkedEncoder, Precision


def tokenize(
    encoder: StructureTokenEncoder,
    chains: Iterable[ProteinChain],
    *,
    numbering: Numbering = "file",
    chunk_size: int = 128,
    precision: Precision = "exact",
    progress: bool | None = None,
) -> Iterator[ChainTokens]:
    """Tokenize chains, one after the other, as they come.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        From `load_encoder`, or any of esm's; float32. It is never changed.
    chains : iterable of ProteinChain
        From `read_chain`, or any of esm's. Each is asked for when it is needed, so that there can
        be more than memory holds, and copied then: a loop over a trajectory may give one object
        again and again, with other coordinates.
    numbering : {"file", "sequential"}
        Which residue numbers the encoder sees, as in `trace`.
    chunk_size : int
        Residues encoded at a time, of one long chain or of several short ones. Memory grows
        with it (0.2 GB for 128 with ESM3's sizes), not with the chains; what an encoder needed
        is kept for its next call until it is deleted.
    precision : {"exact", "tokens", "bfloat16"}
        What has to be esm's. ``"exact"``: tokens, latents and margins. ``"tokens"``: tokens alone.
        Most matrix products are bfloat16 then, and residues whose token that could change are
        encoded again in float32; latents and margins of the others are off by some thousandths of
        a latent's length. Where it would not be quicker (a processor without instructions for
        bfloat16, an accelerator, a narrow encoder such as mini) it is the same as ``"exact"``.
        ``"bfloat16"``: none; a token in a hundred is another.
    progress : bool, optional
        Show a progress bar; by default from 2,000 residues on, where they can be counted: in a
        list or a tuple.

    Returns
    -------
    iterator of ChainTokens
        One a chain, in the order given, as soon as a chunk completes it; what comes after it in
        the chunk has been asked of `chains` by then. Leave the encoder's weights alone until
        the end.

    Raises
    ------
    TraceError
        At once, if the encoder is not float32 or carries hooks, which this way would skip, or if
        an option is not one of those above. From the iterator, if a chain has no residue with a
        backbone frame, coordinates beyond 10,000 Å, or two residues with their CA at the same
        place, or gets latents that are no numbers: what waits for its chunk to fill is lost then.

    See Also
    --------
    trace : All stages of one chain, by esm's own modules.

    Notes
    -----
    Latents are those of ``esm.models.vqvae.StructureTokenEncoder.encode`` up to float32 rounding
    (5e-6 with latents of 1 to 4 in length), and so are tokens, except where rounding decides: esm
    computes squared distances as ``|z|² - 2 z·c + |c|²``, so that some 1e-6 of ``|z|²`` are beyond
    it. What ``"tokens"`` rests on is in `esm_explore.tokens.exact_tokens.ExactTokens`.

    As in `trace`, residues whose N, CA and C coincide or lie on a line have no backbone frame.

    An encoder that was changed in another way than by its weights (hooks, other modules or
    functions) is refused.

    Examples
    --------
    >>> import esm_explore as ex
    >>> chains = [ex.read_chain("1UBI"), ex.read_chain("1AS5")]
    >>> [len(tokens) for tokens in ex.tokenize(ex.load_encoder(), chains)]
    [76, 24]
    """
    check_kind(progress, bool | None, "progress", "True, False or None")
    run = ChunkedEncoder(encoder, numbering=numbering, chunk_size=chunk_size, precision=precision)
    # A ProteinChain is iterable, too: over its residues.
    if isinstance(chains, ProteinChain) or not isinstance(chains, Iterable):
        raise TraceError(f"Give a list of chains, such as [chain], not a {type(chains).__name__}.")
    return _tokens(run, chains, progress)


def _tokens(
    run: ChunkedEncoder, chains: Iterable[ProteinChain], progress: bool | None
) -> Iterator[ChainTokens]:
    total = None
    if isinstance(chains, list | tuple):
        total = sum(len(chain) for chain in chains if isinstance(chain, ProteinChain))
    with residue_bar(total, progress) as bar:
        for tokens in run.encode(map(run.prepare, chains)):
            bar.update(len(tokens))
            yield tokens
