"""Other chains nearby, which the encoder does not see."""

from __future__ import annotations

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain
from scipy.spatial import cKDTree

from esm_explore.diagnosis.findings import Finding
from esm_explore.diagnosis.numbers import residue_labels
from esm_explore.readings import Reading

NODES = 16


def unseen_neighbours(chain: ProteinChain, other_ca: np.ndarray) -> np.ndarray:
    """Count, for each residue, the neighbours that other chains would provide.

    Parameters
    ----------
    chain : ProteinChain
    other_ca : ndarray, shape=(M, 3)
        CA of the other chains, in Å.

    Returns
    -------
    ndarray, shape=(L,), dtype=int
        How many of the 16 nearest residues, all chains counted, are not of this one; 0 for
        residues without a backbone frame.
    """
    backbone = chain.atom37_positions[:, :3]
    own = np.isfinite(backbone).all((1, 2))
    other_ca = other_ca[np.isfinite(other_ca).all(1)]
    count = np.zeros(len(chain), int)
    points = np.concatenate([backbone[own, 1], other_ca])
    ranks = np.arange(1, min(NODES, len(points)) + 1)
    _, nearest = cKDTree(points).query(points[: own.sum()], k=ranks)
    count[own] = (nearest >= own.sum()).sum(1)
    return count


def surrounding_findings(chain: ProteinChain, reading: Reading | None) -> list[Finding]:
    """Say how far other chains would change neighbourhoods.

    Parameters
    ----------
    chain : ProteinChain
    reading : Reading or None
        None if it is not known what else the file holds.

    Returns
    -------
    list of Finding
    """
    why = "The encoder sees one chain: residues at an interface have a surface's tokens."
    remedy = "Mind that where you compare interfaces; tokens cannot show what is bound there."
    if reading is None:
        title = "other chains nearby: not known, only the chain was given"
        return [Finding("note", title, (), why, "Give doctor the file instead of the chain.")]
    count = unseen_neighbours(chain, reading.other_ca)
    if not count.any():
        return []
    labels = residue_labels(chain)
    order = np.argsort(-count, kind="stable")[: np.count_nonzero(count)]
    chains = ", ".join(dict.fromkeys(reading.other_chains.tolist()))
    return [
        Finding(
            "note",
            f"{len(order)} of {len(chain)} residues have nearer ones in other chains ({chains}): "
            f"{count.sum()} of {NODES * len(chain)} neighbours, up to {count.max()} a residue",
            tuple(labels[i] for i in order),
            why,
            remedy,
        )
    ]
