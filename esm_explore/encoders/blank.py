"""Modules of torch without numbers, to be given their numbers: no memory, no random draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from esm.models.vqvae import StructureTokenEncoder
from torch import nn
from torch.overrides import TorchFunctionMode

Module = TypeVar("Module", bound=nn.Module)
_MAKERS = (torch.empty, torch.zeros, torch.ones, torch.randn)


class _WithoutNumbers(TorchFunctionMode):
    """Tensors are made without numbers, and nothing is written into them.

    ``torch.device("meta")`` would do so, too, but notes the device for the whole process, and
    torch imports for seconds before it writes to the first of its tensors.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if function in _MAKERS:
            return torch.empty(*args, **kwargs | {"device": "meta"})
        name = getattr(function, "__name__", "")
        if name.endswith("_") and not name.startswith("_"):
            return args[0] if args else kwargs["tensor"]
        return function(*args, **kwargs)


@contextmanager
def without_numbers() -> Iterator[None]:
    """Make modules without numbers, in this thread alone, whatever torch's defaults are."""
    with torch.inference_mode(False), _WithoutNumbers():
        yield


def blank_encoder(**sizes: int) -> StructureTokenEncoder:
    """Make an encoder of some sizes, without numbers: for `filled`."""
    with without_numbers():
        return StructureTokenEncoder(**sizes)


def filled(module: Module, tensors: Mapping[str, torch.Tensor]) -> Module:
    """Give a module made without numbers those of some tensors, which it keeps, in eval mode."""
    with torch.inference_mode(False), torch.no_grad():
        # What was made in inference mode could not be trained, nor written to.
        own = {name: t.clone() if t.is_inference() else t for name, t in tensors.items()}
        module.load_state_dict(own, assign=True)
    return module.eval()
