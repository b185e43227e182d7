"""What a user gave where traces are wanted: taken, or refused with what would be right."""

from __future__ import annotations

from esm_explore.encoders.identity import one_encoder
from esm_explore.errors import TraceError
from esm_explore.tracing.traces import Trace


def check_trace(given: object, verb: str) -> Trace:
    """Give what a user gave to a function, the verb, if it is a trace; else a TraceError."""
    if not isinstance(given, Trace):
        kind = type(given).__name__
        raise TraceError(f"{verb} takes a Trace, not a {kind}; ex.trace(encoder, chain) makes one.")
    return given


def traces_of(given: Trace | list[Trace], verb: str) -> list[Trace]:
    """Take one trace, or several of one encoder, as a list; else a TraceError."""
    given = list(given) if isinstance(given, list | tuple) else [given]
    traces = [check_trace(one, verb) for one in given]
    one_encoder(traces)
    return traces
