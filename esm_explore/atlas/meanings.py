"""Whether a change of code is one of meaning: for experiments."""

from __future__ import annotations

from functools import cache

import numpy as np

from esm_explore.atlas.belonging import is_of
from esm_explore.atlas.opening import SHIPPED
from esm_explore.atlas.table import CodesTable
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.errors import AtlasError

SAME, SYNONYM, OTHER, UNKNOWN = "same", "synonym", "another", "not known"


def atlas_for(info: EncoderInfo) -> CodesTable | None:
    """Give the bundled atlas, if it is of this encoder."""
    shipped = _shipped()
    return shipped if is_of(shipped.manifest["encoder"], info) else None


@cache
def _shipped() -> CodesTable:
    return CodesTable(SHIPPED)


def change_of_meaning(
    old: np.ndarray, new: np.ndarray, info: EncoderInfo, atlas: CodesTable | None = None
) -> np.ndarray:
    """Say of pairs of codes whether they mean the same.

    Parameters
    ----------
    old, new : ndarray, shape=(n,), dtype=int64
        -1 is no code.
    info : EncoderInfo
        Whose codes they are.
    atlas : Atlas, optional
        Of that encoder; the bundled one where it is of it.

    Returns
    -------
    ndarray, shape=(n,), dtype=object
        ``same`` code, ``synonym``, ``another`` meaning; ``not known`` without an atlas of the
        encoder, of codes that no residue in it has, and where there is no code.

    Raises
    ------
    AtlasError
        If the atlas is of another encoder.

    Examples
    --------
    >>> import esm_explore as ex
    >>> info = ex.encoder_info(ex.load_encoder("mini"))
    >>> change_of_meaning(np.array([7, 7]), np.array([7, -1]), info).tolist()
    ['same', 'not known']
    """
    if atlas is not None and not is_of(atlas.manifest["encoder"], info):
        raise AtlasError(
            f"This atlas is of the encoder {atlas.manifest['encoder']['title']}, the codes are of "
            f"{info.title}: open, or build, an atlas of that one."
        )
    atlas = atlas_for(info) if atlas is None else atlas
    old, new = np.asarray(old), np.asarray(new)
    there = (old >= 0) & (new >= 0)
    words = np.where(there & (old == new), SAME, UNKNOWN).astype(object)
    if atlas is not None:
        meaning = atlas.codes["meaning"].to_numpy()
        first, second = (np.where(there, meaning[tokens], -1) for tokens in (old, new))
        known = there & (old != new) & (first >= 0) & (second >= 0)
        words[known] = np.where(first == second, SYNONYM, OTHER)[known]
    return words
