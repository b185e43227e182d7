"""What a code is, in a sentence made by rule from its numbers."""

from __future__ import annotations

import numpy as np

from esm_explore.atlas.categories import KINDS
from esm_explore.atlas.statistics import LEAST

SS_WORDS = {
    **{"H": "alpha helix", "G": "3-10 helix", "I": "pi helix", "P": "polyproline helix"},
    **{"E": "strand", "B": "bridge", "T": "turn", "S": "bend", "C": "coil"},
}
_REGIONS = {"left": "left-handed", "other": "phi above 0, outside of the left-handed region"}
# A share from which on a code is mostly so, a ratio that is worth a word, and how sure.
_MOSTLY, _RATIO, _Q = 0.5, 1.5, 0.01
_AMINO_ACIDS = 4
Values = dict[str, np.ndarray]


def describe(count: float, share: Values, ratio: Values, q: Values) -> str:
    """Describe a code.

    Parameters
    ----------
    count : float
        Residues, a family counting as one chain.
    share, ratio, q : dict of str to ndarray, shape=(n_categories,)
        Of this code, by kind, as `enrichment` gives them.

    Returns
    -------
    str
    """
    if not count:
        return "not used"
    if count < LEAST:
        n = max(round(count), 1)
        return f"too few to tell: {n} residue" + "s" * (n > 1)
    words = [_structure(share["ss"])]
    words += [
        _REGIONS[name]
        for name, part in zip(KINDS["ramachandran"], share["ramachandran"], strict=True)
        if name in _REGIONS and part >= _MOSTLY
    ]
    words += [
        name
        for name, part, times in zip(KINDS["burial"], share["burial"], ratio["burial"], strict=True)
        if name != "middle" and part >= _MOSTLY and times >= _RATIO
    ]
    letters, times = np.array(KINDS["amino_acid"]), ratio["amino_acid"]
    sure = (q["amino_acid"] < _Q) & (times >= _RATIO)
    order = [i for i in np.argsort(-times, kind="stable") if sure[i]][:_AMINO_ACIDS]
    if order:
        words.append("more " + ", ".join(f"{letters[i]} ({times[i]:.1f}x)" for i in order))
    return "; ".join(words)


def _structure(share: np.ndarray) -> str:
    first, second = np.argsort(-share, kind="stable")[:2]
    names = [SS_WORDS[letter] for letter in KINDS["ss"]]
    if not share[first] > 0:
        return "secondary structure not known"
    if share[first] >= _MOSTLY or not share[second] > 0:
        return f"{names[first]} ({share[first]:.0%})"
    return f"{names[first]} or {names[second]} ({share[first]:.0%}, {share[second]:.0%})"
