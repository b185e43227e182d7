"""Every public function, given something else than it takes, says so in an error of ours."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pandas as pd
import pytest

import esm_explore as ex
from esm_explore.analysis.latent_maps import LatentMap, MapSettings
from esm_explore.findings import Report

NAMESPACES = ("", ".analysis", ".decoding", ".experiments", ".plots")
WRONG = ("None", "5", "-1", "text", "chain", "trace", "encoder", "list", "texts", "array", "table")
# What is wrong elsewhere and right there. Where None is the default it is right, too.
RIGHT = {
    "chain": ("chain",),
    "source": ("chain",),
    "encoder": ("encoder",),
    "trace": ("trace",),
    "traces": ("trace",),
    "first": ("trace",),
    "second": ("trace",),
    "residue": ("5",),
    "other": ("5",),
    "value": ("5",),
    "inspect.traces": ("chain", "trace"),
    "residues": ("list",),
    "code": ("5",),
    "token": ("5",),
    **dict.fromkeys(("k", "n_points", "n_neighbors", "chunk_size", "head", "width"), ("5",)),
    "seed": ("5", "None"),
    "tokens": ("list",),
    "letters": ("text", "texts"),
    "label": ("text",),
    "map_figure.what": ("text",),
    "fit_map.of": ("text",),
    "doctor.what": ("chain", "trace"),
}


def public() -> list[tuple[str, str]]:
    """All functions and classes on the card, and each of their parameters."""
    found = []
    for namespace in NAMESPACES:
        module = importlib.import_module("esm_explore" + namespace)
        for name in dir(module):
            value = getattr(module, name)
            if inspect.ismodule(value) or (
                inspect.isclass(value) and issubclass(value, Exception | Warning)
            ):
                continue
            found += [(f"{namespace}.{name}", one) for one in inspect.signature(value).parameters]
    return found


@pytest.fixture(scope="module")
def things():
    """What is right, by the parameter's name, and what is wrong, by what it is."""
    encoder, chain = ex.load_encoder(), ex.read_chain("1UBI")
    trace = ex.trace(encoder, chain)
    names = ("1EJG", "5PTI", "1A8O", "1AS5")
    traces = [trace, *(ex.trace(encoder, ex.read_chain(name)) for name in names)]
    labels = [np.arange(len(each)) % 2 for each in traces]
    token = int(trace.tokens[10])
    settings = MapSettings(76, 2, 0, 15, 0.1)
    fitted = LatentMap(trace.pre_vq[:, :2], trace.pre_vq, settings)
    values = np.arange(76.0)
    scores = pd.DataFrame({"stage": ["pre_vq"], "accuracy": [0.5], "majority": [0.4]})
    right = {
        **{"encoder": encoder, "chain": chain, "chains": [chain], "source": "1UBI"},
        **{"trace": trace, "first": trace, "second": trace, "traces": traces, "labels": labels},
        **{"opened": trace.neighborhood(5), "statistics": ex.analysis.head_weights(trace)},
        **{"x": "distance_weight", "y": "rotation_weight", "key": "token"},
        **{"block": 0, "residue": 5},
        **{"used": ex.analysis.usage(trace.tokens, 4096), "n_codes": 4096, "tokens": trace.tokens},
        **{"motion": ex.experiments.compare(trace, trace), "token": token, "code": token},
        **{"alike": ex.experiments.same_token(trace, token), "letters": chain.sequence},
        **{"latents": trace.pre_vq, "codebook": trace.codebook, "placed": fitted, "values": values},
        **{"what": "numbers", "maps": {"latents": fitted}, "colors": {"numbers": values}},
        **{"knocked": ex.experiments.knock_out(trace, 5)},
        **{
            "stage": "pre_vq",
            "value": "zero",
            "replaced": ex.experiments.replace(trace, "all", 5, 9),
        },
        **{"compared": ex.experiments.compare_conformations(trace, trace)},
        **{"radii": ex.experiments.flip_radius(trace)},
        **{"profile": ex.experiments.knock_out_profile(trace)},
        **{"tables": {"side": scores}, "path": "none.trace"},
    }
    wrong = {
        **{"None": None, "5": 5, "-1": -1, "text": "text", "list": [1, 2], "texts": ["a", "b"]},
        **{"chain": chain, "trace": trace, "encoder": encoder},
        **{"array": np.full((2, 3), np.nan), "table": scores},
    }
    return right, wrong


def arguments(function, parameter: str, value: object, right: dict) -> tuple[list, dict]:
    """Give all that a function needs, one of them as it is."""
    parameters = inspect.signature(function).parameters
    if parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL:
        return [value], {}
    needed = [
        name
        for name, one in parameters.items()
        if one.default is one.empty and one.kind is not one.VAR_POSITIONAL
    ]
    return [], {name: right.get(name) for name in needed} | {parameter: value}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameter"), public())
def test_the_wrong_things_are_refused_by_an_error_of_ours(things, name, parameter):
    """No AttributeError from somewhere inside; and none of them is taken in silence."""
    right, wrong = things
    namespace, _, verb = name.rpartition(".")
    function = getattr(importlib.import_module("esm_explore" + namespace), verb)
    default = inspect.signature(function).parameters[parameter].default
    for what in WRONG:
        value = wrong[what]
        positional, named = arguments(function, parameter, value, right)
        if what in RIGHT.get(f"{verb}.{parameter}", RIGHT.get(parameter, ())) or default is value:
            continue
        try:
            given = function(*positional, **named)
            if inspect.isgenerator(given):
                list(given)
            # The doctor says in its report what is wrong, and does not raise it.
            if isinstance(given, Report) and given.worst == "error":
                continue
        except ex.EsmExploreError:
            continue
        except Exception as error:
            pytest.fail(f"{verb}({parameter}={what}) raises {error!r}")
        else:
            pytest.fail(f"{verb}({parameter}={what}) is taken: {type(given).__name__}")
