"""A microscope for ESM3's structure tokens.

The stub beside this file is the table of names: each is imported when it is first asked for, so
that the package itself is there at once.
"""

import gc
import sys

import lazy_loader

__version__ = "0.2.0"
_look_up, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if "esm" in sys.modules or name not in __all__:
        return _look_up(name)
    from esm_explore.widgets.early import prepare_early

    prepare_early()
    if not gc.isenabled() or gc.get_freeze_count():
        return _look_up(name)
    # torch and esm bring 160,000 objects that stay. Going through them for garbage again and again
    # while they come took a fifth of the time: they are told to be old ones, at once.
    gc.disable()
    try:
        return _look_up(name)
    finally:
        gc.freeze()
        gc.unfreeze()
        gc.enable()
