"""Texts for pictures without a browser."""

from __future__ import annotations

import html
import re
from functools import cache

from matplotlib.font_manager import findfont, get_font


def plain_text(text: object) -> str:
    """Read a text of plotly's, or HTML, as it is seen: without tags, marks and references.

    Examples
    --------
    >>> plain_text({"text": "57&lt;b&gt;<br><sub>of 1UBI</sub>"})
    '57<b>, of 1UBI'
    """
    if isinstance(text, dict):
        text = text.get("text")
    text = re.sub(r"<br\s*/?>|</(?:p|h[1-6]|li|div)>", "\n", str(text or ""))
    lines = html.unescape(re.sub(r"<[^>]*>", "", text)).splitlines()
    return drawable(", ".join(line.strip() for line in lines if line.strip()))


def drawable(text: str) -> str:
    """Put a box for each letter that matplotlib's own font does not have.

    Examples
    --------
    >>> drawable("Å 中")
    'Å □'
    """
    return "".join(letter if ord(letter) in _letters() else "□" for letter in text)


@cache
def _letters() -> frozenset[int]:
    return frozenset({10, *get_font(findfont("DejaVu Sans")).get_charmap()})
