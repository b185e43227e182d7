from .alike import same_token as same_token
from .comparing import compare as compare
from .pairing import ResiduePair as ResiduePair
from .pairing import compare_residues as compare_residues
