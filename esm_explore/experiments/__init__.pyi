from .alike import same_token as same_token
from .comparing import compare as compare
