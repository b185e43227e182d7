from .local import decode_neighborhood as decode_neighborhood
