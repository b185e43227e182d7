"""What colors mean, in HTML, beneath a static picture."""

from __future__ import annotations

from esm_explore.escaping import for_html


def legend_html(legend: list[tuple[str, str]], bar: dict | None = None) -> str:
    """Write a legend: a color bar with its marks where there is one, else swatches in a line.

    Parameters
    ----------
    legend : list of (str, str)
        Color and meaning, as `Colors` has them.
    bar : dict, optional
        As `Colors` has it.

    Returns
    -------
    str
    """
    if not bar:
        return "".join(_swatch(color, meaning) for color, meaning in legend)
    marks = "".join(_mark(at, text) for at, text in bar["marks"])
    return (
        f'<span style="display: inline-block; position: relative; width: 16em; height: 0.8em; '
        f"margin: 0 1.5em 1.4em 1em; vertical-align: top; "
        f'background: linear-gradient(to right, {", ".join(bar["colors"])})">{marks}</span>'
        f"{for_html(bar['title'])}"
    )


def _swatch(color: str, meaning: str) -> str:
    return (
        f'<span style="display: inline-block; margin-right: 1em"><span style="display: '
        f'inline-block; width: 0.8em; height: 0.8em; background: {color}"></span> '
        f"{for_html(meaning)}</span>"
    )


def _mark(at: float, text: str) -> str:
    place = f"position: absolute; top: 0.8em; left: {at:.2%}; transform: translateX(-50%)"
    return f'<span style="{place}">{for_html(text)}</span>'
