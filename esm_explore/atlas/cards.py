"""The card of a code: what its residues have in common, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.atlas.statistics import LEAST
from esm_explore.escaping import for_html, without_formulas
from esm_explore.outputs import printable

_KIND_WORDS = {
    "ss": "secondary structure",
    "amino_acid": "amino acid",
    "ramachandran": "phi and psi",
    "burial": "burial",
}
# Categories of each kind that are printed.
_SHOWN = 4


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
    count, chains : int
        Residues with a backbone frame, and chains they are in.
    share, share_low, share_high : float
        Of all residues, with Wilson's 95 % interval.
    margin : float
        Mean; NaN where no residue has the code.
    exemplars : list of Exemplar
        Nearest to the mean latent, each of another chain; the first is the medoid.
    medoid_backbone : ndarray, shape=(K, 3, 3), dtype=float32
        N, CA and C of the medoid's neighborhood in its query's frame, Å.
    edges : list of (label, margin)
        Where the code ends: its smallest margins, each of another chain.
    borders, before, after : DataFrame
        Codes and counts: runner-ups, and codes of the residue before and of the one after.
    """

    code: int
    title: str
    description: str
    count: int
    chains: int
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
    _frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Give the code's categories.

        Returns
        -------
        DataFrame
            One row a category: kind, category, count, share, background (share of all residues),
            enrichment (their ratio) and q; share, enrichment and q are NaN for a code of fewer
            than 20 residues.
        """
        return self._frame.copy()

    def _top(self) -> list[tuple[str, list[str]]]:
        """Name the most frequent categories of each kind."""
        found = []
        for kind, words in _KIND_WORDS.items():
            rows = self._frame[self._frame["kind"] == kind].sort_values(
                "count", ascending=False, kind="stable"
            )
            rows = rows[rows["count"] > 0].head(_SHOWN)
            found.append(
                (words, [_said(row) for row in rows.itertuples()] or ["not known of any residue"])
            )
        return found

    def _lines(self) -> list[tuple[str, str]]:
        """Give the card's lines: what it is about, and what there is."""
        share = f"{self.share:.3%} ({self.share_low:.3%} to {self.share_high:.3%})"
        lines = [
            ("residues", f"{self.count:,} in {self.chains:,} chains, {share} of all"),
        ]
        if self.count >= LEAST:
            lines += [(name, ", ".join(them)) for name, them in self._top()]
        if self.count:
            lines += [
                ("medoid", str(self.exemplars[0])),
                ("exemplars", ", ".join(one.label for one in self.exemplars[1:]) or "none"),
                ("edges", ", ".join(f"{label} ({m:.3f})" for label, m in self.edges)),
                ("borders", _codes(self.borders)),
                ("before", _codes(self.before)),
                ("after", _codes(self.after)),
            ]
        return [*lines, ("encoder", self.title)]

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


def _said(row) -> str:
    sure = "" if row.q < 0.05 else ", as expected"
    return f"{row.category} {row.share:.0%} ({row.enrichment:.1f}x{sure})"


def _codes(table: pd.DataFrame) -> str:
    named = [f"{token} ({count:,})" for token, count in table.itertuples(index=False)]
    return ", ".join(named) or "none"


def categories_frame(
    code: int, manifest: dict, compared: dict[str, tuple[np.ndarray, ...]]
) -> pd.DataFrame:
    """Make the table of a card; `compared` has counts, shares, ratios and q-values by kind."""
    frames = []
    for kind, columns in compared.items():
        count, share, ratio, q = (column[code] for column in columns)
        background = np.array(manifest["background"][kind])
        frames.append(
            pd.DataFrame(
                {
                    "kind": kind,
                    "category": manifest["categories"][kind],
                    "count": count,
                    "share": share,
                    "background": background / max(background.sum(), 1),
                    "enrichment": ratio,
                    "q": q,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def card_of(row: dict, title: str, frame: pd.DataFrame) -> Card:
    """Make a card of a row of the table of codes."""
    exemplars = [
        Exemplar(
            _label(one),
            one["margin"],
            one["distance"],
            np.array(one["relative_positions"], np.int64),
            np.array(one["ca"], np.float32).reshape(-1, 3),
        )
        for one in row["exemplars"]
    ]
    return Card(
        code=row["token"],
        title=title,
        **{name: row[name] for name in ("description", "count", "chains")},
        **{name: row[name] for name in ("share", "share_low", "share_high")},
        margin=np.nan if row["margin"] is None else row["margin"],
        exemplars=exemplars,
        medoid_backbone=np.array(row["medoid_backbone"] or [], np.float32).reshape(-1, 3, 3),
        edges=[(_label(one), one["margin"]) for one in row["edges"]],
        **{
            name: pd.DataFrame(row[name], columns=["token", "count"])
            for name in ("borders", "before", "after")
        },
        _frame=frame,
    )


def _label(place: dict) -> str:
    residue = f"{place['number']}{place['insertion_code']}"
    return printable(f"{place['structure']} {place['chain']} {residue}")
