"""ESM3's encoder architecture with random weights, and a codebook that makes its tokens vary."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from safetensors.torch import load
from torch import nn

from esm_explore.encoders.blank import blank_encoder, filled
from esm_explore.encoders.modules import modules_of

SEED = 20
CODEBOOK = "codebook.safetensors"
# As esm.pretrained.ESM3_structure_encoder_v0 builds it.
SIZES = {
    "d_model": 1024,
    "n_heads": 1,
    "v_heads": 128,
    "n_layers": 2,
    "d_out": 128,
    "n_codes": 4096,
}


def untrained_encoder() -> StructureTokenEncoder:
    """Make the untrained encoder, the same on every machine.

    Returns
    -------
    StructureTokenEncoder
        With `random_encoder`'s weights and the codebook that
        `esm_explore.recipes.untrained_codebook` made of latents of training chains.
    """
    encoder = random_encoder()
    codes = load((files(__package__) / CODEBOOK).read_bytes())["embeddings"].float()
    modules = modules_of(encoder)
    modules.codes.copy_(codes)
    modules.sums.copy_(codes)
    modules.counts.fill_(1)
    return encoder


def random_encoder() -> StructureTokenEncoder:
    """Draw the weights of all layers from one seed, with the spread that torch and esm start from.

    Returns
    -------
    StructureTokenEncoder
        Its codebook is all zeros. numpy draws, because torch's numbers depend on the processor.
    """
    encoder = blank_encoder(**SIZES)
    rng = np.random.default_rng(SEED)
    numbers = {
        name: np.zeros(tensor.shape, dtype=np.float32)
        for name, tensor in encoder.state_dict().items()
    }
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Linear):
            spread = (3 * module.in_features) ** -0.5
            names = ["weight", "bias"] if module.bias is not None else ["weight"]
        elif isinstance(module, nn.Embedding):
            spread, names = 0.02, ["weight"]
        else:
            if isinstance(module, nn.LayerNorm):
                numbers[f"{name}.weight"][:] = 1
            continue
        for part in names:
            drawn = numbers[f"{name}.{part}"]
            rng.standard_normal(dtype=np.float32, out=drawn)
            drawn *= np.float32(spread)
    return filled(encoder, {name: torch.from_numpy(each) for name, each in numbers.items()})
