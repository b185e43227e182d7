"""What a `StructureView` shows, as data for its static picture."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from biotite.structure.io.pdbx import CIFFile, get_structure

from esm_explore.palette import FRAMELESS, hex_colors
from esm_explore.plots.still import ChainStill
from esm_explore.widgets.structure_view import StructureView


def chain_still(view: StructureView, caption: str = "") -> ChainStill:
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
    length = len(view.labels)
    hexes = hex_colors(np.frombuffer(view.colors, np.uint8).reshape(-1, 3))[:length]
    return ChainStill(
        _ca(view.structure, length),
        hexes + [FRAMELESS] * (length - len(hexes)),
        secondary=view.secondary,
        labels=view.labels,
        camera=view.camera,
        selected=view.selected,
        selection=view.selection,
        lines=view.lines,
        focus=view.focus,
        ghost=view.ghost,
        caption=caption,
    )


@lru_cache(maxsize=8)
def _ca(structure: str, length: int) -> np.ndarray:
    """Read the CA atoms of what `backbone_cif` writes, shape=(L, 3), NaN where there is none."""
    places = np.full((length, 3), np.nan)
    if structure:
        atoms = get_structure(CIFFile.read(io.StringIO(structure)), model=1)
        ca = atoms[atoms.atom_name == "CA"]
        places[ca.res_id - 1] = ca.coord
    return places
