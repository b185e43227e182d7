"""Two conformations: does the latent see what moved, and is a flip more than a swap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.arguments import check_kind
from esm_explore.atlas.meanings import OTHER, SYNONYM, change_of_meaning
from esm_explore.atlas.reading import Atlas
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.experiments.attending import rank_correlation
from esm_explore.experiments.calibration import (
    FALSE_ALARMS,
    calibrated,
    calibrated_encoders,
    false_alarms_at,
    threshold_of,
)
from esm_explore.experiments.comparing import LINKS, compare_matched, names_of, shared_residues
from esm_explore.experiments.rerunning import setting_of
from esm_explore.experiments.swapping import kept_nodes, only_swaps
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace

# RMSD of the neighbors' CA, Å: what is nearer stays, what is farther moves.
STILL, MOVED = 0.5, 1.0


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
        Distance of latents that 5 % of still residues exceed: those of the pairs of
        `pairs_benchmark`, not these. NaN for an encoder that was not measured on them.
    detected, false_alarms : float
        Shares of the moved, and of the still residues here that exceed it; NaN without any, or
        without a threshold.
    encoder_info : EncoderInfo
    """

    names: tuple[str, str]
    by: str
    residues: pd.DataFrame
    correlations: dict[str, float]
    threshold: float
    detected: float
    false_alarms: float
    encoder_info: EncoderInfo

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            That of `compare`, and code (distance of the codes), kept (how many of the nodes in
            the first conformation are still nodes in the second), state ("still": the
            neighborhood moves by less than 0.5 Å; "moved": by more than 1 Å; "between";
            "unknown": fewer than three neighbors have a counterpart), false_alarms (share of the
            still residues of `pairs_benchmark` whose latents are farther apart; NaN if the
            encoder was not measured on them), swap (the token flips, the last neighbor changed
            places with the next, and with the first conformation's neighbors the second has the
            first's token), meaning (of the second code: the ``same`` code, a ``synonym`` of the
            first, ``another``; ``not known`` of codes that no atlas of the encoder has) and index
            (in the first chain).
        """
        return self.residues.copy()

    def summary(self) -> str:
        """Say in a sentence what token and latent see of the movement."""
        table = self.residues
        counts = table["state"].value_counts()
        flips = int(table["changed"].sum())
        ranks = ", ".join(f"{what} {rank:.2f}" for what, rank in self.correlations.items())
        return (
            f"{self.names[0]} and {self.names[1]}: {len(table) - flips} of {len(table)} tokens are "
            f"kept, {counts.get('still', 0)} neighborhoods still and {counts.get('moved', 0)} "
            f"moved; {int(table['swap'].sum())} of {flips} flips are only the last neighbor "
            f"changing places with the next{self._synonyms()}; rank correlation with the "
            f"movement: {ranks}; {self._seen()}."
        )

    def _synonyms(self) -> str:
        told = self.residues["meaning"].isin([SYNONYM, OTHER])
        if not told.any():
            return ""
        synonyms = int((self.residues["meaning"] == SYNONYM).sum())
        return f", {synonyms} of the {int(told.sum())} that the atlas knows are to a synonym"

    def _seen(self) -> str:
        if np.isnan(self.threshold):
            known = " and ".join(calibrated_encoders())
            return f"how far is far is not calibrated for this encoder (it is for {known})"
        said = (
            f"latents more than {self.threshold:.1f} apart, as those of {100 * FALSE_ALARMS:.0f} % "
            "of the still residues of the benchmark's pairs are,"
        )
        shares = {"moved": self.detected, "still": self.false_alarms}
        parts = [
            f"{100 * share:.0f} % of the {state} ones"
            for state, share in shares.items()
            if np.isfinite(share)
        ]
        return f"{said} have {' and '.join(parts) or 'none that is still or moved'}"

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}"


def compare_conformations(
    first: Trace, second: Trace, *, by: str = LINKS[0], atlas: Atlas | None = None
) -> Comparison:
    """Compare two conformations by what moved, with the distance of latents as graded score.

    Parameters
    ----------
    first, second : Trace
        Of one encoder, the second with it.
    by : {"residue number", "alignment"}
        How residues are matched.
    atlas : Atlas, optional
        Of the encoder: says whether a flip is one to a synonym. The bundled one where it is of it.

    Returns
    -------
    Comparison

    Raises
    ------
    TraceError
        If they are no traces of one encoder; if fewer than three residues match; if the second
        has no encoder, or it has changed.
    AtlasError
        If the atlas is of another encoder.

    Examples
    --------
    >>> import esm_explore as ex
    >>> encoder = ex.load_encoder()
    >>> closed, opened = (ex.trace(encoder, ex.read_chain(name)) for name in ("1AKE", "4AKE"))
    >>> len(compare_conformations(closed, opened).residues)
    214
    """
    traces_of([first, second], "compare_conformations")
    match, rows = shared_residues(first, second, by)
    setting = setting_of(second, "compare_conformations")
    check_kind(atlas, Atlas | None, "atlas", "an Atlas of the traces' encoder, or None")
    table = compare_matched(first, second, match, rows)
    meaning = change_of_meaning(
        table["first_token"], table["second_token"], first.encoder_info, atlas
    )
    code = first.codebook[table["first_token"]] - first.codebook[table["second_token"]]
    moved = table["neighborhood"].to_numpy()
    latent = table["latent"].to_numpy()
    curve = calibrated(first.encoder_info)
    threshold = np.nan if curve is None else threshold_of(curve)
    states = [np.isnan(moved), moved < STILL, moved > MOVED]
    table = table.assign(
        code=np.linalg.norm(code, axis=1),
        kept=kept_nodes(first.edges, second.edges, match, rows),
        state=np.select(states, ["unknown", "still", "moved"], "between"),
        false_alarms=np.nan if curve is None else false_alarms_at(curve, latent),
        swap=only_swaps(setting, first, second, match, rows),
        meaning=meaning,
        index=rows,
    )
    return Comparison(
        names_of(first, second),
        by,
        table,
        {
            what: rank_correlation(table[what].to_numpy(float), moved)
            for what in ("changed", "code", "latent")
        },
        threshold,
        _share_beyond(threshold, latent[moved > MOVED]),
        _share_beyond(threshold, latent[moved < STILL]),
        first.encoder_info,
    )


def _share_beyond(threshold: float, latent: np.ndarray) -> float:
    return float((latent > threshold).mean()) if len(latent) and threshold > 0 else np.nan
