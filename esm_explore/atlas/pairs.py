"""Codes that meet: as runner-up, or one after the other along a chain."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from esm_explore.atlas.adjacent import before_a_bonded
from esm_explore.atlas.families import Families
from esm_explore.atlas.statistics import q_of_some

# Every so many families is held out where perplexity is measured.
_HELD_OUT = 10


class PairCounts:
    """Pairs of codes, where a family counts as one average chain.

    Memory grows with the pairs that are met, at most the square of the codes.

    Parameters
    ----------
    families : Families
    n_codes : int

    Attributes
    ----------
    borders : csr_array, shape=(n_codes, n_codes), dtype=float64
        Codes and their runner-ups.
    """

    def __init__(self, families: Families, n_codes: int):
        self._families, self._n = families, n_codes
        # Followers, in every tenth family and in the others, and families they are met in.
        self.borders, self._held_out, self._seen, self._in_families = (
            csr_array((n_codes, n_codes)) for _ in range(4)
        )
        self._held = np.zeros(0, np.int64)

    def add(self, part: int, table: pd.DataFrame) -> None:
        """Add the residues of a part, in order."""
        token = table["token"].to_numpy()
        family = self._families.of_chain[table["chain"].to_numpy()]
        weight = self._families.weight[family]
        self.borders += self._of_pairs(token, table["runner_up"].to_numpy(), weight)
        first = before_a_bonded(table)
        before, after = token[first], token[first + 1]
        family, weight = family[first], weight[first]
        out = family % _HELD_OUT == 0
        self._held_out += self._of_pairs(before[out], after[out], weight[out])
        self._seen += self._of_pairs(before[~out], after[~out], weight[~out])
        n = len(self._families)
        keys = (before * self._n + after) * n + family
        keys = np.unique(np.concatenate([self._held, keys]))
        whole = self._families.last_part[keys % n] <= part
        self._held = keys[~whole]
        pairs = keys[whole] // n
        met = self._of_pairs(pairs // self._n, pairs % self._n, np.ones(len(pairs)))
        self._in_families += met

    def _of_pairs(self, first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> csr_array:
        return csr_array((weight, (first, second)), shape=(self._n, self._n))

    def bordering(self) -> pd.DataFrame:
        """List codes and their runner-ups: code, token and count."""
        return _listed(self.borders)

    def following(self) -> pd.DataFrame:
        """List codes that follow one another, and compare how often with chance.

        Returns
        -------
        DataFrame
            One row a pair that is met: code, token (the one that follows), count, families, lift
            (the count over what the counts of both alone would make) and q (that it is more than
            chance, by Benjamini and Hochberg over all pairs of codes that are followed and
            follow).

        Notes
        -----
        Families in which a pair occurs are compared with a Poisson distribution whose mean is the
        number of pairs, not of families, that chance makes: in one family that is at least as
        many, so that q is rather too large.
        """
        from scipy.special import pdtrc

        whole = self._seen + self._held_out
        before, after = whole.sum(axis=1), whole.sum(axis=0)
        found = _listed(whole).assign(families=_listed(self._in_families)["count"].astype(int))
        chance = before[found["code"]] * after[found["token"]] / max(before.sum(), 1)
        p = pdtrc(found["families"].to_numpy() - 1, chance)
        n_tests = int((before > 0).sum()) * int((after > 0).sum())
        return found.assign(lift=found["count"] / chance, q=q_of_some(p, n_tests))

    def perplexity(self) -> dict[str, float | None]:
        """Measure how hard the next code is to guess, in families that were held out.

        Returns
        -------
        dict of str to float
            unigram: from how often codes follow any; bigram: from the code before, by Witten and
            Bell's estimate. None where there are too few families.
        """
        seen, new = self._seen, _listed(self._held_out)
        if not seen.nnz or new.empty:
            return {"unigram": None, "bigram": None}
        # One more of each, for codes that were not seen.
        after = seen.sum(axis=0) + 1
        single = after / after.sum()
        rows, columns = new["code"].to_numpy(), new["token"].to_numpy()
        weight = new["count"].to_numpy()
        followers = np.diff(seen.indptr)
        total = seen.sum(axis=1) + followers
        known = total[rows] > 0
        pair = values_at(seen, rows, columns) + followers[rows] * single[columns]
        pair = np.where(known, pair / np.where(known, total[rows], 1), single[columns])
        return {
            name: float(np.exp(-np.average(np.log(share), weights=weight)))
            for name, share in (("unigram", single[columns]), ("bigram", pair))
        }


def values_at(matrix: csr_array, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Give the values at some places, 0 where there is none, shape=(n,)."""
    width = matrix.shape[1]
    listed = _listed(matrix)
    keys, wanted = listed["code"] * width + listed["token"], rows * width + columns
    return pd.Series(listed["count"].to_numpy(), keys).reindex(wanted, fill_value=0).to_numpy()


def _listed(matrix: csr_array) -> pd.DataFrame:
    """List what is counted: row as code, column as token, and count, in their order."""
    matrix.sum_duplicates()
    found = matrix.tocoo()
    code, token = (np.asarray(index, np.int64) for index in found.coords)
    return pd.DataFrame({"code": code, "token": token, "count": found.data})
