"""Make codes for a trained encoder.

``python -m esm_explore.recipes.mini_codes --data train_nr30.npz``: k-means over latents of
training chains, then the local decoder once more, from codes. The result is the file that
`load_encoder` reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from sklearn.cluster import MiniBatchKMeans
from tqdm import tqdm

from esm_explore.chains.backbone import NODES
from esm_explore.decoding.local import LocalDecoder
from esm_explore.encoders.codebook import squared_distances
from esm_explore.encoders.mini import BINS, DECODER, MINI_FILE
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import EncoderError
from esm_explore.outputs import put, unfinished
from esm_explore.recipes.mini_data import (
    Backbones,
    backbone_frames,
    find_neighbors,
    read_backbones,
    split,
)
from esm_explore.recipes.mini_pass import Neighborhoods, latents, with_own_seed
from esm_explore.recipes.mini_train import BATCH, SIZES, Trained, geometry_loss

CHAINS = 2_500
DECODER_STEPS = 3_000
ENCODE_AT_ONCE = 2_048


class Encoded:
    """Residues of some chains as an encoder sees them.

    Attributes
    ----------
    nodes : Tensor, shape=(N, 16), dtype=int64
        Neighborhoods, the residue itself first.
    latents : Tensor, shape=(N, d_code)
    """

    def __init__(self, encoder, data: Backbones, *, shake: float = 0.0, seed: int = 0):
        xyz = torch.from_numpy(data.xyz)
        if shake:
            generator = torch.Generator().manual_seed(seed)
            xyz = xyz + shake * torch.randn(xyz.shape, generator=generator)
            data = Backbones(**{**vars(data), "xyz": xyz.numpy()})
        self.nodes = torch.from_numpy(find_neighbors(data)).long()
        self._frames = backbone_frames(xyz)
        self._number = torch.from_numpy(data.number)
        rows = torch.arange(len(xyz)).split(ENCODE_AT_ONCE)
        with torch.no_grad():
            found = [latents(encoder, self.neighborhoods(r)) for r in tqdm(rows, "encoding")]
        self.latents = torch.cat(found)

    def neighborhoods(self, rows: torch.Tensor) -> Neighborhoods:
        """Give some residues' neighborhoods."""
        nodes = self.nodes[rows]
        rotation, translation = self._frames
        return Neighborhoods.build(rotation[nodes], translation[nodes], self._number[nodes])


def fit_codes(points: torch.Tensor, n_codes: int, seed: int = 0) -> torch.Tensor:
    """Cluster latents.

    Parameters
    ----------
    points : Tensor, shape=(N, d_code)
    n_codes : int
    seed : int

    Returns
    -------
    Tensor, shape=(n_codes, d_code)
    """
    means = MiniBatchKMeans(
        n_codes, batch_size=16_384, max_iter=15, n_init=1, init="random", random_state=seed
    )
    return torch.from_numpy(means.fit(points.numpy()).cluster_centers_.astype(np.float32))


def nearest(codes: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Give the nearest code of each point, shape=(N,), dtype=int64."""
    rows = points.split(ENCODE_AT_ONCE)
    return torch.cat([squared_distances(codes, some).argmin(1) for some in rows])


@with_own_seed
def fit_decoder(encoded: Encoded, inputs: torch.Tensor, steps: int, seed: int = 0) -> LocalDecoder:
    """Train a local decoder from scratch.

    Parameters
    ----------
    encoded : Encoded
    inputs : Tensor, shape=(N, d_code)
        What the decoder is given for each residue: its code, or its latent.
    steps : int
        Batches of 512 neighborhoods.
    seed : int

    Returns
    -------
    LocalDecoder
    """
    torch.manual_seed(seed)
    decoder = LocalDecoder(inputs.shape[1])
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in tqdm(range(steps), "decoder"):
        rows = torch.randint(len(inputs), (BATCH,))
        batch = encoded.neighborhoods(rows)
        loss = sum(geometry_loss(*decoder(inputs[rows], batch.bins[:, 1:]), batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return decoder.eval().requires_grad_(False)


def usual_bins(encoded: Encoded, tokens: torch.Tensor, n_codes: int) -> torch.Tensor:
    """Find the relative position bins most seen with each code.

    Returns
    -------
    Tensor, shape=(n_codes, 15), dtype=uint8
        By rank, without the query. A code that no residue has gets those of all residues.
    """
    bins = torch.cat(
        [encoded.neighborhoods(r).bins for r in torch.arange(len(tokens)).split(ENCODE_AT_ONCE)]
    )[:, 1:]
    counts = torch.zeros(n_codes, NODES - 1, 66, dtype=torch.int32)
    rank = torch.arange(NODES - 1).expand_as(bins)
    seen = (tokens[:, None].expand_as(bins), rank, bins)
    counts.index_put_(seen, torch.ones((), dtype=torch.int32), accumulate=True)
    unseen = counts.sum((1, 2)) == 0
    counts[unseen] = counts.sum(0, dtype=torch.int32)
    return counts.argmax(-1).to(torch.uint8)


@with_own_seed
def main(
    data: Annotated[Path, typer.Option()],
    training: Annotated[Path, typer.Option()] = Path("build/mini/training.pt"),
    out: Annotated[Path, typer.Option()] = MINI_FILE,
    threads: int = 2,
) -> None:
    """Write the encoder with its codes and the local decoder to one safetensors file."""
    torch.set_num_threads(threads)
    if not training.is_file():
        raise EncoderError(
            f"There is no checkpoint {training}; esm_explore.recipes.mini_train makes one."
        )
    if out.exists() and not _is_ours(out):
        raise EncoderError(f"{out} is no encoder of this recipe, and is left as it is.")
    model = Trained()
    model.load_state_dict(torch.load(training, weights_only=True)["model"])
    encoder = model.encoder.eval()
    chains = read_backbones(data)
    chosen = np.random.default_rng(0).permutation(split(chains.names)[0])[:CHAINS]
    encoded = Encoded(encoder, chains.select(np.sort(chosen)))
    codes = fit_codes(encoded.latents, SIZES["n_codes"])
    tokens = nearest(codes, encoded.latents)
    count = torch.bincount(tokens, minlength=len(codes)).float()
    modules = modules_of(encoder)
    modules.codes.copy_(codes)
    modules.counts.copy_(count)
    modules.sums.copy_(codes * count[:, None])
    decoder = fit_decoder(encoded, codes[tokens], DECODER_STEPS)
    tensors = dict(encoder.state_dict())
    tensors |= {DECODER + name: tensor for name, tensor in decoder.state_dict().items()}
    tensors[BINS] = usual_bins(encoded, tokens, len(codes))
    with unfinished(out) as folder:
        save_file({k: tensor.contiguous() for k, tensor in tensors.items()}, folder / out.name)
        put(folder / out.name, out)


def _is_ours(path: Path) -> bool:
    """Tell an encoder that this recipe wrote from any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            return BINS in file.keys()  # noqa: SIM118
    except (SafetensorError, OSError):
        return False


if __name__ == "__main__":
    typer.run(main)
