"""Text that others wrote, on its way into a page: one place for each target.

Labels, chain ids, names of structures and encoders, sequences and titles come from files and from
users. They are shown as they are written, and nothing in them is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def for_html(text: object) -> str:
    """Write text for HTML, also inside of quoted attributes.

    Examples
    --------
    >>> for_html("57<b>")
    '57&lt;b&gt;'
    """
    return escape(str(text))


def for_plotly(text: object) -> str:
    """Write text for plotly, whose texts know some tags, links, and formulas between dollars.

    Examples
    --------
    >>> for_plotly("<a href='x'>$57$")
    "&lt;a href='x'&gt;&#36;57&#36;"
    """
    return escape(str(text), quote=False).replace("$", "&#36;")


def all_for_plotly(texts: Iterable[object]) -> list[str]:
    """Write each of some texts as `for_plotly` does."""
    return [for_plotly(text) for text in texts]


def for_script(json_text: str) -> str:
    r"""Write JSON for a script block of HTML, which ``</script>`` would end even within quotes.

    Examples
    --------
    >>> print(for_script('"</script>"'))
    "\u003c/script>"
    """
    return json_text.replace("<", "\\u003c")
