"""The card of a code: what its residues have in common, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.atlas.card_lines import lines_of
from esm_explore.chains.backbone import NODES
from esm_explore.decoding.local import DecodedNeighborhood, decode_neighborhood
from esm_explore.encoders.identity import encoder_info
from esm_explore.encoders.mini import load_mini
from esm_explore.escaping import for_html, without_formulas


@dataclass(frozen=True, eq=False, repr=False)
class Exemplar:
    """A residue that shows a code, and its neighborhood in its backbone frame.

    Attributes
    ----------
    label : str
        Structure, chain and residue, such as ``1UBI A 30``.
    margin : float
        Distance to the runner-up code less the distance to this one.
    distance : float
        Of the latent from the mean of all latents of the code.
    relative_positions : ndarray, shape=(K,), dtype=int64
        Residue number minus the query's, nearest first.
    ca : ndarray, shape=(K, 3), dtype=float32
        Å; the query's is the origin.
    """

    label: str
    margin: float
    distance: float
    relative_positions: np.ndarray
    ca: np.ndarray

    def __repr__(self) -> str:
        return f"{self.label}: margin {self.margin:.3f}, {self.distance:.3f} from the mean"


@dataclass(frozen=True, eq=False, repr=False)
class Card:
    """What an atlas knows of a code.

    Attributes
    ----------
    code : int
    title : str
        Of the encoder.
    description : str
        A sentence made by rule from the numbers.
    count, chains, families : int
        Residues with a backbone frame, and chains and families they are in.
    share, share_low, share_high : float
        Of all residues, a family counting as one chain, with Wilson's 95 % interval.
    margin : float
        Mean; NaN where no residue has the code.
    exemplars : list of Exemplar
        Nearest to the mean latent, each of another family; the first is the medoid.
    medoid_backbone : ndarray, shape=(K, 3, 3), dtype=float32
        N, CA and C of the medoid's neighborhood in its query's frame, Å.
    edges : list of (label, margin)
        Where the code ends: its smallest margins, each of another family.
    borders : DataFrame
        Runner-up codes: token and count.
    before, after : DataFrame
        Codes of the residue before and of the one after, where bonded: token, count, families,
        lift (the count over what chance would make) and q, that it is more.
    synonyms : list of int
        Codes that mean the same; see `Atlas.synonyms`.
    digest : str
        Of the encoder.
    """

    code: int
    title: str
    description: str
    count: int
    chains: int
    families: int
    share: float
    share_low: float
    share_high: float
    margin: float
    exemplars: list[Exemplar]
    medoid_backbone: np.ndarray
    edges: list[tuple[str, float]]
    borders: pd.DataFrame
    before: pd.DataFrame
    after: pd.DataFrame
    synonyms: list[int]
    digest: str
    _frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Give the code's categories.

        Returns
        -------
        DataFrame
            One row a category: kind, category, count (residues), share, background (share of all
            residues), enrichment (their ratio), q, share_low and share_high (95 % interval); all
            but the count are of families counting as one chain, and NaN, but the background, for
            a code of fewer than 20 residues.
        """
        return self._frame.copy()

    @cached_property
    def decoded(self) -> DecodedNeighborhood | None:
        """What the local decoder draws for the code at the medoid's relative positions.

        None for other encoders than mini, whose codes it does not know, and codes not used.
        """
        mini, digest = _mini()
        if not self.exemplars or digest != self.digest:
            return None
        asked = self.exemplars[0].relative_positions[1:]
        return decode_neighborhood(mini, self.code, asked if len(asked) == NODES - 1 else None)

    @property
    def decoder_rmsd(self) -> float:
        """How far the neighbors' CA of `decoded` are from the medoid's, Å; NaN without both."""
        if self.decoded is None or len(self.exemplars[0].ca) != NODES:
            return np.nan
        apart = self.decoded.ca[1:] - self.exemplars[0].ca[1:]
        return float(np.sqrt((apart**2).sum(1).mean()))

    @property
    def has_shares(self) -> bool:
        """Whether there are residues enough to tell shares: 20, a family counting as one chain."""
        return bool(self._frame["share"].notna().any())

    def spread(self) -> pd.DataFrame:
        """Say how far the exemplars' neighbors are apart, superposed by the query's frame.

        Returns
        -------
        DataFrame
            One row a relative position that at least two exemplars have a CA at: relative_position,
            exemplars (how many have), spread (Å: the standard deviations along x, y and z, squared
            and summed, and of that the root).
        """
        ca = np.concatenate([np.zeros((0, 3)), *(one.ca for one in self.exemplars)])
        at = [np.zeros(0, int), *(one.relative_positions for one in self.exemplars)]
        known = np.isfinite(ca).all(1)
        places, group, n = np.unique(
            np.concatenate(at)[known], return_inverse=True, return_counts=True
        )
        sums, squares = np.zeros((2, len(places), 3))
        np.add.at(sums, group, ca[known])
        np.add.at(squares, group, (ca[known] - (sums / n[:, None])[group]) ** 2)
        frame = pd.DataFrame(
            {
                "relative_position": places,
                "exemplars": n,
                "spread": np.sqrt(squares.sum(1) / np.maximum(n - 1, 1)),
            }
        )
        return frame[n > 1].reset_index(drop=True)

    def __repr__(self) -> str:
        lines = [f"{name:20}{text}" for name, text in lines_of(self)]
        return "\n".join([f"Code {self.code}: {self.description}", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{for_html(name)}</th>'
            f'<td style="text-align:left">{for_html(text)}</td></tr>'
            for name, text in lines_of(self)
        )
        head = f"<b>Code {self.code}</b>: {for_html(self.description)}"
        return without_formulas(f"<p>{head}</p><table>{rows}</table>")


@cache
def _mini() -> tuple[StructureTokenEncoder, str]:
    mini = load_mini()
    return mini, encoder_info(mini).digest
