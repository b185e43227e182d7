"""Which categories residues fall into: by structure, sequence and neighborhood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Of 3Di, as mini3di writes them.
LETTERS_3DI = tuple("ACDEFGHIKLMNPQRSTVWY")
KINDS = {
    "ss": tuple("HGIPEBTSC"),
    "amino_acid": tuple("ACDEFGHIKLMNPQRSTVWY"),
    "ramachandran": ("alpha", "beta", "left", "other"),
    "burial": ("exposed", "middle", "buried"),
    # Those that a neighborhood has: it can have all of them.
    "relative_position": (
        *("-33 or less", "-32 to -17", "-16 to -9", "-8 to -5", "-4", "-3", "-2", "-1"),
        *("+1", "+2", "+3", "+4", "+5 to +8", "+9 to +16", "+17 to +32", "+33 or more"),
    ),
    "contact_order": ("local", "medium", "distant"),
    "threedi": LETTERS_3DI,
}
# Other CA within 10 Å: about a third of the residues of known structures is in each class.
EXPOSED, BURIED = 14, 21
# Mean distance in the sequence to the nodes of the neighborhood: likewise.
LOCAL, DISTANT = 15, 40
_FIRST = np.array([-32, -16, -8, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 9, 17, 33])


@dataclass(frozen=True, eq=False)
class Around:
    """Neighborhoods of some residues, without the residues themselves.

    Attributes
    ----------
    row : ndarray, shape=(M,), dtype=int64
        Whose it is.
    relative : ndarray, shape=(M,), dtype=int64
        Residue number minus the query's.
    """

    row: np.ndarray
    relative: np.ndarray


def categories_of(rows: pd.DataFrame, around: Around, letters: np.ndarray) -> dict[str, np.ndarray]:
    """Sort residues into the categories of each kind.

    Parameters
    ----------
    rows : DataFrame
        With ss, amino_acid, phi, psi and burial.
    around : Around
        Of these rows.
    letters : ndarray, shape=(N,), dtype=str
        Of 3Di; empty where it is not known.

    Returns
    -------
    dict of str to ndarray, shape=(N, n_categories + 1), dtype=uint8
        By kind: 1 for each of `KINDS` that a residue is of, and last whether that is known.
    """
    known = rows.assign(threedi=letters)
    found = {kind: _one_of(known[kind], KINDS[kind]) for kind in ("ss", "amino_acid", "threedi")}
    for kind, classes in (
        ("ramachandran", _ramachandran(rows)),
        ("burial", _degrees(rows["burial"].to_numpy(float), EXPOSED, BURIED)),
        ("contact_order", _contact_order(around, len(rows))),
    ):
        found[kind] = _marked(classes, len(KINDS[kind]))
    found["relative_position"] = _relative_positions(around, len(rows))
    return {kind: found[kind] for kind in KINDS}


def _one_of(values: pd.Series, names: tuple[str, ...]) -> np.ndarray:
    return _marked(pd.Index(names).get_indexer(values.astype(object)), len(names))


def _marked(classes: np.ndarray, n: int) -> np.ndarray:
    """Mark the class of each row; -1 is of none, and not known."""
    marks = np.zeros((len(classes), n + 1), np.uint8)
    known = np.flatnonzero(classes >= 0)
    marks[known, classes[known]] = 1
    marks[known, n] = 1
    return marks


def _ramachandran(rows: pd.DataFrame) -> np.ndarray:
    phi, psi = (rows[name].to_numpy(float) for name in ("phi", "psi"))
    helical = (psi >= -120) & (psi < 50)
    regions = [(phi < 0) & helical, phi < 0, (phi < 120) & (psi >= -60) & (psi < 100)]
    return np.where(np.isfinite(phi) & np.isfinite(psi), np.select(regions, [0, 1, 2], 3), -1)


def _degrees(values: np.ndarray, second: float, third: float) -> np.ndarray:
    return np.where(np.isfinite(values), np.digitize(values, [second, third]), -1)


def _contact_order(around: Around, n: int) -> np.ndarray:
    nodes = np.bincount(around.row, minlength=n)
    total = np.bincount(around.row, np.abs(around.relative), minlength=n)
    with np.errstate(invalid="ignore"):
        return _degrees(total / nodes, LOCAL, DISTANT)


def _relative_positions(around: Around, n: int) -> np.ndarray:
    names = KINDS["relative_position"]
    marks = np.zeros((n, len(names) + 1), np.uint8)
    # Residues of one number, told apart by insertion codes, are at no position.
    elsewhere = around.relative != 0
    row, relative = around.row[elsewhere], around.relative[elsewhere]
    place = np.searchsorted(_FIRST, relative, side="right")
    place -= relative > 0  # 0 is a step of its own
    marks[row, place] = 1
    marks[around.row, len(names)] = 1
    return marks
