"""The "code" tab: the card of a residue's code, and the residue against the code's medoid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from esm_explore.atlas.belonging import is_of
from esm_explore.atlas.cards import Card
from esm_explore.atlas.describing import SS_WORDS
from esm_explore.escaping import for_html
from esm_explore.experiments.medoids import against_medoid
from esm_explore.experiments.rerunning import framed_index, name_of
from esm_explore.palette import CATEGORIES
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.answers import Answer, around
from esm_explore.widgets.ghosts import joined
from esm_explore.widgets.panel_contents import Contents
from esm_explore.widgets.panel_tables import Table, make_table
from esm_explore.widgets.stage_figures import ALONG, PanelFigure
from esm_explore.widgets.stage_lines import Space
from esm_explore.widgets.stage_sentences import explained

if TYPE_CHECKING:
    from esm_explore.atlas.reading import Atlas

OWN, MEDOID = CATEGORIES[0], CATEGORIES[2]
_SURE = 0.05
_BARS = 10
_KINDS = {"ss": "secondary structure", "ramachandran": "phi and psi", "threedi": "3Di"}
_NUMBERS = ("share", "enrichment", "q")
# Their categories say by themselves what they are of.
_PLAIN = ("ss", "amino_acid", "burial")


@dataclass(frozen=True)
class CardContents:
    """What all residues of a code have in common; texts are HTML."""

    said: str
    said_source: str
    figure: PanelFigure
    table: Table
    source: str


class CodeAnswers:
    """Answers of one atlas.

    Parameters
    ----------
    atlas : Atlas, optional
        Of the traces' encoder; without it the bundled one, if that is of it. Nothing is opened
        before the first question.
    """

    def __init__(self, atlas: Atlas | None = None):
        self._given = atlas

    def __call__(self, trace: Trace, residue: int) -> Answer:
        """Give the answer for a residue; an EsmExploreError where there is none."""
        index = framed_index(trace, residue)
        atlas = self.atlas_for(trace)
        if atlas is None:
            return Answer(Contents(without_atlas(trace)))
        card = atlas.code(int(trace.tokens[index]))
        common = of_card(card, atlas)
        said, space, ghost = of_residue(trace, index, card)
        sentence = f"{common.said} {said} {common.said_source}"
        source = f"{trace.source}; {common.source}"
        return Answer(Contents(sentence, common.figure, common.table, source), space, ghost)

    def atlas_for(self, trace: Trace) -> Atlas | None:
        """Give the atlas of a trace's encoder; None if there is none."""
        atlas = self._given or _bundled()
        return atlas if is_of(atlas.manifest["encoder"], trace.encoder_info) else None


@lru_cache(maxsize=1)
def _bundled() -> Atlas:
    # Brings in pyarrow.
    from esm_explore.atlas.reading import open_atlas

    return open_atlas()


def without_atlas(trace: Trace) -> str:
    """Say that there is no atlas of a trace's encoder, and how to get one, as HTML."""
    return (
        f"<b>Code.</b> What codes of the encoder {for_html(trace.encoder_info.title)} mean is not "
        "known here: the bundled atlas is of mini. Build one of structures that you have, "
        "<code>esm-explore atlas build SOURCES -o ATLAS --encoder ENCODER</code>, and give it: "
        "<code>ex.inspect(traces, atlas=ex.open_atlas(&quot;ATLAS&quot;))</code>."
    )


def of_card(card: Card, atlas: Atlas) -> CardContents:
    """Say what an atlas knows of a code."""
    counts = atlas.manifest["counts"]
    share = f"{card.share:.3%} of all, {card.share_low:.3%} to {card.share_high:.3%}"
    said = (
        f"<b>Code {card.code}: {for_html(card.description)}.</b> {card.count:,} residues in "
        f"{card.chains:,} of the atlas's {counts['chains']:,} chains ({share})."
    )
    source = (
        f"atlas of {counts['chains']:,} chains, {counts['residues']:,} residues; encoder: "
        f"{card.title}"
    )
    said_source = f"<b>Source:</b> {for_html(source)}."
    return CardContents(said, said_source, card_figure(card), card_table(card), source)


def of_residue(trace: Trace, index: int, card: Card) -> tuple[str, Space, list[dict]]:
    """Say how a residue goes with its code: HTML, and what is drawn; nothing without a medoid."""
    near = around(trace, index)
    if not card.exemplars:
        return "", Space([], [], near, []), []
    second = int(trace.nearest.codes[index, 1])
    borders = dict(card.borders.itertuples(index=False))
    often = (
        f"which is that of {borders[second] / card.count:.0%} of the code's residues"
        if second in borders
        else "which is none of the codes that it borders most"
    )
    found = against_medoid(trace, index, card)
    said = explained(
        f"{name_of(trace, index)} has a margin of {trace.nearest.margin[index]:.2f} (mean of the "
        f"code's residues: {card.margin:.2f}) to the runner-up {second}, {often}. Laid on the "
        f"medoid, {found.medoid}, by its backbone frame alone, its {found.n} nodes are "
        f"{found.rmsd:.1f} Å from the medoid's (RMSD of CA)."
    )
    legend = [
        [OWN, f"this residue's {len(near)} nodes"],
        [MEDOID, f"the medoid's, {found.medoid}: RMSD {found.rmsd:.1f} Å"],
    ]
    ghost = joined(found.own, found.own_numbers, OWN)
    ghost += joined(found.places, found.numbers, MEDOID)
    return said, Space([], [], near, legend), ghost


def card_figure(card: Card) -> PanelFigure:
    """Draw what a code's residues are more often than others; nothing of too few."""
    frame = card.to_frame()
    more = frame[(frame["q"] < _SURE) & (frame["enrichment"] > 1)]
    more = more.sort_values("enrichment", ascending=False, kind="stable").head(_BARS)
    if more.empty:
        return PanelFigure([], {"title": ""})
    # Lying, because what they are of are words.
    bars = dict(
        type="bar",
        orientation="h",
        x=more["enrichment"].to_numpy(),
        y=[_word(row.kind, row.category) for row in more.itertuples()],
        marker={"color": ALONG},
        hovertext=[f"{row.share:.0%}, of all {row.background:.0%}" for row in more.itertuples()],
        hovertemplate="%{y}: %{x:.1f} times as often, %{hovertext}<extra></extra>",
    )
    layout = {
        "title": f"Times as often as among all residues (q < {_SURE})",
        "xaxis": {"rangemode": "tozero"},
        "yaxis": {"type": "category", "autorange": "reversed", "dtick": 1},
        "margin": {"b": 22},
    }
    return PanelFigure([bars], layout)


def card_table(card: Card) -> Table:
    """Make the table of a code: categories, codes beside it, which can be clicked, and residues."""
    frame = card.to_frame()
    order = {kind: place for place, kind in enumerate(dict.fromkeys(frame["kind"]))}
    rows = [row for row in frame.to_dict("records") if row["count"]]
    rows.sort(key=lambda row: (order[row["kind"]], -row["count"]))
    rows = [row | {"word": _named(row["kind"], row["category"]), "code": -1} for row in rows]
    for kind in ("borders", "before", "after"):
        for row in getattr(card, kind).to_dict("records"):
            share, word = row["count"] / card.count, f"code {row['token']}"
            times = row.get("lift", np.nan)
            more = {"kind": kind, "word": word, "share": share, "enrichment": times}
            rows.append({"q": np.nan} | row | more | {"code": int(row["token"])})
    ends = [f"{label} (margin {margin:.3f})" for label, margin in card.edges]
    shown = {"exemplar": [one.label for one in card.exemplars], "where it ends": ends}
    for kind, words in shown.items():
        one = {"kind": kind, "count": 1, "code": -1}
        rows += [one | dict.fromkeys(_NUMBERS, np.nan) | {"word": word} for word in words]
    if not rows:
        return Table()

    def column(name: str) -> list:
        return [row[name] for row in rows]

    columns = {
        "kind": ([_kind(kind) for kind in column("kind")], "{}"),
        "category": (column("word"), "{}"),
        "count": (column("count"), "{:,}"),
        "share": (column("share"), "{:.1%}"),
        "enrichment": (column("enrichment"), "{:.1f}x"),
        "q-value": (column("q"), "{:.1g}"),
    }
    missing = "–" if frame["share"].notna().any() else "too few to tell"
    return make_table(columns, f"The card of code {card.code}", [], missing, column("code"))


def _word(kind: str, category: object) -> str:
    """Name a category where its kind does not stand beside it."""
    named = _named(kind, category)
    return named if kind in _PLAIN else f"{named} ({_kind(kind)})"


def _named(kind: str, category: object) -> str:
    return SS_WORDS.get(category, category) if kind == "ss" else str(category)


def _kind(name: str) -> str:
    return _KINDS.get(name, name.replace("_", " "))
