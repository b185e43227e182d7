"""How often each code meets letters of another alphabet: DSSP's, or 3Di's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from esm_explore.arguments import not_among
from esm_explore.errors import AtlasError

# Kinds of an atlas by what they are called.
ALPHABETS = {"dssp": "ss", "3di": "threedi"}
# Tables of chance, of which mutual information takes the mean.
_DRAWN = 5


@dataclass(frozen=True, eq=False, repr=False)
class Crosswalk:
    """Counts of residues by symbol and letter.

    Attributes
    ----------
    name : str
        Whose symbols, and which alphabet.
    counts : DataFrame
        One row a symbol that occurs, one column a letter.
    information : float
        Mutual information of symbol and letter, bits, less what chance gives tables of the same
        sums; NaN where nothing is known.
    entropy : float
        Of the letters, bits.
    """

    name: str
    counts: pd.DataFrame
    information: float
    entropy: float

    @property
    def left(self) -> float:
        """Entropy of the letters given the symbol, bits: what it leaves open."""
        return self.entropy - self.information

    def __repr__(self) -> str:
        total, (symbols, letters) = int(self.counts.to_numpy().sum()), self.counts.shape
        return (
            f"{self.name}: {total:,} residues, {symbols:,} symbols by {letters} letters; "
            f"{self.information:.2f} bits of {self.entropy:.2f} shared, {self.left:.2f} left open"
        )


def crosswalk_of(counts: pd.DataFrame, name: str) -> Crosswalk:
    """Make a crosswalk of counts, one row a symbol, one column a letter."""
    counts = counts.loc[counts.sum(1) > 0]
    table = counts.to_numpy()
    used = table[:, table.sum(0) > 0]
    if not used.size:
        return Crosswalk(name, counts, np.nan, np.nan)
    share = used.sum(0) / used.sum()
    entropy = float(-(share * np.log2(share)).sum())
    return Crosswalk(name, counts, _information(used), entropy)


def _information(table: np.ndarray) -> float:
    from scipy.stats import random_table

    if min(table.shape) < 2:
        return 0.0
    chance = random_table(table.sum(1), table.sum(0), seed=np.random.default_rng(0))
    drawn = chance.rvs(_DRAWN, random_state=np.random.default_rng(0))
    return max(_bits(table) - float(np.mean([_bits(one) for one in drawn])), 0.0)


def _bits(table: np.ndarray) -> float:
    joint = table / table.sum()
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log2(joint[seen] / independent[seen])).sum())


def _kind_of(alphabet: object) -> str:
    """Give the kind of categories that an alphabet is."""
    refusal = not_among("alphabet", alphabet, tuple(ALPHABETS))
    if refusal:
        raise AtlasError(refusal)
    return ALPHABETS[alphabet]


def _check_known(table: np.ndarray, alphabet: str) -> None:
    """Refuse a crosswalk of what was not there when the atlas was built."""
    if not table.sum():
        why = "mini3di was not installed" if alphabet == "3di" else "no residue had letters"
        raise AtlasError(
            f"This atlas knows no letters of {alphabet}: {why} when it was built. "
            'pip install "esm_explore[atlas]", and build it again.'
        )


def crosswalk_of_codes(codes: pa.Table, manifest: dict, alphabet: str, symbols: str) -> Crosswalk:
    """Compare the codes of an atlas with an alphabet; see `Atlas.crosswalk`."""
    kind, categories = _kind_of(alphabet), manifest["categories"]
    title = manifest["encoder"]["title"]
    if symbols == "3di" and alphabet == "dssp":
        index, table = pd.Index(categories["threedi"]), np.array(manifest["threedi_by_ss"])
        title = "3Di"
    elif symbols == "token":
        index = pd.Index(codes["token"].to_numpy(), name="token")
        table = np.array(codes[kind].to_pylist())
    else:
        refusal = not_among("symbols", symbols, ("token", "3di")) or "3Di is what 3Di is."
        raise AtlasError(refusal)
    _check_known(table, alphabet)
    counts = pd.DataFrame(table, index=index, columns=categories[kind])
    return crosswalk_of(counts, f"{title} by {_letters_of(alphabet, manifest)}")


def _letters_of(alphabet: str, manifest: dict) -> str:
    if alphabet == "3di":
        return "3Di"
    known = manifest["dssp"] / max(manifest["framed"], 1)
    return "DSSP" if known == 1 else f"secondary structure (DSSP of {known:.0%}, else P-SEA)"
