"""Train the mini encoder: ``python -m esm_explore.recipes.mini_train --data train_nr30.npz``.

Every residue's neighborhood is one example. The latent is learned first, as a continuous one
with noise added to it, by predicting the neighborhood's geometry; codes come after (`codes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from esm.models.vqvae import StructureTokenEncoder
from torch import nn
from tqdm import tqdm

from esm_explore.decoding.local import LocalDecoder
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import EncoderError
from esm_explore.outputs import put, unfinished
from esm_explore.recipes.mini_data import (
    N_PARTNERS,
    Backbones,
    backbone_frames,
    find_neighbors,
    hydrogen_bonds,
    read_backbones,
    split,
    torsions,
)
from esm_explore.recipes.mini_pass import Neighborhoods, latents, with_own_seed

SIZES = {
    "d_model": 128,
    "n_heads": 1,
    "v_heads": 32,
    "n_layers": 2,
    "d_out": 128,
    "n_codes": 4096,
}
BATCH = 512
PEAK_RATE = 2e-3
# Gaussian noise on every atom (Å) and on the latent; weights of the parts of the loss.
SHAKE = 0.10
LATENT_NOISE = 0.5
LATENT_SIZE = 2e-3
STEADY = 0.05
STEADY_ROWS = 96
READ = 0.6
CHECKPOINT_EVERY = 500


@dataclass(frozen=True)
class Examples:
    """Tensors of all residues that training draws from."""

    xyz: torch.Tensor
    number: torch.Tensor
    neighbors: torch.Tensor
    bonds: torch.Tensor
    torsions: torch.Tensor
    inner: torch.Tensor

    @classmethod
    def build(cls, data: Backbones) -> Examples:
        """Compute neighborhoods and targets; ``inner`` are residues away from chain ends."""
        n = np.arange(len(data.xyz))
        start = np.repeat(data.start, data.size)
        last = start + np.repeat(data.size, data.size) - 1
        inner = (n - start >= WINDOW + 1) & (last - n >= WINDOW + 1)
        return cls(
            torch.from_numpy(data.xyz),
            torch.from_numpy(data.number),
            torch.from_numpy(find_neighbors(data)),
            torch.from_numpy(np.stack(hydrogen_bonds(data), 1)),
            torch.from_numpy(torsions(data)),
            torch.from_numpy(inner),
        )

    def neighborhoods(self, rows: torch.Tensor, shake: float = 0.0) -> Neighborhoods:
        """Cut out neighborhoods, with Gaussian noise of `shake` Å on every atom."""
        nodes = self.neighbors[rows].long()
        xyz = self.xyz[nodes]
        if shake:
            xyz = xyz + shake * torch.randn_like(xyz)
        return Neighborhoods.build(*backbone_frames(xyz), self.number[nodes])


class Trained(nn.Module):
    """All that has weights in training."""

    def __init__(self):
        super().__init__()
        self.encoder = StructureTokenEncoder(**SIZES)
        nn.init.normal_(modules_of(self.encoder).positions.weight, std=0.5)
        self.decoder = LocalDecoder()
        self.readings = Readings()


def geometry_loss(
    ca: torch.Tensor, rotation: torch.Tensor, batch: Neighborhoods
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compare decoded neighbors with the real ones: places (Å, over 3), and directions."""
    miss = (ca - batch.translation[:, 1:]).norm(dim=-1)
    turn = (rotation - batch.rotation[:, 1:]).square().sum((-1, -2))
    return F.smooth_l1_loss(miss, torch.zeros_like(miss), beta=1.0) / 3, turn.mean() / 8


def loss_parts(model: Trained, examples: Examples, rows: torch.Tensor) -> dict[str, torch.Tensor]:
    """Compute the parts of the loss for some residues."""
    clean = examples.neighborhoods(rows)
    shaken = examples.neighborhoods(rows, SHAKE * float(torch.rand(())))
    z = latents(model.encoder, shaken)
    noisy = z + LATENT_NOISE * torch.randn_like(z)
    still = latents(model.encoder, clean.first(STEADY_ROWS))
    moved = (still - z[:STEADY_ROWS]).square().mean() / z.var(0).mean().detach().clamp(min=1e-3)
    ca, rotation = model.decoder(noisy, clean.bins[:, 1:])
    places, directions = geometry_loss(ca, rotation, clean)
    bonds, angles = model.readings(noisy)
    window = rows[:, None] + torch.arange(-WINDOW, WINDOW + 1)
    inner = examples.inner[rows]
    # Farther residues count less: what they do is less this residue's business.
    weight = 1 / (1 + torch.arange(-WINDOW, WINDOW + 1).abs().float())
    cross = F.cross_entropy(
        bonds[inner].flatten(0, 2), examples.bonds[window[inner]].flatten(), reduction="none"
    ).unflatten(0, (-1, 2 * WINDOW + 1, 2))
    target = examples.torsions[window[inner][:, 2:-2]]
    return {
        "ca": places,
        "turn": directions,
        "bonds": READ * (cross.mean((0, 2)) * weight).sum() / weight.sum(),
        "torsions": READ * F.mse_loss(angles[inner], target),
        "steady": STEADY * moved,
        "size": LATENT_SIZE * z.square().sum(1).mean() / 2,
    }


@with_own_seed
def train(
    data: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()] = Path("build/mini"),
    steps: int = 8_000,
    seed: int = 0,
    threads: int = 2,
) -> list[float]:
    """Train, or go on with the training that `out` holds.

    Parameters
    ----------
    data : Path
        See `esm_explore.recipes.mini_data.read_backbones`.
    out : Path
        A folder; ``training.pt`` in it is the last checkpoint, replaced in one step.
    steps : int
        Batches of 512 neighborhoods.
    seed, threads : int
        The same of both give the same weights on the same machine.

    Returns
    -------
    list of float
        The loss of each step that was done now.

    Raises
    ------
    EncoderError
        If `data` is not training data, or the checkpoint is of a training with other steps.
    """
    torch.set_num_threads(threads)
    chains = read_backbones(data)
    examples = Examples.build(chains.select(split(chains.names)[0]))
    torch.manual_seed(seed)
    model = Trained()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, total_steps=steps, pct_start=0.05
    )
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "training.pt"
    done = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        planned = saved["schedule"]["total_steps"]
        if planned != steps:
            raise EncoderError(
                f"{checkpoint} is of a training of {planned} steps, not {steps}: its learning "
                "rates do not fit. Give another folder."
            )
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        torch.set_rng_state(saved["random"])
        done = saved["step"]
    losses = []
    bar = tqdm(range(done, steps), initial=done, total=steps, unit="step", mininterval=5)
    for step in bar:
        rows = torch.randint(len(examples.xyz), (BATCH,))
        parts = loss_parts(model, examples, rows)
        loss = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 50 == 0:
            bar.set_postfix({name: f"{part.item():.3f}" for name, part in parts.items()})
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == steps:
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "random": torch.get_rng_state(),
                "step": step + 1,
            }
            with unfinished(checkpoint) as folder:
                torch.save(state, folder / checkpoint.name)
                put(folder / checkpoint.name, checkpoint)
    return losses


if __name__ == "__main__":
    typer.run(train)

# Residues on either side of the query whose hydrogen bonds are read from its latent.
WINDOW = 4


class Readings(nn.Module):
    """Linear readings of the latent: hydrogen bonds and torsions around the query.

    They are used in training only. Being linear, they make the latent say these things plainly.

    Parameters
    ----------
    d_code : int
    """

    def __init__(self, d_code: int = 128):
        super().__init__()
        self.bonds = nn.Linear(d_code, (2 * WINDOW + 1) * 2 * N_PARTNERS)
        self.torsions = nn.Linear(d_code, 5 * 5)

    def forward(self, latent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Read latents (M, d_code) as bond classes (M, 9, 2, 8) and torsions (M, 5, 5)."""
        bonds = self.bonds(latent).unflatten(-1, (2 * WINDOW + 1, 2, N_PARTNERS))
        return bonds, self.torsions(latent).unflatten(-1, (5, 5))
