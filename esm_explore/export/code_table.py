"""All codes in one table, for the index of a gallery: to be searched, sorted, and colored by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from esm_explore.analysis.maps import fit_map
from esm_explore.atlas.cards import Card
from esm_explore.atlas.describing import SS_WORDS
from esm_explore.palette import BAR, category_colors, number_colors
from esm_explore.principal_axes import principal_axes

# Of amino acids that a code has more of, as in its description.
_RATIO, _Q = 1.5, 0.01
_FEW, _UNKNOWN = "too few", "not known"
# Of neither: none of the colors of categories.
_NEITHER = "#bdbdbd"
_KINDS = {
    **{"ss": "DSSP", "amino_acid": "amino acid"},
    **{"ramachandran": "phi and psi", "burial": "burial"},
    **{"contact_order": "contact order", "threedi": "3Di"},
}
_NUMBERS = {
    **{"count": "residues", "chains": "chains", "families": "families"},
    **{"margin": "mean margin", "most": "share of the main DSSP letter"},
    **{"synonyms": "synonyms", "decoder": "decoder's RMSD to the medoid, Å"},
}


def places(codebook: np.ndarray, placing: str) -> tuple[np.ndarray, str]:
    """Place codes on a map.

    Parameters
    ----------
    codebook : ndarray, shape=(n_codes, d_code), dtype=float32
    placing : {"UMAP", "PCA"}

    Returns
    -------
    ndarray, shape=(n_codes, 2)
    str
        How, for the reader.
    """
    if placing == "PCA":
        placed, shares = principal_axes(codebook, 2)
        return placed, f"PCA of the codes' vectors: {shares.sum():.0%} of their variance"
    fitted = fit_map(codebook)
    return fitted.points, (
        f"UMAP of the codes' vectors, {fitted.settings.n_neighbors} neighbors: who is near whom "
        "means something, distances and directions do not"
    )


class CodeTable:
    """What the index knows of each code; its cards are added in order."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._rows: list[dict] = []
        self._shares: list[list[int]] = []

    def add(self, card: Card) -> None:
        """Take a card in."""
        frame = card.to_frame()
        enough, by_kind = card.has_shares, dict(list(frame.groupby("kind", sort=False)))
        tops = {kind: _top(by_kind[kind], enough) for kind in _KINDS}
        names = ("count", "chains", "families", "description")
        row = {name: getattr(card, name) for name in names}
        row |= {"synonyms": len(card.synonyms), "decoder": card.decoder_rmsd}
        row |= {"margin": card.margin, "more": _more(frame), "most": _most(frame)}
        self._rows.append(row | tops)
        named = zip(frame["kind"], frame["category"], strict=True)
        self._names = [
            f"{_KINDS.get(kind, kind.replace('_', ' '))}: {name}" for kind, name in named
        ]
        share = frame["share"].to_numpy(float)
        self._shares.append(np.nan_to_num(100 * share, nan=-1).round().astype(int).tolist())

    def data(self, placed: np.ndarray, placing: str) -> dict:
        """Give the table, and the map's places, as JSON knows them."""
        rows = pd.DataFrame(self._rows)
        return {
            "description": rows["description"].tolist(),
            "more": rows["more"].tolist(),
            "x": placed[:, 0].round(3).tolist(),
            "y": placed[:, 1].round(3).tolist(),
            "placing": placing,
            "numbers": [
                {"key": key, "title": title, "values": _numbers(rows[key])}
                for key, title in _NUMBERS.items()
                # Only mini's codes can be drawn.
                if key != "decoder" or rows[key].notna().any()
            ],
            "words": [
                {"key": key, "title": f"most frequent {title}", **_words(rows[key])}
                for key, title in _KINDS.items()
            ],
            "shares": {"names": self._names, "values": self._shares},
            "scale": number_colors(np.arange(BAR)).bar["colors"],
        }


def _top(rows: pd.DataFrame, enough: bool) -> str:
    """Name the most frequent category of a kind, with DSSP's in words."""
    if not enough:
        return _FEW
    count = rows["count"].to_numpy()
    if not count.any():
        return _UNKNOWN
    found = str(rows["category"].iloc[count.argmax()])
    return f"{found} {SS_WORDS.get(found, '')}" if rows["kind"].iloc[0] == "ss" else found


def _most(frame: pd.DataFrame) -> float:
    share = frame.loc[frame["kind"] == "ss", "share"].to_numpy(float)
    return float(share.max()) if np.isfinite(share).any() else np.nan


def _more(frame: pd.DataFrame) -> str:
    chosen = (frame["kind"] == "amino_acid") & (frame["enrichment"] >= _RATIO) & (frame["q"] < _Q)
    found = frame[chosen].sort_values("enrichment", ascending=False, kind="stable")
    return "".join(found["category"].astype(str))


def _numbers(values: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else round(float(value), 3) for value in values]


def _words(values: pd.Series) -> dict:
    """Give names, their colors, and which each code has."""
    colors = category_colors(values.tolist())
    names = [name for _, name in colors.legend]
    return {
        "names": names,
        "colors": [
            _NEITHER if name in (_FEW, _UNKNOWN) else color for color, name in colors.legend
        ],
        "values": [names.index(value) for value in values],
    }
