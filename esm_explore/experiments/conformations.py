"""Two conformations: does the latent see what moved, and is a flip more than a swap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from esm_explore.encoders.identity import EncoderInfo
from esm_explore.experiments.attending import rank_correlation
from esm_explore.experiments.comparing import LINKS, compare, match_residues, names_of
from esm_explore.experiments.rerunning import run_rows, setting_of
from esm_explore.tracing.traces import Trace

# RMSD of a neighborhood's CA, Å: what is nearer stays, what is farther moves.
STILL, MOVED = 0.5, 1.0
# Of the residues that stay, this share may be called moved.
FALSE_ALARMS = 0.05
# So many still residues are needed to say where that is.
_ENOUGH = 20


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """One protein in two conformations; made by `compare_conformations`.

    Attributes
    ----------
    names : (str, str)
        Of the chains.
    by : {"residue number", "alignment"}
        How residues were matched.
    residues : DataFrame
        As `to_frame` gives it.
    correlations : dict of float
        Spearman's, of the neighborhood's movement with ``"changed"``, ``"code"`` and ``"latent"``.
    threshold : float
        Distance of latents that 5 % of the still residues exceed; NaN with fewer than 20 of them.
    detected : float
        Share of the moved residues that exceed it; NaN without any.
    encoder_info : EncoderInfo
    """

    names: tuple[str, str]
    by: str
    residues: pd.DataFrame
    correlations: dict[str, float]
    threshold: float
    detected: float
    encoder_info: EncoderInfo

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            That of `compare`, and code (distance of the codes), kept (how many of the nodes in
            the first conformation are still nodes in the second), state ("still": the
            neighborhood moves by less than 0.5 Å; "moved": by more than 1 Å; "between"), swap
            (the token flips, the last neighbor changed places with the next, and with the first
            conformation's neighbors the second has the first's token) and index (in the first
            chain).
        """
        return self.residues.copy()

    def summary(self) -> str:
        """Say in a sentence what token and latent see of the movement."""
        table = self.residues
        counts = table["state"].value_counts()
        flips = int(table["changed"].sum())
        seen = (
            f"latents more than {self.threshold:.1f} apart, as {100 * FALSE_ALARMS:.0f} % of still "
            f"residues are, tell {100 * self.detected:.0f} % of the moved ones"
            if np.isfinite(self.threshold) and np.isfinite(self.detected)
            else "too few residues are still, or none moved, to say what tells them apart"
        )
        ranks = ", ".join(f"{what} {rank:.2f}" for what, rank in self.correlations.items())
        return (
            f"{self.names[0]} and {self.names[1]}: {len(table) - flips} of {len(table)} tokens are "
            f"kept, {counts.get('still', 0)} neighborhoods still and {counts.get('moved', 0)} "
            f"moved; {int(table['swap'].sum())} of {flips} flips are only the last neighbor "
            f"changing places with the next; rank correlation with the movement: {ranks}; {seen}."
        )

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}"


def compare_conformations(first: Trace, second: Trace, *, by: str = LINKS[0]) -> Comparison:
    """Compare two conformations by what moved, with the distance of latents as graded score.

    Parameters
    ----------
    first, second : Trace
        Of one encoder, the second with it.
    by : {"residue number", "alignment"}
        How residues are matched.

    Returns
    -------
    Comparison

    Raises
    ------
    TraceError
        If they are no traces of one encoder; if fewer than three residues match; if the second
        has no encoder, or it has changed.

    Examples
    --------
    >>> import esm_explore as ex
    >>> encoder = ex.load_encoder()
    >>> closed, opened = (ex.trace(encoder, ex.read_chain(name)) for name in ("1AKE", "4AKE"))
    >>> len(compare_conformations(closed, opened).residues)
    214
    """
    table = compare(first, second, by=by)
    match = match_residues(first, second, by)
    rows = np.flatnonzero(first.has_frame & (match >= 0) & second.has_frame[match])
    code = first.codebook[table["first_token"]] - first.codebook[table["second_token"]]
    moved = table["neighborhood"].to_numpy()
    kept = [np.isin(match[first.edges[row]], second.edges[match[row]]).sum() for row in rows]
    table = table.assign(
        code=np.linalg.norm(code, axis=1),
        kept=kept,
        state=np.select([moved < STILL, moved > MOVED], ["still", "moved"], "between"),
        swap=_swaps(first, second, match, rows),
        index=rows,
    )
    latent = table["latent"].to_numpy()
    still, far = latent[moved < STILL], latent[moved > MOVED]
    threshold = float(np.quantile(still, 1 - FALSE_ALARMS)) if len(still) >= _ENOUGH else np.nan
    return Comparison(
        names_of(first, second),
        by,
        table,
        {
            what: rank_correlation(table[what].to_numpy(float), moved)
            for what in ("changed", "code", "latent")
        },
        threshold,
        float((far > threshold).mean()) if len(far) and np.isfinite(threshold) else np.nan,
        first.encoder_info,
    )


def _swaps(first: Trace, second: Trace, match: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Say of which residues the token flips for nothing but the last neighbor's changing."""
    setting = setting_of(second, "compare_conformations")
    found = np.zeros(len(rows), dtype=bool)
    places, asked = [], []
    for place, row in enumerate(rows):
        before, after = match[first.edges[row]], second.edges[match[row]]
        if first.tokens[row] == second.tokens[match[row]] or len(before) != len(after):
            continue
        # All others are the same, in whatever order.
        if before[-1] >= 0 and before[-1] not in after and set(before[:-1]) == set(after[:-1]):
            places.append(place)
            asked.append(before)
    if places:
        edges = torch.from_numpy(np.stack(asked)).to(setting.device)
        _, tokens = run_rows(setting, edges)
        found[places] = tokens == first.tokens[rows[places]]
    return found
