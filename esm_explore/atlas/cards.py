"""The card of a code: what its residues have in common, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.chains.backbone import NODES
from esm_explore.decoding.local import DecodedNeighborhood, decode_neighborhood
from esm_explore.encoders.identity import encoder_info
from esm_explore.encoders.mini import load_mini
from esm_explore.escaping import for_html, without_formulas

_KIND_WORDS = {
    "ss": "secondary structure",
    "amino_acid": "amino acid",
    "ramachandran": "phi and psi",
    "burial": "burial",
    "relative_position": "neighborhood has",
    "contact_order": "contact order",
    "threedi": "3Di",
}
# Categories of each kind that are printed.
_SHOWN = 4
_Q = 0.05


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

    def _top(self) -> list[tuple[str, list[str]]]:
        """Name the most frequent categories of each kind, and those that stand out."""
        found = []
        for kind, words in _KIND_WORDS.items():
            rows = self._frame[(self._frame["kind"] == kind) & (self._frame["count"] > 0)]
            by, none = "count", "not known of any residue"
            if kind == "relative_position" and len(rows):
                # All neighborhoods have the next residues: what stands out says something.
                rows = rows[(rows["enrichment"] > 1) & (rows["q"] < _Q)]
                by, none = "enrichment", "as others"
            rows = rows.sort_values(by, ascending=False, kind="stable").head(_SHOWN)
            found.append((words, [_said(row) for row in rows.itertuples()] or [none]))
        return found

    def _lines(self) -> list[tuple[str, str]]:
        """Give the card's lines: what it is about, and what there is."""
        share = f"{self.share:.3%} ({self.share_low:.3%} to {self.share_high:.3%})"
        lines = [
            (
                "residues",
                f"{self.count:,} in {self.chains:,} chains of {self.families:,} families, "
                f"{share} of all",
            ),
        ]
        if self._frame["share"].notna().any():
            lines += [(name, ", ".join(them)) for name, them in self._top()]
        if self.count:
            lines += [
                ("medoid", str(self.exemplars[0])),
                ("exemplars", ", ".join(one.label for one in self.exemplars[1:]) or "none"),
                ("edges", ", ".join(f"{label} ({m:.3f})" for label, m in self.edges)),
                ("borders", _codes(self.borders)),
                ("before", _following(self.before)),
                ("after", _following(self.after)),
                *self._drawn(),
                ("synonyms", ", ".join(map(str, self.synonyms)) or "none"),
            ]
        return [*lines, ("encoder", self.title)]

    def _drawn(self) -> list[tuple[str, str]]:
        if self.decoded is None:
            return []
        return [("decoder", f"draws the medoid's neighbors {self.decoder_rmsd:.1f} Å off (RMSD)")]

    def __repr__(self) -> str:
        lines = [f"{name:20}{text}" for name, text in self._lines()]
        return "\n".join([f"Code {self.code}: {self.description}", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{for_html(name)}</th>'
            f'<td style="text-align:left">{for_html(text)}</td></tr>'
            for name, text in self._lines()
        )
        head = f"<b>Code {self.code}</b>: {for_html(self.description)}"
        return without_formulas(f"<p>{head}</p><table>{rows}</table>")


@cache
def _mini() -> tuple[StructureTokenEncoder, str]:
    mini = load_mini()
    return mini, encoder_info(mini).digest


def _said(row: Any) -> str:
    sure = "" if row.q < _Q else ", as expected"
    return f"{row.category} {row.share:.0%} ({row.enrichment:.1f}x{sure})"


def _codes(table: pd.DataFrame) -> str:
    named = [f"{token} ({count:,})" for token, count in table.itertuples(index=False)]
    return ", ".join(named) or "none"


def _following(table: pd.DataFrame) -> str:
    named = [
        f"{row.token} ({row.n:,}, {row.lift:.0f}x{'' if row.q < _Q else ', as expected'})"
        for row in table.rename(columns={"count": "n"}).itertuples()
    ]
    return ", ".join(named) or "none"
