"""`Trace`: what each stage of the encoder produced for one chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.residues import Numbering, residue_table
from esm_explore.encoders.codebook import NearestCodes, nearest_codes
from esm_explore.encoders.identity import EncoderInfo, unchanged
from esm_explore.encoders.inputs import Inputs
from esm_explore.errors import TraceError
from esm_explore.tracing.naming import Named
from esm_explore.tracing.neighborhood import Neighborhood, open_neighborhood
from esm_explore.tracing.stages import RelativePositions, Stage, encoder_stages
from esm_explore.tracing.summary import as_html, as_text
from esm_explore.tracing.trace_files import write_trace


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Named):
    """Every stage between a chain's coordinates and its structure tokens.

    Residues are rows, in the order of the chain; L is their number. Of the K nodes of each
    neighborhood only the query node goes on to the next stage, and only its state is kept;
    `neighborhood` computes the others when asked.

    Attributes
    ----------
    chain : ProteinChain
    encoder_info : EncoderInfo
        Which encoder made this.
    numbering : {"file", "sequential"}
        Which residue numbers the encoder saw.
    residue_index : ndarray, shape=(L,), dtype=int64
        Those numbers.
    coords : ndarray, shape=(L, 3, 3), dtype=float32
        N, CA and C in Å as the encoder saw them; not finite where missing.
    has_frame : ndarray, shape=(L,), dtype=bool
        Whether N, CA and C are all there. Without a backbone frame a residue still gets a
        token, always the same one: leave it out of every statistic.
    edges : ndarray, shape=(L, K), dtype=int64
        Indices of the nearest residues, the residue itself first; K is 16, or L if less.
    relative_position : RelativePositions
    attention_out, ffn_out : tuple of ndarray, shape=(L, d_model), dtype=float32
        What attention and the feed-forward network of each block add to the query's state.
    blocks : tuple of ndarray, shape=(L, d_model), dtype=float32
        The query's state after each block.
    query : ndarray, shape=(L, d_model), dtype=float32
        What `pre_vq_proj` is given: the last block's state, zero without a backbone frame.
    pre_vq : ndarray, shape=(L, d_code), dtype=float32
        The continuous latent.
    z_q : ndarray, shape=(L, d_code), dtype=float32
        The nearest code, as esm returns it (equal to the code up to float32 rounding).
    tokens : ndarray, shape=(L,), dtype=int64
    codebook : ndarray, shape=(n_codes, d_code), dtype=float32
        All codes of the encoder.
    encoder : StructureTokenEncoder or None
        None in a trace that was loaded from a file without one.
    """

    chain: ProteinChain
    encoder_info: EncoderInfo
    numbering: Numbering
    residue_index: np.ndarray
    coords: np.ndarray
    has_frame: np.ndarray
    edges: np.ndarray
    relative_position: RelativePositions
    attention_out: tuple[np.ndarray, ...]
    ffn_out: tuple[np.ndarray, ...]
    blocks: tuple[np.ndarray, ...]
    query: np.ndarray
    pre_vq: np.ndarray
    z_q: np.ndarray
    tokens: np.ndarray
    codebook: np.ndarray
    encoder: StructureTokenEncoder | None = field(default=None)

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def inputs(self) -> Inputs:
        """What the encoder was given, with backbone frames, on the CPU."""
        return Inputs.build(torch.from_numpy(self.coords), torch.from_numpy(self.residue_index))

    @cached_property
    def nearest(self) -> NearestCodes:
        """The two codes nearest to each latent, and the margin between them."""
        return nearest_codes(self.codebook, self.pre_vq, k=2)

    @cached_property
    def stages(self) -> list[Stage]:
        """The encoder's stages, in the order in which they run."""
        return encoder_stages(len(self.blocks))

    def output(self, name: str) -> np.ndarray:
        """Give what a stage produced.

        Parameters
        ----------
        name : str
            ``"coords"``, or as in the table that ``print(trace)`` shows: ``"edges"``,
            ``"relative_position"`` (the embeddings of all nodes), ``"blocks[0]"``, ...

        Returns
        -------
        ndarray, shape=(L, ...)

        Raises
        ------
        TraceError
            If there is no such output.
        """
        names = ["coords", *(name for stage in self.stages for name in stage.outputs)]
        if name not in names:
            raise TraceError(f"{name!r} is no output of a stage; there are: {', '.join(names)}.")
        if name == "relative_position":
            return self.relative_position.embeddings
        attribute, _, block = name.partition("[")
        value = getattr(self, attribute)
        return value[int(block[:-1])] if block else value

    def states(self, stage: Stage) -> np.ndarray:
        """Give what each residue is at a stage.

        Parameters
        ----------
        stage : Stage
            One of `stages`.

        Returns
        -------
        ndarray, shape=(L, width), dtype=float32
            Rows of residues without a backbone frame mean nothing.
        """
        return stage.of_residues(self.output(stage.source))

    def neighborhood(self, residue: int | str) -> Neighborhood:
        """Open one residue's neighborhood: all its nodes, and who attends to whom.

        Parameters
        ----------
        residue : int or str
            As in `index_of`: 0-based index, or residue number as a string (``"57"``, ``"57A"``).

        Returns
        -------
        Neighborhood

        Raises
        ------
        TraceError
            If there is no such residue, if this trace has no encoder, or if the encoder's
            weights or settings are no longer those that made this trace.
        """
        index = self.index_of(residue)
        encoder = unchanged(self.encoder, self.encoder_info)
        return open_neighborhood(encoder, self.inputs, self.edges[index], self.labels)

    def tokens_with_special(self) -> np.ndarray:
        """Give the tokens between BOS and EOS.

        Returns
        -------
        ndarray, shape=(L + 2,), dtype=int64
            With ``numbering="sequential"`` the third output of esm's ``tokenize_structure``.
        """
        # Brings in transformers, for which nobody has to wait who looks at a residue.
        from esm.tokenization.structure_tokenizer import StructureTokenizer

        special = StructureTokenizer(codebook_size=len(self.codebook))
        return np.array([special.bos_token_id, *self.tokens, special.eos_token_id])

    def to_frame(self) -> pd.DataFrame:
        """Make a table of residues.

        Returns
        -------
        DataFrame
            One row a residue; columns chain, number, insertion_code ("" for none), name
            (three letters, UNK where the sequence has an X), has_frame and token.
        """
        return residue_table(self.chain, self.has_frame, self.tokens)

    def save(self, path: str | Path) -> Path:
        """Write the trace to a file, without its encoder.

        Parameters
        ----------
        path : str or Path
            A safetensors file, for `load_trace`; an existing one is replaced in one step.
        """
        return write_trace(self, path)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
