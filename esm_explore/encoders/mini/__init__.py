"""The bundled encoder: small, trained by this project, of esm's own class."""

from __future__ import annotations

from importlib.resources import files
import torch
from esm.models.vqvae import StructureTokenEncoder
from safetensors.torch import load

from esm_explore.decoding.local import LocalDecoder
from esm_explore.encoders.weights import build_encoder

TITLE = "mini (esm_explore, trained on 11k chains)"

WEIGHTS = "weights.safetensors"

DECODER = "decoder."

BINS = "decoder_bins"



def load_mini() -> tuple[StructureTokenEncoder, LocalDecoder]:
    """Load the bundled encoder and its local decoder.

    Returns
    -------
    encoder : StructureTokenEncoder
    decoder : LocalDecoder
        Both in eval mode, float32, without gradients.
    """
    tensors = _tensors()
    encoder = build_encoder({name: t for name, t in tensors.items() if not _decoding(name)})
    decoder = LocalDecoder()
    decoder.load_state_dict(
        {n.removeprefix(DECODER): t for n, t in tensors.items() if n.startswith(DECODER)}
    )
    return encoder.eval().requires_grad_(False), decoder.eval().requires_grad_(False)



def usual_bins() -> torch.Tensor:
    """Give the relative position bins most seen with each code, shape=(n_codes, 15)."""
    return _tensors()[BINS].long()



def _tensors() -> dict[str, torch.Tensor]:
    return load((files(__package__) / WEIGHTS).read_bytes())



def _decoding(name: str) -> bool:
    return name == BINS or name.startswith(DECODER)
