"""Value to color: the same color for the same token in 2D, 3D and text."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

FRAMELESS = "#b0b0b0"


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
    centered = codebook - codebook.mean(0, dtype=np.float64)
    _, axes = np.linalg.eigh(centered.T @ centered)
    axes = axes[:, :-4:-1]
    # An axis has no direction of its own; a fixed one keeps colors the same everywhere.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    even = 2 * (rankdata(centered @ axes, axis=0) - 0.5) / len(codebook) - 1
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
