"""The page of one code in a gallery: its card in HTML, and its neighborhoods as data."""

from __future__ import annotations

import numpy as np

from esm_explore.atlas.cards import Card
from esm_explore.atlas.describing import SS_WORDS
from esm_explore.atlas.statistics import LEAST
from esm_explore.escaping import for_html, for_reading

_KINDS = {
    "ss": "Secondary structure (DSSP)",
    "amino_acid": "Amino acid",
    "ramachandran": "phi and psi",
    "burial": "Burial",
    "threedi": "3Di",
}
_AROUND = {
    "borders": ("Borders", "the next nearest code of its residues"),
    "before": ("Before", "the code of the residue before"),
    "after": ("After", "the code of the residue after"),
}


def page(title: str, up: str, head: str, body: str) -> str:
    """Put a page of the gallery together.

    Parameters
    ----------
    title : str
        As text.
    up : str
        The way to the gallery's folder: ``""`` or ``"../"``.
    head, body : str
        HTML.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f'<title>{for_html(title)}</title><link rel="stylesheet" href="{up}lib/gallery.css">'
        f"{head}</head>\n<body>{body}</body></html>\n"
    )


def code_page(card: Card, told: str, n_codes: int, chunk: int) -> str:
    """Write the page of a code.

    Parameters
    ----------
    card : Card
    told : str
        HTML that says of which encoder and atlas it is.
    n_codes : int
    chunk : int
        The number of the file with its data.

    Returns
    -------
    str
    """
    parts = [
        f"<header>{_ways(card.code, n_codes)}</header>",
        f'<main data-code="{card.code}" data-chunk="{chunk}"><h1>Code {card.code}</h1>',
        f'<p class="what">{for_html(card.description)}</p><p class="told">{told}</p>',
        _facts(card),
    ]
    if card.count:
        parts += [_structure(card), _enrichments(card), _around(card), _edges(card)]
    head = '<script defer src="../lib/code.js"></script>'
    title = f"Code {card.code}: {card.description}"
    return page(title, "../", head, "\n".join([*parts, "</main>"]))


def card_data(card: Card) -> dict:
    """Give what is drawn of a card, as JSON knows it.

    Returns
    -------
    dict
        ``exemplars``, the medoid first, which has its N, CA and C as ``backbone``: ``label``,
        ``relative``, and ``ca`` in the query's frame in 0.01 Å, three numbers a node, None where an
        atom is missing. ``rows``, one a category: count, share in ‰, enrichment and q, None where
        they are not told.
    """
    exemplars = [
        {
            "label": for_reading(one.label),
            "relative": one.relative_positions.tolist(),
            "ca": _hundredths(one.ca),
        }
        for one in card.exemplars
    ]
    if exemplars:
        exemplars[0]["backbone"] = _hundredths(card.medoid_backbone)
    frame = card.to_frame()
    told = zip(frame["count"], 1000 * frame["share"], frame["enrichment"], frame["q"], strict=True)
    rows = [[int(count), *map(_short, numbers)] for count, *numbers in told]
    return {"exemplars": exemplars, "rows": rows}


def kinds_data(card: Card) -> list[dict]:
    """Give the kinds of categories, in a card's order, with the background in ‰."""
    frame = card.to_frame()
    return [
        {
            "title": title_of(kind),
            "names": [_named(kind, name) for name in rows["category"].astype(str)],
            "background": [_short(1000 * share) for share in rows["background"]],
        }
        for kind, rows in frame.groupby("kind", sort=False)
    ]


def _named(kind: str, name: str) -> str:
    return for_reading(f"{name} {SS_WORDS.get(name, '')}".strip() if kind == "ss" else name)


def _short(number: float) -> float | None:
    return float(f"{number:.3g}") if np.isfinite(number) else None


def _hundredths(places: np.ndarray) -> list[int | None]:
    numbers = np.asarray(places, float).ravel()
    return [round(100 * x) if np.isfinite(x) else None for x in numbers.tolist()]


def _ways(code: int, n_codes: int) -> str:
    """Lead to the code before, to the index, and to the next code."""
    before = f'<a rel="prev" href="{code - 1}.html">← {code - 1}</a>' if code else "<span></span>"
    last = code == n_codes - 1
    after = "<span></span>" if last else f'<a rel="next" href="{code + 1}.html">{code + 1} →</a>'
    way = f'<a href="../index.html#code={code}">all codes</a>'
    return f'<nav aria-label="Codes">{before}{way}{after}</nav>'


def _facts(card: Card) -> str:
    facts = [
        ("residues", f"{card.count:,}"),
        ("chains", f"{card.chains:,}"),
        ("of all residues", f"{card.share:.3%} ({card.share_low:.3%} to {card.share_high:.3%})"),
    ]
    if card.count:
        facts.append(("mean margin", f"{card.margin:.2f}"))
    cells = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in facts)
    return f'<dl class="facts">{cells}</dl>'


def _structure(card: Card) -> str:
    """Give the place where `code.js` draws exemplars; their list is there without it."""
    what = f"{card.code}: the medoid and {len(card.exemplars) - 1} more exemplars in 3D"
    items = "".join(
        f'<li><label><input type="checkbox" checked value="{i}"><span class="swatch"></span>'
        f"{for_html(one.label)}</label> <small>{'medoid, ' if not i else ''}"
        f"{one.distance:.2f} from the mean</small></li>"
        for i, one in enumerate(card.exemplars)
    )
    return (
        '<section><h2>Exemplars</h2><p class="note">The residues nearest to the mean latent of the '
        "code, each of another chain, superposed by the residue's own backbone frame. Lines: "
        "neighbors along the chain (of the medoid N, CA and C, of the others CA alone); balls: "
        'CA of neighbors more than 4 away along the chain.</p><div class="space">'
        f'<div id="structure" role="img" aria-label="Code {what}"></div>'
        f'<ul id="exemplars">{items}</ul></div></section>'
    )


def _enrichments(card: Card) -> str:
    """Give the place where `code.js` draws bars."""
    if card.count < LEAST:
        said = f"With fewer than {LEAST} residues there are counts, but no shares."
    else:
        said = (
            "Bars: share of the code's residues; mark: share of all residues; each table has a "
            "scale of its own. Then their ratio, bold where it is above 1 with q below 0.05, pale "
            "where q is not below."
        )
    return (
        f'<section><h2>What its residues are</h2><p class="note">{said}</p>'
        '<div id="kinds" class="kinds"><noscript>Bars need JavaScript.</noscript></div></section>'
    )


def title_of(kind: str) -> str:
    """Name a kind of categories for the reader."""
    return _KINDS.get(kind, kind.replace("_", " ").capitalize())


def _around(card: Card) -> str:
    parts = []
    for name, (title, what) in _AROUND.items():
        table = getattr(card, name)
        links = "".join(
            f'<li><a href="{token}.html">{token}</a> {count:,} '
            f"<small>{count / card.count:.0%}</small>"
            for token, count in zip(table["token"], table["count"], strict=True)
        )
        listed = f"<ol>{links}</ol>" if links else "<p>none</p>"
        parts.append(f'<section><h2>{title}</h2><p class="note">{what}</p>{listed}</section>')
    return f'<div class="around">{"".join(parts)}</div>'


def _edges(card: Card) -> str:
    items = "".join(
        f"<li>{for_html(label)} <small>margin {margin:.3f}</small>" for label, margin in card.edges
    )
    return (
        '<section><h2>Edges</h2><p class="note">Where the code ends: its smallest margins, each of '
        f"another chain.</p><ul>{items}</ul></section>"
    )
