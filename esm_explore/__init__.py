"""A microscope for ESM3's structure tokens."""

from esm_explore.annotations import annotate
from esm_explore.chains import examples, read_chain
from esm_explore.encoders import EncoderInfo, encoder_info, load_encoder
from esm_explore.errors import (
    ChainError,
    ChainWarning,
    EncoderError,
    EsmExploreError,
    TraceError,
)
from esm_explore.mini.decoder import DecodedNeighborhood, decode_neighborhood
from esm_explore.neighborhood import Neighborhood
from esm_explore.show.structure import view, view_neighborhood
from esm_explore.trace_files import load_trace
from esm_explore.traces import Trace
from esm_explore.tracing import trace

__version__ = "0.1.0"

__all__ = [
    "ChainError",
    "ChainWarning",
    "DecodedNeighborhood",
    "EncoderError",
    "EncoderInfo",
    "EsmExploreError",
    "Neighborhood",
    "Trace",
    "TraceError",
    "annotate",
    "decode_neighborhood",
    "encoder_info",
    "examples",
    "load_encoder",
    "load_trace",
    "read_chain",
    "trace",
    "view",
    "view_neighborhood",
]
