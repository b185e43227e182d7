"""Sums over families of what is counted in each, part by part, without holding all families."""

from __future__ import annotations

import numpy as np

from esm_explore.atlas.families import Families


class FamilySums:
    """What is counted of codes' categories, where a family counts as one average chain.

    A family is summed up when its last part has been seen; until then it is held.

    Parameters
    ----------
    families : Families
    n_codes : int
    kinds : dict of str to slice
        Columns of each kind: its categories, and last how many residues it is known of.

    Attributes
    ----------
    counts : ndarray, shape=(n_codes, n_columns), dtype=float64
        Of residues.
    n_families : ndarray, shape=(n_codes, n_columns), dtype=int64
        Families in which a kind is known of any residue; the same for all its columns.
    squares : ndarray, shape=(n_codes, n_columns), dtype=float64
        Sum of the square of a column, over the family's residues of which the kind is known.
    with_size : ndarray, shape=(n_codes,), dtype=float64
        Sum of the first column times the family's size.
    first_squared : ndarray, shape=(n_codes,), dtype=float64
        Sum of the square of the first column.
    """

    def __init__(self, families: Families, n_codes: int, kinds: dict[str, slice]):
        self._families, self._kinds = families, kinds
        width = max(columns.stop for columns in kinds.values())
        self.counts, self.squares = np.zeros((2, n_codes, width))
        self.n_families = np.zeros((n_codes, width), np.int64)
        self.with_size, self.first_squared = np.zeros((2, n_codes))
        self._keys, self._held = np.zeros(0, np.int64), np.zeros((0, width))

    def add(self, part: int, token: np.ndarray, chain: np.ndarray, marks: np.ndarray) -> None:
        """Add the residues of a part.

        Parameters
        ----------
        part : int
            In order.
        token, chain : ndarray, shape=(N,)
        marks : ndarray, shape=(N, n_columns), dtype=uint8
        """
        n = len(self._families)
        keys = token.astype(np.int64) * n + self._families.of_chain[chain]
        keys, sums = _summed(keys, marks)
        keys, sums = _summed(np.concatenate([self._keys, keys]), np.vstack([self._held, sums]))
        whole = self._families.last_part[keys % n] <= part
        self._keys, self._held = keys[~whole], sums[~whole]
        self._sum_up(*np.divmod(keys[whole], n), sums[whole])

    def _sum_up(self, token: np.ndarray, family: np.ndarray, sums: np.ndarray) -> None:
        if not len(token):
            return
        sums = sums * self._families.weight[family][:, None]
        known = np.empty_like(sums)
        for columns in self._kinds.values():
            known[:, columns] = sums[:, columns.stop - 1 : columns.stop]
        codes, first = np.unique(token, return_index=True)
        self.counts[codes] += np.add.reduceat(sums, first)
        self.n_families[codes] += np.add.reduceat((known > 0).astype(np.int64), first)
        squares = sums**2 / np.where(known > 0, known, 1)
        for columns in self._kinds.values():
            squares[:, columns.stop - 1] = sums[:, columns.stop - 1] ** 2
        self.squares[codes] += np.add.reduceat(squares, first)
        ones = sums[:, 0]
        self.with_size[codes] += np.add.reduceat(ones * self._families.size[family], first)
        self.first_squared[codes] += np.add.reduceat(ones**2, first)


def _summed(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum rows of one key, in the order of keys."""
    if not len(keys):
        return keys, values.astype(np.float64)
    order = np.argsort(keys, kind="stable")
    unique, first = np.unique(keys[order], return_index=True)
    return unique, np.add.reduceat(values[order], first, dtype=np.float64)
