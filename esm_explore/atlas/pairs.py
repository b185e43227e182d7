"""Codes that meet: as runner-up, or one after the other along a chain."""

from __future__ import annotations

import numpy as np
import pandas as pd

from esm_explore.atlas.adjacent import before_a_bonded
from esm_explore.atlas.families import Families
from esm_explore.atlas.statistics import q_of_some

# Every so many families is held out where perplexity is measured.
_HELD_OUT = 10


class PairCounts:
    """Pairs of codes, where a family counts as one average chain.

    Memory grows with the square of the codes, not with the pairs.

    Parameters
    ----------
    families : Families
    n_codes : int

    Attributes
    ----------
    borders : ndarray, shape=(n_codes, n_codes), dtype=float32
        Codes and their runner-ups.
    following : ndarray, shape=(n_codes, n_codes), dtype=float32
        Codes and those of the next residue, where bonded.
    in_families : ndarray, shape=(n_codes, n_codes), dtype=int32
        Families in which one follows the other.
    held_out : ndarray, shape=(n_codes, n_codes), dtype=float32
        `following` in every tenth family alone.
    """

    def __init__(self, families: Families, n_codes: int):
        self._families, self._n = families, n_codes
        self.borders, self.following, self.held_out = np.zeros((3, n_codes, n_codes), np.float32)
        self.in_families = np.zeros((n_codes, n_codes), np.int32)
        self._held = np.zeros(0, np.int64)

    def add(self, part: int, table: pd.DataFrame) -> None:
        """Add the residues of a part, in order."""
        token = table["token"].to_numpy()
        family = self._families.of_chain[table["chain"].to_numpy()]
        weight = self._families.weight[family].astype(np.float32)
        np.add.at(self.borders, (token, table["runner_up"].to_numpy()), weight)
        first = before_a_bonded(table)
        pairs = token[first], token[first + 1]
        family, weight = family[first], weight[first]
        np.add.at(self.following, pairs, weight)
        out = family % _HELD_OUT == 0
        np.add.at(self.held_out, (pairs[0][out], pairs[1][out]), weight[out])
        n = len(self._families)
        keys = (pairs[0] * self._n + pairs[1]) * n + family
        keys = np.unique(np.concatenate([self._held, keys]))
        whole = self._families.last_part[keys % n] <= part
        self._held = keys[~whole]
        np.add.at(self.in_families.reshape(-1), keys[whole] // n, 1)

    def lift(self) -> tuple[np.ndarray, np.ndarray]:
        """Compare how often codes follow one another with chance.

        Returns
        -------
        lift : ndarray, shape=(n_codes, n_codes), dtype=float32
            How often one follows the other, over what their counts alone would make; 0 where that
            is nothing.
        q : ndarray, shape=(n_codes, n_codes), dtype=float32
            That it is more than chance, by Benjamini and Hochberg over all pairs of codes that
            are followed and follow; 1 where a pair was not met.

        Notes
        -----
        Families in which a pair occurs are compared with a Poisson distribution whose mean is the
        number of pairs, not of families, that chance makes: in one family that is at least as
        many, so that q is rather too large.
        """
        from scipy.special import pdtrc

        before, after = self.following.sum(1, dtype=float), self.following.sum(0, dtype=float)
        scale = max(before.sum(), 1)
        met = np.nonzero(self.in_families)
        expected = before[met[0]] * after[met[1]] / scale
        lift, q = np.zeros_like(self.following), np.ones_like(self.following)
        lift[met] = self.following[met] / expected
        n_tests = int((before > 0).sum()) * int((after > 0).sum())
        q[met] = q_of_some(pdtrc(self.in_families[met] - 1, expected), n_tests)
        return lift, q

    def perplexity(self) -> dict[str, float | None]:
        """Measure how hard the next code is to guess, in families that were held out.

        Returns
        -------
        dict of str to float
            unigram: from how often codes follow any; bigram: from the code before, by Witten and
            Bell's estimate. None where there are too few families.
        """
        seen, new = self.following - self.held_out, self.held_out
        if not (seen > 0).any() or not new.any():
            return {"unigram": None, "bigram": None}
        # One more of each, for codes that were not seen.
        after = seen.sum(0, dtype=float) + 1
        single = after / after.sum()
        rows, columns = np.nonzero(new)
        weight = new[rows, columns].astype(float)
        followers = (seen > 0).sum(1)
        total = seen.sum(1, dtype=float) + followers
        known = total[rows] > 0
        pair = seen[rows, columns] + followers[rows] * single[columns]
        pair = np.where(known, pair / np.where(known, total[rows], 1), single[columns])
        return {
            name: float(np.exp(-np.average(np.log(share), weights=weight)))
            for name, share in (("unigram", single[columns]), ("bigram", pair))
        }
