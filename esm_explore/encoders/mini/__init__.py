"""The bundled encoder: small, trained by this project, of esm's own class."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import torch
from esm.models.vqvae import StructureTokenEncoder
from safetensors.torch import load

from esm_explore.encoders.weights import build_encoder

TITLE = "mini (esm_explore, trained on 11k chains)"
MINI_FILE = Path(str(files(__package__) / "weights.safetensors"))
# What the file holds beside the encoder, for `esm_explore.decoding.local`.
DECODER = "decoder."
BINS = "decoder_bins"


def load_mini() -> StructureTokenEncoder:
    """Load the bundled encoder, in eval mode, float32, without gradients."""
    tensors = {
        name: t for name, t in mini_tensors().items() if not name.startswith((DECODER, BINS))
    }
    return build_encoder(tensors).requires_grad_(False)


def mini_tensors() -> dict[str, torch.Tensor]:
    """Give all tensors of the bundled file by name, those of the local decoder among them."""
    return load(MINI_FILE.read_bytes())
