"""What a `StructureView` shows, as data for its static picture."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from biotite.structure.io.pdbx import CIFFile, get_structure

from esm_explore.palette import FRAMELESS, hex_colors
from esm_explore.plots.still import ChainStill, frame_lines
from esm_explore.plots.still_page import HOW
from esm_explore.widgets.page import PageView

# What is a ribbon in the picture.
_LIVE = {"stick": "sticks", "surface": "a surface"}


def how_it_lives(view: PageView) -> str:
    """Say how a view's picture comes to life, and what is drawn another way then.

    Parameters
    ----------
    view : StructureView

    Returns
    -------
    str
    """
    live = _LIVE.get(view.style)
    return f"{HOW} The ribbon is {live} of the backbone's atoms then." if live else HOW


def chain_still(view: PageView, caption: str = "") -> ChainStill:
    """Read off a view what its picture needs, the camera too where a page has told of it.

    Parameters
    ----------
    view : StructureView
    caption : str
        Stands over the picture: the chain's name where there are several.

    Returns
    -------
    ChainStill
    """
    places = _places(view.structure, len(view.labels))
    length = len(places)
    frames = [line for i in view.frames for line in frame_lines(places[i])]
    hexes = hex_colors(np.frombuffer(view.colors, np.uint8).reshape(-1, 3))[:length]
    return ChainStill(
        places[:, 1],
        hexes + [FRAMELESS] * (length - len(hexes)),
        secondary=view.secondary,
        # What is said of the token would cover the picture.
        labels=[label.partition(",")[0] for label in view.labels]
        + [""] * (length - len(view.labels)),
        camera=view.camera,
        selected=view.selected,
        selection=view.selection,
        lines=view.lines,
        focus=view.focus,
        ghost=[*view.ghost, *frames],
        caption=caption,
    )


@lru_cache(maxsize=8)
def _places(structure: str, length: int) -> np.ndarray:
    """Read N, CA and C of what `backbone_cif` writes, shape=(L, 3, 3), NaN where there is none."""
    places = np.full((length, 3, 3), np.nan)
    if structure:
        atoms = get_structure(CIFFile.read(io.StringIO(structure)), model=1)
        # Labels need not be there.
        places = np.full((max(length, int(atoms.res_id.max())), 3, 3), np.nan)
        for slot, name in enumerate(("N", "CA", "C")):
            named = atoms[atoms.atom_name == name]
            places[named.res_id - 1, slot] = named.coord
    return places
