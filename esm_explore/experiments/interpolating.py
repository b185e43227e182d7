"""From one token's code to another's in a straight line: codes on the way, and what moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from esm.models.vqvae import StructureTokenDecoder

from esm_explore.arguments import whole_number, wrong
from esm_explore.chains.backbone import fit
from esm_explore.decoding.chains import decode
from esm_explore.decoding.identity import DecoderInfo
from esm_explore.decoding.local import decode_points
from esm_explore.encoders.codebook import nearest_codes
from esm_explore.encoders.identity import EncoderInfo, unchanged
from esm_explore.errors import EncoderError, TraceError
from esm_explore.experiments.rerunning import name_of
from esm_explore.experiments.round_trips import fitting
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace

STEPS = 41


@dataclass(frozen=True, eq=False, repr=False)
class Interpolated:
    """The way from a residue's code to another; made by `interpolate`.

    Attributes
    ----------
    name : str
        Chain and residue, such as ``1UBI A 48``.
    index : int
        Of the residue, 0-based.
    token, target : int
    steps : DataFrame
        As `to_frame` gives it.
    encoder_info : EncoderInfo
    decoder_info : DecoderInfo or None
        None without a decoder of whole chains.
    """

    name: str
    index: int
    token: int
    target: int
    steps: pd.DataFrame
    encoder_info: EncoderInfo
    decoder_info: DecoderInfo | None

    @property
    def codes(self) -> list[int]:
        """The codes on the way, each once, in the order in which they are nearest."""
        return list(dict.fromkeys(self.steps["code"].tolist()))

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a point of the line: fraction (0: the residue's own code, 1: the target), code
            (the nearest), distance (to it) and margin (0: two codes are equally near); moved_local
            (root mean square by which the neighbors' CA move, seen from the residue and decoded
            from the point itself by mini's local decoder, Å; NaN for other encoders); and, for the
            chain decoded with the nearest code in the residue's place, moved (of the residue's CA,
            Å, all other residues superposed), moved_most (of any CA) and plddt (of the residue).
            NaN without a decoder.
        """
        return self.steps.copy()

    def summary(self) -> str:
        """Say in a sentence which codes lie on the way, and how far from any code it leads."""
        between = len([code for code in self.codes if code not in (self.token, self.target)])
        farthest = self.steps.loc[self.steps["distance"].idxmax()]
        others = "1 other code is" if between == 1 else f"{between} other codes are"
        said = (
            f"{self.name}: on the straight line from code {self.token} to {self.target}, {others} "
            f"the nearest somewhere; at {100 * farthest['fraction']:.0f} % of the way the nearest "
            f"code is {farthest['distance']:.1f} away, the farthest from any."
        )
        if self.steps["moved_local"].notna().any():
            moved = self.steps["moved_local"].iloc[-1]
            said += f" Its neighbors, decoded locally, move by {moved:.1f} Å from end to end."
        if self.decoder_info is not None:
            moved = self.steps["moved"].iloc[-1]
            said += f" In the decoded chain the residue moves by {moved:.1f} Å."
        return said

    def __repr__(self) -> str:
        made = f"Encoder: {self.encoder_info.title}"
        if self.decoder_info is not None:
            made += f"; decoder: {self.decoder_info.title}"
        return f"{self.summary()}\n{made}"


def interpolate(
    trace: Trace, residue: int | str, token: int, decoder: StructureTokenDecoder | None = None
) -> Interpolated:
    """Go from a residue's code to another in a straight line, and see what is on the way.

    Parameters
    ----------
    trace : Trace
        With its encoder.
    residue : int or str
        As in `Trace.index_of`.
    token : int
        Where to go.
    decoder : StructureTokenDecoder, optional
        As in `round_trip`. A decoder of whole chains takes tokens, not points between them: it
        decodes the chain with each code that is nearest somewhere on the way.

    Returns
    -------
    Interpolated

    Raises
    ------
    TraceError
        If there is no such residue or token, the residue has no backbone frame or has that token
        already, or as in `round_trip`.

    Examples
    --------
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder("mini"), ex.read_chain("1UBI"))
    >>> way = interpolate(trace, "30", int(trace.tokens[3]))
    >>> bool(way.codes[0] == trace.tokens[29]), bool(way.codes[-1] == trace.tokens[3])
    (True, True)
    """
    check_trace(trace, "interpolate")
    if decoder is not None:
        fitting(trace, decoder, "interpolate")
    unchanged(trace.encoder, trace.encoder_info)
    index = trace.index_of(residue)
    target = whole_number(token, "token", 0, len(trace.codebook) - 1)
    start, label = int(trace.tokens[index]), trace.labels[index]
    if not trace.has_frame[index]:
        raise TraceError(
            f"Residue {label} of {trace.title} has no backbone frame: its token says nothing, and "
            "there is no way from it."
        )
    if target == start:
        raise wrong(target, "token", f"another one: residue {label} has this token already")
    fraction = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
    points = (1 - fraction) * trace.codebook[start] + fraction * trace.codebook[target]
    nearest = nearest_codes(trace.codebook, points, k=2)
    codes = nearest.codes[:, 0]
    steps = pd.DataFrame(
        {
            "fraction": fraction[:, 0].astype(float),
            "code": codes,
            "distance": np.sqrt(nearest.squared_distances[:, 0].clip(min=0)).astype(float),
            "margin": nearest.margin.astype(float),
            "moved_local": _moved_local(trace, index, points),
        }
    )
    decoded, info = pd.DataFrame(np.nan, steps.index, ["moved", "moved_most", "plddt"]), None
    if decoder is not None:
        by_code, info = _moved(trace, decoder, index, list(dict.fromkeys(codes.tolist())))
        decoded = by_code.loc[codes].reset_index(drop=True)
    steps = pd.concat([steps, decoded], axis=1)
    name = name_of(trace, index)
    return Interpolated(name, index, start, target, steps, trace.encoder_info, info)


def _moved_local(trace: Trace, index: int, points: np.ndarray) -> np.ndarray:
    """Give how far the neighbors move from the first point on, (M,); NaN without a decoder."""
    neighbors = trace.edges[index, 1:]
    relative = np.tile(trace.residue_index[neighbors] - trace.residue_index[index], (STEPS, 1))
    try:
        ca, _ = decode_points(trace.encoder, points, relative)
    except EncoderError:  # of another encoder
        return np.full(STEPS, np.nan)
    return np.sqrt(((ca - ca[0]) ** 2).sum(-1).mean(-1))


def _moved(
    trace: Trace, decoder: StructureTokenDecoder, index: int, codes: list[int]
) -> tuple[pd.DataFrame, DecoderInfo]:
    """Decode the chain with each code in a residue's place; gives a row a code."""
    others = np.arange(len(trace)) != index
    if others.sum() < 3:
        raise TraceError(
            f"{trace.title}: three residues beside the one that changes are needed to lay chains "
            "on each other."
        )
    rows, first = {}, None
    for code in codes:
        tokens = trace.tokens.copy()
        tokens[index] = code
        made = decode(decoder, tokens)
        first = first or made
        fitted = fit(first.backbone[others, 1], made.backbone[others, 1])
        laid = fitted.apply(made.backbone[:, 1])
        moved = np.linalg.norm(laid - first.backbone[:, 1], axis=1)
        rows[code] = (moved[index], moved.max(), made.plddt[index])
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["moved", "moved_most", "plddt"])
    assert first is not None  # there is a code at least
    return table, first.decoder_info
