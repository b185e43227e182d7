"""What was changed in an encoder beside its weights: hooks, modules, functions, settings."""

from __future__ import annotations

from functools import cache

from esm.models.vqvae import StructureTokenEncoder
from torch import nn
from torch.nn.modules import module as module_hooks

from esm_explore.encoders.blank import blank_encoder
from esm_explore.encoders.modules import ONLY_TRAINING, modules_of
from esm_explore.encoders.turns import PASSES
from esm_explore.errors import TraceError

# Functions are told apart by their place in memory. They are kept, so that no other takes it.
_FUNCTIONS: dict[int, object] = {}
# Settings of modules are such attributes; what a pass uses of these `settings` tells, too.
_PLAIN = (bool, int, float, str, tuple, type(None))
_ELSEWHERE = {"training", "knn", "bins", "eps", *ONLY_TRAINING}


def check_unchanged(encoder: StructureTokenEncoder) -> None:
    """Refuse an encoder that a pass without esm's modules would not do justice to.

    Raises
    ------
    TraceError
        If it has hooks, other modules or settings than esm's class makes, or functions of its own:
        such a pass would skip them.
    """
    changed = changes(encoder)
    if changed:
        raise TraceError(
            f"The encoder was changed at {', '.join(changed)} (a hook, another module, function or "
            "setting): take that away, or use trace(), which goes through esm's own modules."
        )


def changes(encoder: StructureTokenEncoder) -> dict[str, tuple]:
    """Describe what is not as esm's class makes it, sizes and weights apart, by where it is.

    A function is described by where it is in memory: another process cannot tell it.
    """
    with PASSES.taken():  # not while a pass has its hooks on
        expected, found = _expected(**_sizes(encoder)), _layout(encoder)
    places = expected | found
    changed = {
        at or "its class": found.get(at, ()) for at in places if expected.get(at) != found.get(at)
    }
    hooks = [*module_hooks._global_forward_hooks.values()]
    hooks += module_hooks._global_forward_pre_hooks.values()
    return changed | ({"all modules": tuple(map(_known, hooks))} if hooks else {})


def _layout(encoder: StructureTokenEncoder) -> dict[str, tuple]:
    """Describe modules (class, parameters, hooks, settings), and functions of instances."""
    found = {}
    for name, module in encoder.named_modules():
        given = tuple(key for key, value in module._parameters.items() if value is not None)
        hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
        kind = f"{type(module).__module__}.{type(module).__qualname__}"
        own = tuple(
            (key, value)
            for key, value in sorted(vars(module).items())
            if isinstance(value, _PLAIN) and not key.startswith("_") and key not in _ELSEWHERE
        )
        found[name] = kind, given, tuple(map(_known, hooks)), own
        for key, value in vars(module).items():
            if callable(value) and hasattr(type(module), key):
                found[f"{name}.{key}".strip(".")] = (_known(value),)
    return found


def _known(function: object) -> int:
    """Give a function its number: the same each time, and never another's."""
    _FUNCTIONS[id(function)] = function
    return id(function)


def _sizes(encoder: StructureTokenEncoder) -> dict[str, int]:
    modules = modules_of(encoder)
    d_out, d_model = modules.to_latent.weight.shape
    return {
        "d_model": d_model,
        "n_heads": 1,
        "v_heads": len(modules.blocks[0].scales[0]),
        "n_layers": len(modules.blocks),
        "d_out": d_out,
        "n_codes": len(modules.codes),
    }


@cache
def _expected(**sizes: int) -> dict[str, tuple]:
    """Describe what esm's class makes of some sizes."""
    return _layout(blank_encoder(**sizes))


def settings(encoder: StructureTokenEncoder) -> list[tuple]:
    """List what a pass uses that is no weight: sizes of neighborhoods, and the norms' eps."""
    found = [("knn", modules_of(encoder).knn), ("limit", modules_of(encoder).limit)]
    for name, module in encoder.named_modules():
        if isinstance(module, nn.LayerNorm):
            found.append((name, module.eps))
    return found
