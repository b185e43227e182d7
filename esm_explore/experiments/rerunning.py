"""What experiments share: a residue to ask about, changed rows run again in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from tqdm.auto import tqdm

from esm_explore.encoders.codebook import squared_distances
from esm_explore.encoders.identity import unchanged
from esm_explore.encoders.inputs import Inputs
from esm_explore.encoders.modules import modules_of
from esm_explore.encoders.progress import bars_are_hidden
from esm_explore.errors import TraceError
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.run import Edit, as_array, run
from esm_explore.tracing.traces import Trace

# Neighborhoods in a pass: at full size about 0.3 GB.
BATCH = 128
# So many rows take seconds at full size.
_SHOW_PROGRESS = 512


@dataclass(frozen=True)
class Setting:
    """A trace's encoder, still the one that made it, and the inputs on its device.

    Attributes
    ----------
    encoder : StructureTokenEncoder
    inputs : Inputs
    edges : Tensor, shape=(L, K), dtype=int64
    """

    encoder: StructureTokenEncoder
    inputs: Inputs
    edges: torch.Tensor

    @property
    def device(self) -> torch.device:
        """Where the encoder computes."""
        return self.inputs.coords.device


def setting_of(trace: Trace, verb: str) -> Setting:
    """Give what it takes to run rows of a trace again; a TraceError where that is not to be had."""
    check_trace(trace, verb)
    encoder = unchanged(trace.encoder, trace.encoder_info)
    device = modules_of(encoder).codes.device
    return Setting(encoder, trace.inputs.to(device), torch.from_numpy(trace.edges).to(device))


def framed_index(trace: Trace, residue: int | str) -> int:
    """Find a residue that has a backbone frame; else a TraceError."""
    index = trace.index_of(residue)
    if not trace.has_frame[index]:
        raise TraceError(
            f"Residue {trace.labels[index]} of {trace.title} has no backbone frame: its token is "
            "the same whatever its neighborhood; choose a residue that has N, CA and C."
        )
    return index


def name_of(trace: Trace, index: int) -> str:
    """Name a residue, such as ``1UBI A 48``."""
    return f"{trace.short_title} {trace.labels[index]}"


def progress(total: int, unit: str, at_least: int = _SHOW_PROGRESS) -> tqdm:
    """Make a bar, shown where there is enough to wait for."""
    hidden = total <= at_least or bars_are_hidden()
    return tqdm(total=total, unit=unit, disable=hidden, leave=False)


def run_rows(
    setting: Setting,
    rows: torch.Tensor,
    inputs: Inputs | None = None,
    edits: Callable[[slice], Sequence[Edit]] = lambda _: (),
    bar: tqdm | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Run rows, any number of them.

    Parameters
    ----------
    setting : Setting
    rows : Tensor, shape=(M, K), dtype=int64
    inputs : Inputs, optional
        That the rows are of, if not those of the chain.
    edits : callable
        Gives the edits of some of the rows.
    bar : tqdm, optional
        That counts them.

    Returns
    -------
    ndarray, shape=(M, d_code), dtype=float32
        The latents.
    ndarray, shape=(M,), dtype=int64
        The tokens.
    """
    inputs = setting.inputs if inputs is None else inputs
    latents, tokens = [], []
    for start in range(0, len(rows), BATCH):
        part = slice(start, min(start + BATCH, len(rows)))
        caught = run(setting.encoder, inputs, rows[part], edits=edits(part))
        latents.append(as_array(caught["pre_vq"]))
        tokens.append(as_array(caught["tokens"]))
        if bar is not None:
            bar.update(part.stop - part.start)
    return np.concatenate(latents), np.concatenate(tokens)


def code_steps(
    codebook: np.ndarray, old: np.ndarray, new: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Say how far new codes are from old ones, and how many codes are nearer.

    Parameters
    ----------
    codebook : ndarray, shape=(n_codes, d_code)
    old, new : ndarray, shape=(n,), dtype=int64

    Returns
    -------
    ndarray, shape=(n,), dtype=float32
        Distances; 0 where the code is the same.
    ndarray, shape=(n,), dtype=int64
        The new code's place among the old one's neighbors: 1 is the nearest, 0 the code itself.
    """
    codes = torch.from_numpy(codebook)
    distance, place = np.zeros(len(old), np.float32), np.zeros(len(old), np.int64)
    for code in np.unique(old[old != new]):
        chosen = np.flatnonzero((old == code) & (old != new))
        squared = squared_distances(codes, codes[code : code + 1])[0].numpy()
        squared[code] = -np.inf
        to = new[chosen]
        distance[chosen] = np.linalg.norm(codebook[to] - codebook[code], axis=1)
        place[chosen] = (squared[None] < squared[to, None]).sum(1)
    return distance, place
