"""What others made with ESM3's real weights, read from their files, and compared with ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from safetensors.numpy import load_file

# Rounding on other hardware turns a token over where two codes are about equally near.
NEAR_TIE = 0.05


@dataclass(frozen=True)
class Encoded:
    """A chain that somebody else encoded.

    Attributes
    ----------
    coords : ndarray, shape=(L, 3, 3), dtype=float32
        N, CA and C in Å.
    tokens : ndarray, shape=(L,), dtype=int64
    residue_index : ndarray, shape=(L,), dtype=int64, or None
        Residue numbers, where the file has them.
    """

    coords: np.ndarray
    tokens: np.ndarray
    residue_index: np.ndarray | None = None


def read_ferritin(path: Path) -> Encoded:
    """Read ``esm3_structure_parity.safetensors`` of ferritin-bio/ferritin: there are no numbers."""
    arrays = load_file(path)
    coords, tokens = arrays["backbone_coords"], arrays["structure_tokens"].astype(np.int64)
    if coords.shape != (len(tokens), 3, 3):
        raise ValueError(f"{path}: backbone_coords has shape {coords.shape}, for {tokens.shape}")
    return Encoded(coords.astype(np.float32), tokens)


def read_esmdiff(path: Path) -> Encoded:
    """Read a ``.pth`` of lujiarui/esmdiff: tokens between BOS and EOS, coordinates without."""
    held = torch.load(path, map_location="cpu", weights_only=True)
    length = len(held["sequence"])

    def stripped(name: str) -> np.ndarray:
        values = held[name]
        return values[1:-1].numpy() if len(values) == length + 2 else values.numpy()

    coords, tokens = stripped("coordinates"), stripped("structure_tokens").astype(np.int64)
    if coords.shape[:1] + coords.shape[2:] != (length, 3) or tokens.shape != (length,):
        raise ValueError(f"{path}: {coords.shape} and {tokens.shape}, for {length} residues")
    numbers = stripped("residue_index").astype(np.int64) if "residue_index" in held else None
    return Encoded(coords[:, :3].astype(np.float32), tokens, numbers)


def disagreements(encoder: StructureTokenEncoder, given: Encoded) -> tuple[int, int]:
    """Count tokens that differ from esm's own encode; all, and those that are no near-ties.

    By the numbers that the file has, and by none; the better counts: files do not say which.
    """
    coords = torch.from_numpy(given.coords)[None]
    numbers = [None]
    if given.residue_index is not None:
        numbers.append(torch.from_numpy(given.residue_index)[None])
    counts = []
    for residue_index in numbers:
        latents = []
        hook = encoder.pre_vq_proj.register_forward_hook(lambda _m, _a, out: latents.append(out[0]))  # noqa: B023
        with torch.no_grad():
            tokens = encoder.encode(coords, residue_index=residue_index)[1][0].numpy()
        hook.remove()
        distance = torch.cdist(latents[0], encoder.codebook.embeddings).numpy()
        rows = np.arange(len(tokens))
        tie = distance[rows, given.tokens] - distance[rows, tokens] < NEAR_TIE
        other = tokens != given.tokens
        counts.append((int(other.sum()), int((other & ~tie).sum())))
    return min(counts)


def mean_codes(encoder: StructureTokenEncoder, chain) -> dict[str, np.ndarray]:
    """Average the codes of a chain, in each way that "encode" can be called for it.

    With the chain's numbers and without; of its residues alone, and with the two empty rows that
    tokenize_structure puts around them.
    """
    coords, _, numbers = chain.to_structure_encoder_inputs()
    around = torch.nn.functional.pad(coords, (0, 0, 0, 0, 1, 1), value=torch.inf)
    ways = {
        "file numbers": (coords, numbers),
        "no numbers": (coords, None),
        "file numbers, empty rows": (around, torch.nn.functional.pad(numbers, (1, 1))),
        "no numbers, empty rows": (around, None),
    }
    with torch.no_grad():
        return {
            way: encoder.encode(xyz, residue_index=index)[0].mean(axis=1)[0].numpy()
            for way, (xyz, index) in ways.items()
        }
