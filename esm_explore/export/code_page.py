"""The page of one code in a gallery: its card in HTML."""

from __future__ import annotations

from typing import Any

from esm_explore.atlas.cards import Card
from esm_explore.atlas.statistics import LEAST
from esm_explore.escaping import for_html

_Q = 0.05
_AROUND = {
    "borders": ("Borders", "the next nearest code of its residues"),
    "before": ("Before", "the code of the residue before, and how often over what chance makes"),
    "after": ("After", "the code of the residue after, likewise"),
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
        parts.append(_synonyms(card))
    head = '<script defer src="../lib/code.js"></script>'
    title = f"Code {card.code}: {card.description}"
    return page(title, "../", head, "\n".join([*parts, "</main>"]))


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
        ("families", f"{card.families:,}"),
        ("of all residues", f"{card.share:.3%} ({card.share_low:.3%} to {card.share_high:.3%})"),
    ]
    if card.count:
        facts.append(("mean margin", f"{card.margin:.2f}"))
    if card.decoded is not None:
        facts.append(("decoder's neighbors, from the medoid's", f"{card.decoder_rmsd:.1f} Å RMSD"))
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
        "code, each of another family, superposed by the residue's own backbone frame. Lines: "
        "neighbors along the chain (of the medoid N, CA and C, of the others CA alone); balls: "
        'CA of neighbors more than 4 away along the chain.</p><div class="space">'
        f'<div id="structure" role="img" aria-label="Code {what}"></div>'
        f'<ul id="exemplars">{items}</ul></div>{_spread(card)}</section>'
    )


def _spread(card: Card) -> str:
    """Say how far the exemplars are apart at each place along the chain that two or more have."""
    spread = card.spread()
    cells = "".join(
        f"<div><dt>{row.relative_position:+d}</dt><dd>{row.spread:.1f}</dd></div>"
        for row in spread[spread["relative_position"] != 0].itertuples()
    )
    if not cells:
        return ""
    return (
        '<p class="note">How far neighbors are apart among exemplars that have one there (Å), by '
        f'place along the chain:</p><dl class="spread">{cells}</dl>'
    )


def _enrichments(card: Card) -> str:
    """Give the place where `code.js` draws bars."""
    if not card.has_shares:
        said = (
            f"With fewer than {LEAST} residues, a family counting as one chain, there are counts, "
            "but no shares."
        )
    else:
        said = (
            "Numbers of residues; then bars: share of the code's residues, a family counting as "
            "one chain; mark: share of all residues; each table has a scale of its own. Then their "
            f"ratio, bold where it is above 1 with q below {_Q}, pale where q is not below."
        )
    return (
        f'<section><h2>What its residues are</h2><p class="note">{said}</p>'
        '<div id="kinds" class="kinds"><noscript>Bars need JavaScript.</noscript></div></section>'
    )


def _around(card: Card) -> str:
    parts = []
    for name, (title, what) in _AROUND.items():
        table = getattr(card, name)
        links = "".join(
            f'<li><a href="{row.token}.html">{row.token}</a> {row.n:,} '
            f"<small>{_often(row, card.count)}</small>"
            for row in table.rename(columns={"count": "n"}).itertuples()
        )
        listed = f"<ol>{links}</ol>" if links else "<p>none</p>"
        parts.append(f'<section><h2>{title}</h2><p class="note">{what}</p>{listed}</section>')
    return f'<div class="around">{"".join(parts)}</div>'


def _often(row: Any, n: int) -> str:
    """Give the share of a code's residues; of codes before and after also over chance."""
    said = f"{row.n / n:.0%}"
    if not hasattr(row, "lift"):
        return said
    return f"{said}, {row.lift:,.0f}x{'' if row.q < _Q else ', as expected'}"


def _synonyms(card: Card) -> str:
    links = ", ".join(f'<a href="{code}.html">{code}</a>' for code in card.synonyms) or "none"
    return (
        '<section><h2>Synonyms</h2><p class="note">Codes that mean the same: near in the codebook, '
        "of residues alike, and runner-up of one another.</p>"
        f"<p>{links}</p></section>"
    )


def _edges(card: Card) -> str:
    items = "".join(
        f"<li>{for_html(label)} <small>margin {margin:.3f}</small>" for label, margin in card.edges
    )
    return (
        '<section><h2>Edges</h2><p class="note">Where the code ends: its smallest margins, each of '
        f"another family.</p><ul>{items}</ul></section>"
    )
