from . import analysis as analysis
from . import decoding as decoding
from . import experiments as experiments
from . import export as export
from . import plots as plots
from .atlas.building import build_atlas as build_atlas
from .atlas.reading import open_atlas as open_atlas
from .chains.reading import read_chain as read_chain
from .chains.reading import read_chains as read_chains
from .diagnosis.examination import doctor as doctor
from .encoders.identity import encoder_info as encoder_info
from .encoders.loading import load_encoder as load_encoder
from .errors import AtlasError as AtlasError
from .errors import ChainError as ChainError
from .errors import ChainWarning as ChainWarning
from .errors import EncoderError as EncoderError
from .errors import EsmExploreError as EsmExploreError
from .errors import TraceError as TraceError
from .plots.structure_views import view as view
from .sources.bundled import examples as examples
from .tokens.tokenizing import tokenize as tokenize
from .tracing.tracer import load_trace as load_trace
from .tracing.tracer import trace as trace
from .widgets.inspecting import inspect as inspect
from .widgets.tour import step_through as step_through

__version__: str
