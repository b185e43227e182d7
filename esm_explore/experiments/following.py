"""A chain in motion: the token of each residue in each frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.arguments import check_kind
from esm_explore.chains.backbone import superposed
from esm_explore.chains.residues import Numbering, residue_labels
from esm_explore.chains.trajectories import Frames
from esm_explore.encoders.modules import modules_of
from esm_explore.encoders.progress import residue_bar
from esm_explore.errors import TraceError, heard, warn
from esm_explore.experiments.followed import Followed
from esm_explore.tokens.tokenizing import tokenize
from esm_explore.tracing.run import as_array


def follow(
    encoder: StructureTokenEncoder,
    frames: Frames,
    *,
    numbering: Numbering = "file",
    latents: bool = False,
    progress: bool | None = None,
) -> Followed:
    """Follow the tokens of a chain through the frames of a trajectory, or the models of a file.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        From `load_encoder`, or any of esm's; float32. It is never changed.
    frames : Frames
        From `read_frames`; ``frames[::10]`` are every tenth.
    numbering : {"file", "sequential"}
        As in `trace`.
    latents : bool
        Keep all latents, too, in float16.
    progress : bool, optional
        Show a progress bar; by default from 2,000 residues in all frames on.

    Returns
    -------
    Followed

    Raises
    ------
    TraceError
        If these are no frames, or there is none; as `tokenize`.
    ChainError
        If a frame cannot be read, or is broken.

    Warns
    -----
    ChainWarning
        Once, if all residues of a frame have one token.

    Notes
    -----
    Frames are read and encoded some at a time. What is kept of each takes 22 bytes a residue
    (66 MB of 10,000 frames of 300 residues), with latents of 128 numbers 256 more.

    Tokens are those that `trace` gives of each frame, by the way of `tokenize`.

    Examples
    --------
    >>> import esm_explore as ex
    >>> followed = follow(ex.load_encoder(), ex.read_frames("1AS5"))
    >>> followed.tokens.shape
    (14, 24)
    """
    check_kind(frames, Frames, "frames", "what ex.read_frames(topology, trajectory) gives")
    check_kind(latents, bool, "latents", "True or False")
    check_kind(progress, bool | None, "progress", "True, False or None")
    if not len(frames):
        raise TraceError(f"There is nothing to follow in {frames.title}.")
    shape = len(frames), len(frames.chain)
    tokens, margins = np.zeros(shape, np.int32), np.zeros(shape, np.float16)
    apart, ca = np.zeros(shape, np.float32), np.full((*shape, 3), np.nan, np.float32)
    framed = np.ones(shape[1], dtype=bool)
    codebook = as_array(modules_of(encoder).codes)
    kept = np.zeros((*shape, codebook.shape[1]), np.float16) if latents else None
    first = None
    found = tokenize(encoder, iter(frames), numbering=numbering)
    with residue_bar(shape[0] * shape[1], progress) as bar:
        for row, of_frame in enumerate(_quietly(found)):
            tokens[row], margins[row] = of_frame.tokens, of_frame.margin
            first = of_frame.pre_vq if first is None else first
            apart[row] = np.linalg.norm(of_frame.pre_vq - first, axis=1)
            if kept is not None:
                kept[row] = of_frame.pre_vq
            ca[row] = _ca(of_frame.chain)
            framed &= of_frame.has_frame
            info = of_frame.encoder_info
            bar.update(shape[1])
    return Followed(
        frames.title,
        frames,
        residue_labels(frames.chain),
        framed,
        tokens,
        margins,
        apart,
        _superposed_on_mean(ca),
        kept,
        codebook,
        info,
    )


def _quietly(found: Iterator) -> Iterator:
    """Say once what would be said of each frame."""
    said: dict[str, None] = {}
    while True:
        # Not around the yield: what the caller is warned of is the caller's.
        with heard() as now:
            of_frame = next(found, None)
        for message in now:
            if message not in said:
                said[message] = None
                warn(message)
        if of_frame is None:
            return
        yield of_frame


def _ca(chain: ProteinChain) -> np.ndarray:
    return np.where(chain.atom37_mask[:, 1, None], chain.atom37_positions[:, 1], np.nan)


def _superposed_on_mean(ca: np.ndarray) -> np.ndarray:
    """Lay all frames on the mean of what they are when they lie on the first one; in place."""
    present = np.isfinite(ca).all((0, 2))
    if present.sum() < 3:
        return ca
    goal = ca[0, present].astype(float)
    for _ in range(2):
        for frame in ca:
            frame[present] = superposed(goal, frame[present].astype(float))
        goal = ca[:, present].mean(0, dtype=np.float64)
    ca[:, ~present] = np.nan
    return ca
