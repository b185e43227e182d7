"""Value to color: the same color for the same token in 2D, 3D and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd
from plotly.colors import sample_colorscale, unlabel_rgb

from esm_explore.principal_axes import principal_axes

FRAMELESS = "#b0b0b0"
# Okabe and Ito (2008): told apart also by color-blind readers. Their black, which is not seen on a
# dark page, is a dark gray here.
CATEGORIES = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7"),
    *("#56b4e9", "#d55e00", "#f0e442", "#505050"),
)
SECONDARY_STRUCTURE = {
    **{"helix": "#b5307c", "strand": "#e69f00"},
    **{"coil": "#56b4e9", "unknown": FRAMELESS},
}
# Acidic red and basic blue, as everywhere; all apart from each other and from the gray.
AMINO_ACIDS = {
    **{"aliphatic": "#d1b116", "aromatic": "#af4d80", "polar": "#369c67"},
    **{"positive": "#1054fa", "negative": "#c41a10"},
    **{"glycine": "#9fe0a0", "proline": "#54301c", "other": "#505050"},
}
BAR = 32  # colors of a bar
_SEEN = (0.1, 0.9)  # of Viridis: a contrast of 1.5 with both themes
# Pale for what stayed; not gray, which is for residues without a backbone frame.
CHANGE = {"changed": "#d55e00", "same": "#bcd3e6"}


def token_colors(codebook: np.ndarray) -> np.ndarray:
    """Give each code of a codebook a color, so that near codes have near colors.

    Parameters
    ----------
    codebook : ndarray, shape=(n_codes, d_code), dtype=float32

    Returns
    -------
    ndarray, shape=(n_codes, 3), dtype=uint8
        sRGB. The codes' first two principal components, made even by rank, are hue and chroma
        and the third is lightness, in the perceptually even Oklab space. A color says where in
        the codebook a code lies, not which code it is: near codes are hard to tell apart.

    Examples
    --------
    >>> import numpy as np
    >>> token_colors(np.eye(5)).shape
    (5, 3)
    """
    codebook = np.ascontiguousarray(codebook)
    return _token_colors(codebook.tobytes(), codebook.dtype.str, codebook.shape).copy()


# Every view asks for the colors of the same codebook, many times a second.
@lru_cache(maxsize=4)
def _token_colors(data: bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    codebook = np.frombuffer(data, dtype).reshape(shape)
    places, _ = principal_axes(codebook, 3)
    even = 2 * (pd.DataFrame(places).rank().to_numpy() - 0.5) / len(codebook) - 1
    return _oklab_to_srgb(0.70 + 0.12 * even[:, 2], 0.15 * even[:, 0], 0.15 * even[:, 1])


def hex_colors(colors: np.ndarray) -> list[str]:
    """Write colors as ``#rrggbb``.

    Parameters
    ----------
    colors : ndarray, shape=(n, 3), dtype=uint8

    Returns
    -------
    list of str

    Examples
    --------
    >>> import numpy as np
    >>> hex_colors(np.array([[255, 0, 16]], dtype=np.uint8))
    ['#ff0010']
    """
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colors]


@dataclass(frozen=True)
class Colors:
    """Colors of some values, and what they mean.

    Attributes
    ----------
    hex : list of str
        One color a value.
    legend : list of (str, str)
        Color and meaning.
    bar : dict
        Of numbers, a color bar: ``colors`` from low to high, ``marks`` (the fraction of the way,
        and a text) and ``title``, how it is scaled; empty of all else.
    """

    hex: list[str]
    legend: list[tuple[str, str]]
    bar: dict = field(default_factory=dict)


def colors_of(values: np.ndarray, *, root: bool = False) -> Colors:
    """Give values colors, whatever they are.

    Parameters
    ----------
    values : ndarray, shape=(N,) or (N, 3)
        Numbers go to `number_colors`, words to `category_colors`; colors (dtype uint8), such as
        `token_colors` gives, are taken as they are and have no legend.
    root : bool
        As `number_colors` has it.

    Returns
    -------
    Colors
    """
    if values.ndim == 2:
        return Colors(hex_colors(values), [])
    if values.dtype.kind in "iuf":
        return number_colors(values, root=root)
    return category_colors(values.astype(str).tolist())


def category_colors(values: Sequence[str]) -> Colors:
    """Give each category a color, told apart also by color-blind readers.

    Parameters
    ----------
    values : sequence of str

    Returns
    -------
    Colors
        Secondary structure, classes of amino acids, and what changed, have colors of their own;
        other categories take eight in alphabetical order, then paler and darker ones of the same,
        up to 24. Above that colors repeat.
    """
    names = sorted(set(values))
    own = next(
        (t for t in (SECONDARY_STRUCTURE, AMINO_ACIDS, CHANGE) if set(names) <= set(t)), None
    )
    shades = [*CATEGORIES, *_mixed(CATEGORIES, 255), *_mixed(CATEGORIES, 0)]
    table = own or {name: shades[i % len(shades)] for i, name in enumerate(names)}
    return Colors([table[value] for value in values], [(table[name], name) for name in names])


def _mixed(colors: Sequence[str], gray: int) -> list[str]:
    """Mix colors half and half with a gray."""
    rgb = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors])
    return hex_colors((0.5 * rgb + 0.5 * gray).round().astype(np.uint8))


def number_colors(values: np.ndarray, *, root: bool = False) -> Colors:
    """Give numbers colors from the lowest (dark) to the highest (bright), by plotly's Viridis.

    Its ends, which a dark and a white page swallow, are left out.

    Parameters
    ----------
    values : ndarray, shape=(n,), dtype=float
        NaN, for what is not known, is gray.
    root : bool
        Share out colors by the square root, from 0 on: for numbers above 0 most of which are small.

    Returns
    -------
    Colors
    """
    values = np.asarray(values, dtype=float)
    known = np.isfinite(values)
    if not known.any():
        return Colors([FRAMELESS] * len(values), [])
    low, high = values[known].min(), values[known].max()
    low = min(low, 0.0) if root else low
    bend = np.sqrt if root else np.asarray

    def share(numbers: np.ndarray) -> np.ndarray:
        flat = np.zeros(len(numbers))
        return bend((numbers - low) / (high - low)) if high > low else flat

    shades = _viridis(share(np.where(known, values, low)))
    shown = [shade if k else FRAMELESS for shade, k in zip(shades, known, strict=True)]
    marks = _round_numbers(low, high, root)
    places = share(marks)
    words = [f"{mark:.6g}" for mark in marks]
    bar = {
        "colors": _viridis(np.linspace(0, 1, BAR)),
        "marks": [[float(at), word] for at, word in zip(places, words, strict=True)],
        "title": "square-root scale" if root else "",
    }
    return Colors(shown, list(zip(_viridis(places), words, strict=True)), bar)


def _round_numbers(low: float, high: float, root: bool) -> np.ndarray:
    """Choose up to six round numbers of a range; its ends where there is no room for such."""
    if not high > low:
        return np.array([low])
    sizes = 10.0 ** np.arange(np.floor(np.log10(high - low)) - 1, np.ceil(np.log10(high - low)) + 1)
    steps = np.outer(sizes, [1, 2, 5]).ravel()
    if root:
        marks = np.concatenate([[0.0], steps[(steps > 0.01 * high) & (steps <= high)]])
        # Those that stand apart on the bar.
        kept = [marks[0]]
        for mark in marks[1:]:
            if np.sqrt(mark / high) - np.sqrt(kept[-1] / high) >= 0.15:
                kept.append(mark)
        return np.array(kept)
    step = steps[(high - low) / steps <= 5][0]
    marks = step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
    return marks if len(marks) > 1 else np.array([low, high])


def _viridis(shares: np.ndarray) -> list[str]:
    seen = _SEEN[0] + (_SEEN[1] - _SEEN[0]) * np.asarray(shares)
    colors = [unlabel_rgb(color) for color in sample_colorscale("Viridis", seen)]
    return hex_colors(np.round(colors).astype(np.uint8))


def _oklab_to_srgb(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Convert Oklab (Ottosson, 2020) to 8-bit sRGB; colors outside sRGB are clipped."""
    cones = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    linear = (
        np.array(
            [
                [4.0767416621, -3.3077115913, 0.2309699292],
                [-1.2684380046, 2.6097574011, -0.3413193965],
                [-0.0041960863, -0.7034186147, 1.7076147010],
            ]
        )
        @ cones**3
    ).clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * encoded).astype(np.uint8).T
