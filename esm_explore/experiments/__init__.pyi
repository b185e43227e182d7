from .alike import same_token as same_token
from .comparing import compare as compare
from .pairing import compare_residues as compare_residues
