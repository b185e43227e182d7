"""One protein in two conformations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
from biotite.sequence import ProteinSequence
from biotite.sequence.align import SubstitutionMatrix, align_optimal
from biotite.structure import rmsd

from esm_explore.arguments import check_is_one_of
from esm_explore.chains.backbone import fit, superposed
from esm_explore.errors import TraceError
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace


def compare(first: Trace, second: Trace, *, by: str = "residue number") -> pd.DataFrame:
    """Compare a protein's residues in two conformations.

    Parameters
    ----------
    first, second : Trace
        Of one encoder.
    by : {"residue number", "alignment"}
        How residues are matched: by number and insertion code, or by a global alignment of the
        sequences.

    Returns
    -------
    DataFrame
        One row a residue that both have with a backbone frame, indexed by its number in `first`:
        the two tokens, changed, whole_chain (how far its CA is moved after superposing all of
        them, Å), neighborhood (RMSD of the CA of its neighbors in `first`, superposed without
        the rest, Å; NaN where fewer than three of them have a counterpart) and latent (distance
        between the latents).

    Raises
    ------
    TraceError
        If they are not traces of one encoder, or fewer than three residues match.
    """
    traces_of([first, second], "compare")
    return compare_matched(first, second, *shared_residues(first, second, by))


def compare_matched(
    first: Trace, second: Trace, match: np.ndarray, rows: np.ndarray
) -> pd.DataFrame:
    """Make the table of `compare` from what `shared_residues` found."""
    ca = first.coords[:, 1], second.coords[match, 1]
    fitted = superposed(ca[0][rows], ca[1][rows])
    whole = np.linalg.norm(fitted - ca[0][rows], axis=1)
    return pd.DataFrame(
        {
            "first_token": first.tokens[rows],
            "second_token": second.tokens[match[rows]],
            "changed": first.tokens[rows] != second.tokens[match[rows]],
            "whole_chain": whole,
            "neighborhood": neighborhood_motion(*ca, first.edges, rows),
            "latent": np.linalg.norm(first.pre_vq[rows] - second.pre_vq[match[rows]], axis=1),
        },
        index=pd.Index(np.array(first.labels)[rows], name="residue"),
    )


LINKS = ("residue number", "alignment")


def shared_residues(first: Trace, second: Trace, by: str) -> tuple[np.ndarray, np.ndarray]:
    """Find what two chains have in common.

    Parameters
    ----------
    first, second : Trace
    by : {"residue number", "alignment"}

    Returns
    -------
    ndarray, shape=(len(first),), dtype=int64
        Each residue's counterpart, as `match_residues` gives it.
    ndarray, shape=(n,), dtype=int64
        Residues of the first that have one, both with a backbone frame.

    Raises
    ------
    TraceError
        If there are fewer than three.
    """
    check_is_one_of("way to match residues", by, LINKS)
    match = match_residues(first, second, by)
    rows = _framed_rows(first, second, match)
    if len(rows) < 3:
        raise TraceError(
            f"{first.title} and {second.title} share fewer than three residues by {by}; the other "
            f"way is by={next(link for link in LINKS if link != by)!r}."
        )
    return match, rows


def neighborhood_motion(
    ca: np.ndarray, moved: np.ndarray, edges: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Measure how much neighborhoods change from one conformation to another.

    Parameters
    ----------
    ca, moved : ndarray, shape=(L, 3)
        CA in the first conformation, and each one's counterpart in the second, Å.
    edges : ndarray, shape=(L, K), dtype=int64
        Nodes in the first conformation, the residue itself among them.
    rows : ndarray, shape=(n,), dtype=int64
        Residues that have a counterpart; other nodes are left out.

    Returns
    -------
    ndarray, shape=(n,), dtype=float64
        RMSD of a residue's neighbors, which it is none of, superposed without the rest, Å; NaN of
        fewer than three, which always fit.
    """
    shared = np.zeros(len(ca), dtype=bool)
    shared[rows] = True
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        nodes = edges[row][shared[edges[row]] & (edges[row] != row)]
        if len(nodes) >= 3:
            found[place] = rmsd(ca[nodes], superposed(ca[nodes], moved[nodes]))
    return found


def _framed_rows(first: Trace, second: Trace, match: np.ndarray) -> np.ndarray:
    return np.flatnonzero(first.has_frame & (match >= 0) & second.has_frame[match])


def names_of(first: Trace, second: Trace) -> tuple[str, str]:
    """Name two chains, such as ``1AKE chain A``."""
    return first.name, second.name


def match_residues(first: Trace, second: Trace, by: str) -> np.ndarray:
    """Find each residue's counterpart.

    Parameters
    ----------
    first, second : Trace
    by : {"residue number", "alignment"}
        The same number and insertion code (of residues that share them, the first is the first's
        counterpart, the second the second's), or the same column of a global sequence alignment
        (BLOSUM62, affine gaps; letters that it does not have are X).

    Returns
    -------
    ndarray, shape=(len(first),), dtype=int64
        Indices in `second`; -1 where there is none.
    """
    if by == "residue number":
        places = {label: index for index, label in enumerate(_counted(second.labels))}
        return np.array([places.get(label, -1) for label in _counted(first.labels)])
    sequences = [_aligned(trace.chain.sequence) for trace in (first, second)]
    matrix = SubstitutionMatrix.std_protein_matrix()
    alignment = align_optimal(
        *sequences, matrix, gap_penalty=(-10, -1), terminal_penalty=False, max_number=1
    )[0]
    pairs = alignment.trace[(alignment.trace >= 0).all(1)]
    match = np.full(len(first), -1, dtype=np.int64)
    match[pairs[:, 0]] = pairs[:, 1]
    return match


def superposed_on(first: Trace, second: Trace, by: str = LINKS[0]) -> np.ndarray | None:
    """Lay a chain on another by the CA of the residues that belong together.

    Parameters
    ----------
    first, second : Trace
    by : {"residue number", "alignment"}
        As `match_residues` has it.

    Returns
    -------
    ndarray, shape=(len(second), 37, 3), dtype=float32, or None
        The second chain's atoms in Å in the coordinates of the first's file, NaN where they are
        missing; None if fewer than three residues with backbone frames belong together.
    """
    match = match_residues(first, second, by)
    rows = _framed_rows(first, second, match)
    if len(rows) < 3:
        return None
    # Where they are in the file: the encoder sees each moved to the origin and turned.
    fixed, moved = (trace.chain.atom37_positions for trace in (first, second))
    found = fit(fixed[rows, 1], moved[match[rows], 1])
    return found.apply(moved.reshape(-1, 3)).reshape(moved.shape).astype(np.float32)


def _counted(labels: list[str]) -> Iterator[tuple[str, int]]:
    """Give each label with how many were like it before."""
    seen: Counter[str] = Counter()
    for label in labels:
        yield label, seen[label]
        seen[label] += 1


def _aligned(sequence: str) -> ProteinSequence:
    """Write a sequence in letters that BLOSUM62 has: U and O as the nearest of them, C and K."""
    known = set(ProteinSequence().alphabet.get_symbols())
    letters = ({"U": "C", "O": "K"}.get(letter, letter) for letter in map(str.upper, sequence))
    return ProteinSequence([letter if letter in known else "X" for letter in letters])
