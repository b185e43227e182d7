"""A microscope for ESM3's structure tokens."""

from esm_explore.analysis.annotations import annotate
from esm_explore.chains.reading import read_chain
from esm_explore.chains.sources import examples
from esm_explore.decoding.local import DecodedNeighborhood, decode_neighborhood
from esm_explore.diagnosis.examination import doctor
from esm_explore.encoders.identity import EncoderInfo, encoder_info
from esm_explore.encoders.loading import load_encoder
from esm_explore.errors import ChainError, ChainWarning, EncoderError, EsmExploreError, TraceError
from esm_explore.findings import Finding, Report
from esm_explore.plots.structure_views import view, view_neighborhood
from esm_explore.tokens.chain_tokens import ChainTokens
from esm_explore.tokens.tokenizing import tokenize, tokenize_stream
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.tracer import load_trace, trace
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.inspector import Inspector, inspect
from esm_explore.widgets.structure_view import StructureView
from esm_explore.widgets.tour import Tour, step_through

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
