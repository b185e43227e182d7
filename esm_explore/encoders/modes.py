"""The modes that arithmetic runs in, whatever the caller's are; all are of one thread alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def plain_float32(device: torch.device | str = "cpu") -> Iterator[None]:
    """Without gradients, and without autocast or inference mode that is on outside.

    Tensors made in inference mode could not be written to in a later call.
    """
    kind = torch.device(device).type
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(kind, enabled=False):
        yield
