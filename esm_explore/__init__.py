"""A microscope for ESM3's structure tokens.

The stub beside this file is the table of names: each is imported when it is first asked for, so
that the package itself is there at once.
"""

import lazy_loader

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
