"""Each code's categories beside those of all residues, as building and reading compare them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.atlas.statistics import design_effect, enrichment

_Q = 0.05


@dataclass(frozen=True, eq=False)
class Compared:
    """Categories of one kind, shape=(n_codes, n_categories) each.

    Attributes
    ----------
    share : ndarray
        A family counting as one average chain; NaN for codes of fewer than 20 residues, as in the
        others.
    ratio : ndarray
        Over the share of all residues.
    q : ndarray
    low, high : ndarray
        95 % interval of the share.
    """

    share: np.ndarray
    ratio: np.ndarray
    q: np.ndarray
    low: np.ndarray
    high: np.ndarray


def compare_codes(
    weighted: np.ndarray, cluster: np.ndarray, expected: np.ndarray, correlated: np.ndarray
) -> Compared:
    """Compare the categories of one kind.

    Parameters
    ----------
    weighted : ndarray, shape=(n_codes, n_categories + 1)
        Residues, a family counting as one average chain; last those of which the kind is known.
    cluster : ndarray, shape=(n_codes,)
        How many of them are in the family of one.
    expected, correlated : ndarray, shape=(n_categories,)
        Shares of all residues, and how alike residues of one code and family are.
    """
    effect = design_effect(cluster, correlated)
    return Compared(*enrichment(weighted[:, :-1], weighted[:, -1], expected, effect))


def codes_with_more(
    codes: pd.DataFrame, compared: dict[str, Compared], places: dict[str, int]
) -> pd.DataFrame:
    """Rank the codes that have more of some categories; see `Atlas.codes_where`.

    Parameters
    ----------
    codes : DataFrame
    compared : dict of str to Compared
        By kind.
    places : dict of str to int
        Of the categories among those of their kind.
    """
    found = codes[["token", "count", "description"]].assign(enrichment=1.0)
    kept = np.ones(len(found), bool)
    for kind, i in places.items():
        them = compared[kind]
        kept &= (them.q[:, i] < _Q) & (them.ratio[:, i] > 1)
        found = found.assign(**{kind: them.share[:, i], f"{kind}_q": them.q[:, i]})
        found["enrichment"] *= them.ratio[:, i]
    found = found[kept].sort_values("enrichment", ascending=False, kind="stable")
    return found.reset_index(drop=True)
