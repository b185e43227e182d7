"""A microscope for ESM3's structure tokens."""

from esm_explore.annotations import annotate
from esm_explore.chain_tokens import ChainTokens
from esm_explore.chains import read_chain
from esm_explore.diagnosis.examination import doctor
from esm_explore.diagnosis.findings import Finding, Report
from esm_explore.encoders import EncoderInfo, encoder_info, load_encoder
from esm_explore.errors import (
    ChainError,
    ChainWarning,
    EncoderError,
    EsmExploreError,
    TraceError,
)
from esm_explore.fast import tokenize, tokenize_stream
from esm_explore.mini.decoder import DecodedNeighborhood, decode_neighborhood
from esm_explore.neighborhood import Neighborhood
from esm_explore.show.inspector import Inspector, inspect
from esm_explore.show.structure import view, view_neighborhood
from esm_explore.show.structure_widget import StructureView
from esm_explore.show.tour import Tour, step_through
from esm_explore.sources import examples
from esm_explore.trace_files import load_trace
from esm_explore.traces import Trace
from esm_explore.tracing import trace

__version__ = "0.1.0"

__all__ = [
    "ChainError",
    "ChainTokens",
    "ChainWarning",
    "DecodedNeighborhood",
    "EncoderError",
    "EncoderInfo",
    "EsmExploreError",
    "Finding",
    "Inspector",
    "Neighborhood",
    "Report",
    "StructureView",
    "Tour",
    "Trace",
    "TraceError",
    "annotate",
    "decode_neighborhood",
    "doctor",
    "encoder_info",
    "examples",
    "inspect",
    "load_encoder",
    "load_trace",
    "read_chain",
    "step_through",
    "tokenize",
    "tokenize_stream",
    "trace",
    "view",
    "view_neighborhood",
]
