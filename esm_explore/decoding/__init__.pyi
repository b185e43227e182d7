from .chains import decode as decode
from .identity import decoder_info as decoder_info
from .loading import load_decoder as load_decoder
from .local import decode_neighborhood as decode_neighborhood
