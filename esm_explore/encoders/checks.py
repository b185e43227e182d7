"""Which encoders are taken: esm's own, in float32, with plain tensors that can be caught."""

from __future__ import annotations

from typing import NoReturn

import torch
from esm.models.vqvae import StructureTokenEncoder
from torch import nn

from esm_explore.encoders.modules import check_blocks, check_class, modules_of
from esm_explore.errors import TraceError


def check_encoder(encoder: StructureTokenEncoder) -> None:
    """Refuse what is not esm's structure encoder in float32.

    Raises
    ------
    TraceError
        With what would be right: of an encoder that was compiled, quantized or put into half
        precision, that has no numbers, or numbers that are none.
    """
    check_plain(encoder)
    check_numbers(encoder)


def check_numbers(encoder: StructureTokenEncoder) -> None:
    """Refuse other numbers than float32 on one device, and a codebook that is not finite."""
    tensors = [*encoder.parameters(), *encoder.buffers()]
    dtypes = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    if dtypes != {torch.float32}:
        names = ", ".join(sorted(str(dtype) for dtype in dtypes))
        raise TraceError(
            f"The encoder's weights are {names}; esm encodes in float32: use encoder.float()."
        )
    devices = sorted({str(tensor.device) for tensor in tensors})
    if len(devices) > 1:
        _refuse_devices(devices)
    if not torch.isfinite(torch.stack(modules_of(encoder).codes.aminmax())).all():
        raise TraceError(
            "The encoder's codebook holds NaN or infinite numbers, with which esm gives every "
            "residue the same token: load the encoder again."
        )


def check_plain(encoder: StructureTokenEncoder) -> None:
    """Refuse what is no encoder of esm's, lacks a part or numbers, or is compiled or quantized."""
    if hasattr(encoder, "_orig_mod"):
        raise TraceError(
            "This is what torch.compile made of an encoder; inside it nothing can be caught: give "
            "the encoder itself."
        )
    check_class(encoder)
    check_blocks(encoder)
    for name, module in encoder.named_modules():
        # esm never calls the encoder itself, so it may be compiled.
        called = name and getattr(module, "_compiled_call_impl", None) is not None
        if called or hasattr(module, "_orig_mod"):
            raise TraceError(
                f"The encoder was compiled at {name}; inside it nothing can be caught: use an "
                "encoder without torch.compile, such as a freshly loaded one."
            )
    state = encoder.state_dict()
    for name, value in state.items():
        plain = type(value) in (torch.Tensor, nn.Parameter) and value.layout == torch.strided
        if not plain or not value.is_floating_point():
            kind = value.dtype if isinstance(value, torch.Tensor) else type(value).__name__
            raise TraceError(
                f"The encoder's {name} is a {type(value).__name__} of {kind}: a quantized encoder "
                "gives other tokens than esm's. Use it in float32, as load_encoder loads it."
            )
    if any(value.is_meta for value in state.values()):
        _refuse_devices(sorted({str(value.device) for value in state.values()}))


def _refuse_devices(devices: list[str]) -> NoReturn:
    raise TraceError(
        f"The encoder's weights are on {' and '.join(devices)}; they have to be on one device, "
        "with numbers: use encoder.to(device), or load it again."
    )
