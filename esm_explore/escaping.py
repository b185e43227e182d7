"""Text that others wrote, on its way into a page: one place for each target.

Labels, chain ids, names of structures and encoders, sequences and titles come from files and from
users. They are shown as they are written, and nothing in them is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

# Turn the direction of all letters after them, also of ours: a margin of 0.12 would read 21.0.
# They are shown as their escapes.
_TURNING = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}

# Classes of an element in which nothing is taken for a formula: MathJax 3's name, of JupyterLab and
# Notebook, and MathJax 2's, which nbconvert's pages have.
NO_FORMULAS = "mathjax_ignore tex2jax_ignore"


def for_reading(text: object) -> str:
    r"""Write text for what shows it as it is: our own scripts, and labels that are drawn.

    Examples
    --------
    >>> for_reading("57\u202e")
    '57\\u202e'
    """
    return str(text).translate(_TURNING)


def for_html(text: object) -> str:
    """Write text for HTML, also inside of quoted attributes.

    Examples
    --------
    >>> for_html("57<b>")
    '57&lt;b&gt;'
    """
    return escape(for_reading(text))


def without_formulas(html: str) -> str:
    """Put HTML for a notebook's output into a block whose texts are never taken for formulas.

    JupyterLab typesets what stands between dollars in HTML outputs, also if it is escaped, and also
    in a widget that was put into one; of widgets alone only Labels and descriptions, which get no
    texts of others.

    Examples
    --------
    >>> without_formulas("<p>$57$</p>")
    '<div class="mathjax_ignore tex2jax_ignore"><p>$57$</p></div>'
    """
    return f'<div class="{NO_FORMULAS}">{html}</div>'


def for_plotly(text: object) -> str:
    """Write text for plotly: its texts know some tags, links, formulas ``$x$`` and blanks ``%{x}``.

    Examples
    --------
    >>> for_plotly("<a href='x'>$57$ %{x}")
    "&lt;a href='x'&gt;&#36;57&#36; &#37;{x}"
    """
    escaped = escape(for_reading(text), quote=False)
    return escaped.replace("$", "&#36;").replace("%{", "&#37;{")


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
