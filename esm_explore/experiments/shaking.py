"""Chains disturbed: noise of another size for each residue, rounding, numbers, rigid motions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from esm_explore.chains.backbone import fit
from esm_explore.encoders.inputs import Inputs
from esm_explore.encoders.neighbors import nearest_edges
from esm_explore.experiments.rerunning import BATCH, Setting, run_rows
from esm_explore.tracing.traces import Trace

RIGID = "a rigid motion"
_SHIFT = 20.0


class Shaker:
    """Encodes residues while all backbone atoms move along fixed directions.

    Parameters
    ----------
    setting : Setting
    directions : Tensor, shape=(L, 3, 3), dtype=float32
        Where each atom goes; 1 is a root mean square displacement of 1 Å.
    """

    def __init__(self, setting: Setting, directions: torch.Tensor):
        self._setting, self._directions = setting, directions
        self._framed = setting.inputs.has_frame.nonzero()[:, 0]
        self._count = min(setting.edges.shape[1], len(self._framed))

    def tokens(self, queries: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Give the tokens of some residues, shape=(n,), each with noise of its own size, in Å.

        Neighbors are searched anew. Those without a backbone frame, to whom none attends, are
        left out.
        """
        device = self._setting.device
        found = []
        for start in range(0, len(queries), BATCH):
            some = torch.from_numpy(queries[start : start + BATCH]).to(device)
            size = torch.from_numpy(sizes[start : start + BATCH]).float().to(device)
            found.append(self._some_tokens(some, size))
        return np.concatenate(found)

    def _some_tokens(self, queries: torch.Tensor, sizes: torch.Tensor) -> np.ndarray:
        coords, moved = self._setting.inputs.coords, self._directions
        ca, way = coords[self._framed, 1], moved[self._framed, 1]
        own = coords[queries, 1] + sizes[:, None] * moved[queries, 1]
        distance = (ca + sizes[:, None, None] * way - own[:, None]).norm(dim=-1)
        distance[self._framed == queries[:, None]] = -1  # itself first
        nodes = self._framed[distance.argsort(dim=-1)[:, : self._count]]
        places = coords[nodes] + sizes[:, None, None, None] * moved[nodes]
        # Each neighborhood by itself: residues of several are in other places in each.
        numbers = self._setting.inputs.residue_index[nodes]
        inputs = Inputs.build(places.flatten(0, 1), numbers.flatten())
        rows = torch.arange(nodes.numel(), device=nodes.device).view(nodes.shape)
        return run_rows(self._setting, rows, inputs)[1]


def random_directions(trace: Trace, random: np.random.Generator) -> torch.Tensor:
    """Draw where each backbone atom goes, shape=(L, 3, 3); 1 Å is its root mean square length."""
    drawn = random.standard_normal(trace.coords.shape) / np.sqrt(3)
    # Directions are the file's: esm's two lines turn the coordinates that they encode otherwise.
    framed = trace.has_frame
    if framed.any():
        of_file = trace.chain.atom37_positions[framed, :3].reshape(-1, 3).astype(np.float64)
        turn = fit(trace.coords[framed].reshape(-1, 3).astype(np.float64), of_file)
        drawn = (turn.apply(drawn.reshape(-1, 3)) - turn.apply(np.zeros((1, 3)))).reshape(
            drawn.shape
        )
    return torch.from_numpy(drawn.astype(np.float32))


def small_changes(trace: Trace, random: np.random.Generator) -> Iterator[tuple[str, Inputs]]:
    """Make what should change little: coordinates rounded, other numbers, a rigid motion.

    Yields
    ------
    str
        What was done.
    Inputs
    """
    places = trace.chain.atom37_positions
    for decimals in (3, 2, 1):
        rounded = np.round(places.astype(np.float64), decimals).astype(np.float32)
        yield f"rounded to {decimals} decimal{'s' * (decimals > 1)}", _as_encoded(trace, rounded)
    yield "float16", _as_encoded(trace, places.astype(np.float16).astype(np.float32))
    counted = torch.arange(1, len(trace) + 1)
    yield "numbered from 1", Inputs.build(trace.inputs.coords, counted)
    yield RIGID, Inputs.build(_moved(trace, random), trace.inputs.residue_index)


def _as_encoded(trace: Trace, places: np.ndarray) -> Inputs:
    coords, _, _ = replace(trace.chain, atom37_positions=places).to_structure_encoder_inputs()
    return Inputs.build(coords[0, :, :3].clone(), trace.inputs.residue_index)


def _moved(trace: Trace, random: np.random.Generator) -> torch.Tensor:
    turn, _ = np.linalg.qr(random.standard_normal((3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    shift = random.standard_normal(3)
    shift *= _SHIFT / np.linalg.norm(shift)
    return torch.from_numpy((trace.coords.astype(np.float64) @ turn + shift).astype(np.float32))


def encoded(setting: Setting, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Give latents, shape=(L, d_code), and tokens of a whole chain, its neighbors searched anew."""
    inputs = inputs.to(setting.device)
    return run_rows(setting, nearest_edges(setting.encoder, inputs), inputs)
