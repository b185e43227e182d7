"""Pictures of a whole codebook, from an atlas: use, stored counts, categories, other letters."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from esm.models.vqvae import StructureTokenEncoder
from plotly.subplots import make_subplots

from esm_explore.analysis.code_usage import Usage, usage
from esm_explore.arguments import check_is_one_of, check_kind, wrong
from esm_explore.atlas.crosswalk import Crosswalk
from esm_explore.atlas.describing import SS_WORDS
from esm_explore.atlas.reading import Atlas
from esm_explore.encoders.identity import encoder_info
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import TraceError
from esm_explore.escaping import for_plotly
from esm_explore.plots.picture import BLUE, GRAY, LEGEND_ABOVE, ORANGE, Picture, draw

_ATLAS = "an Atlas, from ex.open_atlas() or ex.build_atlas"
_KINDS = ("ss", "ramachandran", "burial", "contact_order")


def atlas_usage(atlas: Atlas) -> Picture:
    """Show how unevenly the codes of an atlas are used, and how many appear as residues are added.

    Parameters
    ----------
    atlas : Atlas

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no atlas.
    """
    used = _usage(atlas)
    ranked = np.sort(used.counts)[::-1][: used.n_used]
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=("how often, by rank", "codes seen as residues are added")
    )
    line = {"color": BLUE}
    figure.add_trace(go.Scatter(x=np.arange(1, used.n_used + 1), y=ranked, line=line), 1, 1)
    points = used.rarefaction
    figure.add_trace(go.Scatter(x=points[:, 0], y=points[:, 1], line=line), 1, 2)
    n = len(used.counts)
    what = f"{used.n_used:,} of {n:,} codes used, perplexity {used.perplexity:,.0f}"
    shown = draw(figure, what, [], points, source=_source(atlas), showlegend=False)
    shown.update_xaxes(title="rank of the code", col=1)
    shown.update_yaxes(title="residues", rangemode="tozero", col=1)
    shown.update_xaxes(title="residues", col=2)
    shown.update_yaxes(title="codes", col=2)
    return shown


def _usage(atlas: Atlas) -> Usage:
    check_kind(atlas, Atlas, "atlas", _ATLAS)
    return usage(np.repeat(atlas.codes["token"], atlas.codes["count"]), len(atlas.codes), 200)


def atlas_stored_counts(atlas: Atlas, encoder: StructureTokenEncoder) -> Picture:
    """Show the counts that training left in the codebook against how often codes are used.

    Parameters
    ----------
    atlas : Atlas
    encoder : StructureTokenEncoder
        Whose atlas it is; it has the stored counts, ``encoder.codebook.N``.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no atlas, or the encoder is another one.

    Notes
    -----
    Stored counts are moving averages of the codes' use in a batch. Of ESM3's weights their
    quartiles are 29.75, 48.25 and 72.5.
    """
    stored = modules_of(_own(atlas, encoder)).counts.cpu().numpy()
    counts = atlas.codes["count"].to_numpy()
    used = counts > 0
    marks = [
        ("used", used, BLUE, counts),
        # A logarithm has no place for none.
        (f"not used ({int((~used).sum()):,})", ~used, ORANGE, np.full(len(counts), 0.5)),
    ]
    dots = [
        go.Scatter(
            **{"x": stored[chosen], "y": heights[chosen], "name": name, "mode": "markers"},
            marker={"color": color, "size": 4, "opacity": 0.5},
            text=[f"code {code}" for code in np.flatnonzero(chosen)],
        )
        for name, chosen, color, heights in marks
        if chosen.any()
    ]
    quartiles = " / ".join(f"{value:.4g}" for value in np.percentile(stored, [25, 50, 75]))
    figure = draw(
        dots,
        f"Counts stored with the codebook (quartiles {quartiles}), against use",
        [],
        stored,
        source=_source(atlas),
        legend=LEGEND_ABOVE,
        showlegend=True,
    )
    figure.update_xaxes(title="stored count N of the code", type="log", dtick=1)
    figure.update_yaxes(title="residues with the code", type="log", dtick=1)
    return figure


def atlas_silhouettes(atlas: Atlas, encoder: StructureTokenEncoder, kind: str = "ss") -> Picture:
    """Show how well categories part the codebook: the silhouette of codes, a category a box.

    Parameters
    ----------
    atlas : Atlas
    encoder : StructureTokenEncoder
        Whose atlas it is; it has the places of the codes.
    kind : {"ss", "ramachandran", "burial", "contact_order"}
        Whose most frequent category a code is of; codes of fewer than 20 residues are left out.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no atlas, the encoder is another one, or all codes are of one category.

    Notes
    -----
    1 where a code is among its own kind, 0 at the border, below where it is nearer to another
    (Rousseeuw, 1987).
    """
    from sklearn.metrics import silhouette_samples

    check_is_one_of("kind", kind, _KINDS)
    codes = modules_of(_own(atlas, encoder)).codes.cpu().numpy()
    shares = atlas.shares(kind)
    known = np.flatnonzero(shares.notna().all(axis=1))
    main = shares.columns.to_numpy()[shares.loc[known].to_numpy().argmax(1)]
    names, sizes = np.unique(main, return_counts=True)
    if len(names) < 2 or len(names) == len(known):
        raise TraceError(f"Codes of this atlas are of one category of {kind}: nothing parts them.")
    values = silhouette_samples(codes[known], main)
    order = np.argsort(-sizes, kind="stable")
    boxes = [
        go.Box(
            y=values[main == names[i]],
            name=f"{SS_WORDS[names[i]] if kind == 'ss' else names[i]}<br>{sizes[i]:,} codes",
            **{"boxpoints": False, "marker": {"color": BLUE}, "showlegend": False},
        )
        for i in order
    ]
    what = f"Silhouette of codes by {kind}: mean {values.mean():.2f}"
    figure = draw(boxes, what, [], values, source=_source(atlas))
    figure.add_hline(0, line={"color": GRAY, "width": 1})
    figure.update_yaxes(title="silhouette in the codebook")
    return figure


def letters_left_open(crosswalks: list[Crosswalk]) -> Picture:
    """Show how much of another alphabet symbols tell, and what they leave open.

    Parameters
    ----------
    crosswalks : list of Crosswalk
        Of one alphabet: of several encoders' atlases, and of 3Di.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If they are none.
    """
    right = "a list of crosswalks, from atlas.crosswalk"
    if not isinstance(crosswalks, list) or not crosswalks:
        raise wrong(crosswalks, "crosswalks", right)
    for one in crosswalks:
        check_kind(one, Crosswalk, "crosswalks", right)
    names = [for_plotly(f"{one.name}, {len(one.counts):,} symbols") for one in crosswalks]
    kinds = (("told by the symbol", "information", BLUE), ("left open", "left", "#bbbbbb"))
    bars = [
        go.Bar(
            x=[getattr(one, value) for one in crosswalks],
            **{"y": names, "name": name, "marker": {"color": color}, "orientation": "h"},
        )
        for name, value, color in kinds
    ]
    numbers = np.array([[one.information, one.left] for one in crosswalks])
    whose = [one.name.partition(" by ")[0] for one in crosswalks]
    n = max(int(one.counts.to_numpy().sum()) for one in crosswalks)
    figure = draw(
        bars,
        "What symbols tell about another alphabet",
        [],
        numbers,
        source=f"up to {n:,} residues; symbols of {', '.join(dict.fromkeys(whose))}",
        **{"barmode": "stack", "legend": LEGEND_ABOVE, "height": 200 + 50 * len(bars[0].y)},
    )
    figure.update_xaxes(title="bits a residue, less what chance makes")
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure


def _own(atlas: Atlas, encoder: StructureTokenEncoder) -> StructureTokenEncoder:
    """Check that an atlas is of an encoder."""
    check_kind(atlas, Atlas, "atlas", _ATLAS)
    info, own = encoder_info(encoder), atlas.manifest["encoder"]
    if info.digest != own["digest"]:
        raise TraceError(f"The atlas is of {own['title']}, and the encoder is {info.title}.")
    return encoder


def _source(atlas: Atlas) -> str:
    counts, title = atlas.manifest["counts"], atlas.manifest["encoder"]["title"]
    return f"{counts['chains']:,} chains, {counts['residues']:,} residues; encoder: {title}"
