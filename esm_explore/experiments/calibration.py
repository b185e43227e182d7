"""What 111 pairs of conformations say of tokens, codes and latents: read from tables beside it.

``benchmarks/pairs.py`` of the repository makes the tables; nothing in them is typed by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from esm_explore.encoders.identity import EncoderInfo

FOLDER = files("esm_explore.experiments") / "pairs"
SCORES, CURVES = "scores.csv", "curves.csv"
# Of the residues that stay, this share may be called moved.
FALSE_ALARMS = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class PairsBenchmark:
    """Whether tokens, codes and latents see motion; made by `pairs_benchmark`.

    Attributes
    ----------
    scores : DataFrame
        As `to_frame` gives it.
    curves : DataFrame
        One row an encoder, a score and a threshold: digest, score ("token", "code", "latent"),
        false_alarms and detected (shares of the still and of the moved residues whose score
        exceeds it) and threshold.
    command : str
        What made the tables, of what.
    """

    scores: pd.DataFrame
    curves: pd.DataFrame
    command: str

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a number: encoder, digest (empty for 3Di), measure, score, value, low and
            high (95 % of resamplings of the pairs; NaN where there were none), residues and
            pairs.
        """
        return self.scores.copy()

    def summary(self) -> str:
        """Say in a sentence an encoder how much of the motion each score sees."""
        auroc = self.scores[self.scores["measure"] == "AUROC, mean of pairs"]
        said = []
        for encoder, rows in auroc.groupby("encoder", sort=False):
            values = ", ".join(
                f"{row.score} {row.value:.2f} ({row.low:.2f} to {row.high:.2f})"
                for row in rows.itertuples()
            )
            said.append(
                f"{encoder}: AUROC of moved against still residues, mean of the pairs, by {values}."
            )
        return "\n".join(said)

    def __repr__(self) -> str:
        return self.summary()


def pairs_benchmark() -> PairsBenchmark:
    """Read what was measured on pairs of conformations, as shipped.

    Returns
    -------
    PairsBenchmark

    Notes
    -----
    111 pairs, apo and holo (Saldaño et al. 2022) and fold switch (Chakravarty and Porter 2022), as
    EigenFold lists them. A residue is still if the CA of its 15 neighbors, superposed, differ by
    less than 0.5 Å (RMSD), moved if by more than 1 Å. The script is ``benchmarks/pairs.py``.

    Examples
    --------
    >>> sorted(set(pairs_benchmark().curves["score"]))
    ['code', 'latent', 'token']
    """
    command = (FOLDER / SCORES).read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    return PairsBenchmark(_table(SCORES).copy(), _table(CURVES).copy(), command)


def calibrated(info: EncoderInfo) -> pd.DataFrame | None:
    """Give the curve of an encoder's latents, from near to far; None where it was not measured."""
    return curve_of(info.digest)


def curve_of(digest: str) -> pd.DataFrame | None:
    """Give the curve of the encoder with a digest."""
    curves = _table(CURVES)
    own = curves[(curves["digest"] == digest) & (curves["score"] == "latent")]
    return own.sort_values("threshold") if digest and len(own) else None


def calibrated_encoders() -> list[str]:
    """Name the encoders that were measured."""
    curves = _table(CURVES)
    return list(dict.fromkeys(curves["encoder"][curves["digest"] != ""]))


def false_alarms_at(curve: pd.DataFrame, latent: np.ndarray) -> np.ndarray:
    """Give the share of still residues whose latents are farther apart; the last is a ceiling."""
    return np.interp(latent, curve["threshold"], curve["false_alarms"])


def threshold_of(curve: pd.DataFrame) -> float:
    """Give the distance of latents that `FALSE_ALARMS` of the still residues exceed."""
    falling = curve.sort_values("false_alarms")
    return float(np.interp(FALSE_ALARMS, falling["false_alarms"], falling["threshold"]))


@cache
def _table(name: str) -> pd.DataFrame:
    with (FOLDER / name).open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#", dtype={"digest": str}).fillna({"digest": ""})
