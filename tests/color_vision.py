"""How far apart colors are, also to readers who do not see all of them.

CIEDE2000 (Sharma, Wu and Dalal, 2005) of sRGB under D65, after Machado, Oliveira and Fernandes
(2009) at severity 1.0, whose matrices act on linear RGB.
"""

from __future__ import annotations

import numpy as np

VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(hexes: list[str]) -> np.ndarray:
    """Give linear RGB of ``#rrggbb``, shape=(n, 3)."""
    rgb = np.array([[int(h[i : i + 2], 16) for i in (1, 3, 5)] for h in hexes]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(hexes: list[str], vision: str = "normal") -> np.ndarray:
    """Give CIELAB of colors as they are seen, shape=(n, 3)."""
    seen = (linear(hexes) @ VISIONS[vision].T).clip(0, 1)
    xyz = seen @ _XYZ.T / _XYZ.sum(1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


def ciede2000(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give the distance of CIELAB colors, shapes (..., 3)."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0)
    c_mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    apart = h2 - h1
    apart = np.where(apart > 180, apart - 360, np.where(apart < -180, apart + 360, apart))
    apart = np.where(c1 * c2 == 0, 0, apart)
    dl, dc = l2 - l1, c2 - c1
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(apart) / 2)
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    total = h1 + h2
    h_mean = np.where(
        np.abs(h1 - h2) <= 180, total / 2, np.where(total < 360, total / 2 + 180, total / 2 - 180)
    )
    h_mean = np.where(c1 * c2 == 0, total, h_mean)
    t = (
        1
        - 0.17 * np.cos(np.radians(h_mean - 30))
        + 0.24 * np.cos(np.radians(2 * h_mean))
        + 0.32 * np.cos(np.radians(3 * h_mean + 6))
        - 0.20 * np.cos(np.radians(4 * h_mean - 63))
    )
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    turn = 30 * np.exp(-(((h_mean - 275) / 25) ** 2))
    r_t = -2 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)) * np.sin(np.radians(2 * turn))
    terms = dl / s_l, dc / s_c, dh / s_h
    return np.sqrt(sum(term**2 for term in terms) + r_t * terms[1] * terms[2])


def least_apart(hexes: list[str]) -> tuple[float, str]:
    """Give the smallest distance of any two colors in any vision, and in which."""
    found = []
    for vision in VISIONS:
        seen = lab(hexes, vision)
        apart = ciede2000(seen[:, None], seen[None])
        i, j = np.triu_indices(len(hexes), 1)
        at = int(apart[i, j].argmin())
        found.append((float(apart[i, j][at]), f"{hexes[i[at]]} and {hexes[j[at]]}, {vision}"))
    return min(found)


def contrast(first: str, second: str) -> float:
    """Give the contrast of two colors as WCAG 2 has it, from 1 to 21."""
    light, dark = sorted((linear([h])[0] @ _XYZ[1] for h in (first, second)), reverse=True)
    return float((light + 0.05) / (dark + 0.05))
