from .alike import same_token as same_token
from .comparing import compare as compare
from .conformations import compare_conformations as compare_conformations
from .flipping import flip_radius as flip_radius
from .knocking_out import knock_out as knock_out
from .knocking_out import knock_out_profile as knock_out_profile
from .pairing import compare_residues as compare_residues
from .replacing import replace as replace
