"""What `flip_radius` gives: radii, what small changes do, and near-ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.atlas.meanings import OTHER, SYNONYM
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.experiments.shaking import RIGID
from esm_explore.findings import some

# Å, of the noise that is tried.
LARGEST = 4.0


@dataclass(frozen=True, eq=False, repr=False)
class FlipRadius:
    """How stable the codes of a chain are; made by `flip_radius`.

    Attributes
    ----------
    title : str
        Of the chain.
    labels : list of str
        Residue numbers as in the file.
    seed : int
    tokens : ndarray, shape=(L,), dtype=int64
        As they are.
    has_frame : ndarray, shape=(L,), dtype=bool
    radii : ndarray, shape=(3, L), dtype=float64
        In each direction the smallest size of noise found to change the code, Å: the root mean
        square displacement of an atom. Infinite where none did, NaN without a backbone frame.
    new_tokens : ndarray, shape=(3, L), dtype=int64
        What it changes to; -1 where it does not.
    code_distance : ndarray, shape=(L,), dtype=float64
        How far the new code is from the old one, in the direction that changes it first; NaN
        where none does.
    code_place : ndarray, shape=(L,), dtype=float64
        The new code's place among the old one's neighbors in the codebook: 1 is the nearest.
    meaning : ndarray, shape=(L,), dtype=object
        What the new code means: a ``synonym`` of the old one's, or ``another``; ``not known``
        where there is no new code, or no atlas that knows.
    after : dict of ndarray, shape=(L,), dtype=int64
        The tokens after each small change.
    near_ties : DataFrame
        Residues whose code a rigid motion could change by rounding: residue, margin,
        latent_moved, token, new_token, flips.
    encoder_info : EncoderInfo
    """

    title: str
    labels: list[str]
    seed: int
    tokens: np.ndarray
    has_frame: np.ndarray
    radii: np.ndarray
    new_tokens: np.ndarray
    code_distance: np.ndarray
    code_place: np.ndarray
    meaning: np.ndarray
    after: dict[str, np.ndarray]
    near_ties: pd.DataFrame
    encoder_info: EncoderInfo

    @property
    def radius(self) -> np.ndarray:
        """The smallest of each residue's radii, shape=(L,), Å."""
        return self.radii.min(0)

    def survival(self, sizes: np.ndarray) -> np.ndarray:
        """Give the share of codes that noise of some sizes, shape=(n,), in Å, has not yet changed.

        Of all residues with a backbone frame in all directions, shape=(n,), 0 to 1.
        """
        known = self.radii[:, self.has_frame].ravel()
        return (known > np.asarray(sizes, dtype=float)[:, None]).mean(1)

    def changes(self) -> pd.DataFrame:
        """Count what small changes do.

        Returns
        -------
        DataFrame
            One row a change: what, changed (how many codes), of (residues with a backbone
            frame) and residues (which, as in the file).
        """
        rows = []
        for what, tokens in self.after.items():
            flips = np.flatnonzero(self.has_frame & (tokens != self.tokens))
            which = ", ".join(self.labels[i] for i in flips)
            rows.append((what, len(flips), int(self.has_frame.sum()), which))
        return pd.DataFrame(rows, columns=["what", "changed", "of", "residues"])

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a residue, indexed by its number as in the file: token, radius (Å), new_token,
            code_distance, code_place, meaning, and for each small change whether it changes the
            code.
        """
        first = np.where(np.isnan(self.radii), np.inf, self.radii).argmin(0)
        return pd.DataFrame(
            {
                "token": self.tokens,
                "radius": self.radius,
                "new_token": self.new_tokens[first, np.arange(len(self.tokens))],
                "code_distance": self.code_distance,
                "code_place": self.code_place,
                "meaning": self.meaning,
                **{
                    what: self.has_frame & (tokens != self.tokens)
                    for what, tokens in self.after.items()
                },
            },
            index=pd.Index(self.labels, name="residue"),
        )

    def summary(self) -> str:
        """Say in a sentence how stable the codes are."""
        counts = self.changes().set_index("what")["changed"]
        known = self.radii[:, self.has_frame]
        half = np.median(known)
        noise = (
            f"noise of {half:.2f} Å changes"
            if np.isfinite(half)
            else f"no noise up to {LARGEST:.0f} Å changes"
        )
        moved = self.code_place[np.isfinite(self.code_place)]
        near = (
            f"to one of the old code's ten nearest in {100 * (moved <= 10).mean():.0f} % of cases"
            if len(moved)
            else "never"
        )
        told = self.meaning[np.isin(self.meaning, (SYNONYM, OTHER))]
        if len(told):
            near += f" (a synonym in {100 * (told == SYNONYM).mean():.0f} %)"
        small = ", ".join(f"{what} {n}" for what, n in counts.items() if what != RIGID)
        near_ties = some(self.near_ties["residue"].tolist()) if len(self.near_ties) else "none"
        return (
            f"{self.title}: {noise} half of the codes, {near}; "
            f"of {self.has_frame.sum()} codes change when {small}; {RIGID} changes "
            f"{counts[RIGID]} (near-ties: {near_ties})."
        )

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}"
