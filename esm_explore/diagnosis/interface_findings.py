"""What other chains would change: a chain was encoded alone, or several as one input."""

from __future__ import annotations

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain
from scipy.spatial import cKDTree

from esm_explore.chains.backbone import NODES
from esm_explore.chains.joined import APART
from esm_explore.chains.provenance import Reading, reading_of
from esm_explore.encoders.inputs import Inputs
from esm_explore.encoders.modules import modules_of
from esm_explore.encoders.neighbors import nearest_edges
from esm_explore.findings import Finding
from esm_explore.tracing.run import as_array, run
from esm_explore.tracing.traces import Trace

# Neighborhoods in a pass.
_BATCH = 128


def unseen_neighbors(chain: ProteinChain, other_ca: np.ndarray) -> np.ndarray:
    """Count, for each residue, the neighbors that other chains would provide.

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


def interface_findings(trace: Trace, encoder: StructureTokenEncoder | None) -> list[Finding]:
    """Say how far other chains would change neighborhoods, and which tokens.

    Parameters
    ----------
    trace : Trace
        Of one chain, or of a complex.
    encoder : StructureTokenEncoder or None
        The trace's; without it no tokens are told of.

    Returns
    -------
    list of Finding
    """
    if trace.parts:
        return _joint(trace)
    chain, reading = trace.chain, reading_of(trace.chain)
    why = "The encoder sees one chain: residues at an interface have a surface's tokens."
    remedy = "Mind that where you compare interfaces; tokens cannot show what is bound there."
    if reading is None:
        title = "other chains nearby: not known, only the chain was given"
        return [Finding("note", title, (), why, "Give doctor the file instead of the chain.")]
    count = unseen_neighbors(chain, reading.others[:, 1])
    if not count.any():
        return []
    order = np.argsort(-count, kind="stable")[: np.count_nonzero(count)]
    chains = ", ".join(dict.fromkeys(reading.other_chains.tolist()))
    # The first node is the residue itself.
    of = (min(NODES, len(reading.others) + trace.has_frame.sum()) - 1) * trace.has_frame.sum()
    found = [
        Finding(
            "note",
            f"{len(order)} of {len(chain)} residues have nearer ones in other chains ({chains}): "
            f"{count.sum()} of {of} neighbors, up to {count.max()} a residue",
            tuple(trace.labels[i] for i in order),
            why,
            remedy,
        )
    ]
    if encoder is None:
        return found
    rows = np.flatnonzero((count > 0) & trace.has_frame)
    changed = np.zeros(len(trace), bool)
    changed[rows] = _tokens_in_complex(trace, reading, encoder, rows) != trace.tokens[rows]
    return found + Finding.at(
        changed,
        trace.labels,
        "note",
        f"the chain was encoded alone; encoded jointly with {chains}, {changed.sum()} of "
        f"{len(rows)} residues at the interface would have another token",
        "Neighborhoods would reach across chains, and which token is right is a matter of what "
        "is compared: codes of chains alone and of complexes are of two kinds.",
        "ex.experiments.compare_joint(ex.trace(encoder, ex.read_complex(source))) has both.",
    )


def _tokens_in_complex(
    trace: Trace, reading: Reading, encoder: StructureTokenEncoder, rows: np.ndarray
) -> np.ndarray:
    """Encode some residues with the other chains around them, as a complex in the file's order."""
    own = trace.chain.atom37_positions[:, :3]
    places = np.concatenate([own, reading.others]).astype(float)
    places -= np.nanmean(np.where(np.isfinite(places), places, np.nan), axis=(0, 1))
    numbers = np.full(len(places), trace.residue_index.max() + APART)
    numbers[: len(own)] = trace.residue_index
    numbers[len(own) : len(own) + reading.n_before] = trace.residue_index.min() - APART
    device = modules_of(encoder).codes.device
    inputs = Inputs.build(
        torch.from_numpy(places.astype(np.float32)).to(device), torch.from_numpy(numbers).to(device)
    )
    asked = torch.from_numpy(rows).to(device)
    edges = nearest_edges(encoder, inputs, asked)
    found = [as_array(run(encoder, inputs, part)["tokens"]) for part in edges.split(_BATCH)]
    # Where a chain lies on this one, the nearest node may be another residue.
    own_token = as_array(edges[:, 0] == asked)
    return np.where(own_token, np.concatenate(found), trace.tokens[rows])


def _joint(trace: Trace) -> list[Finding]:
    crosses = (trace.chain_ids[trace.edges] != trace.chain_ids[:, None]).any(1) & trace.has_frame
    names = ", ".join(name for name, _ in trace.parts)
    return Finding.at(
        crosses,
        trace.labels,
        "note",
        f"chains {names} were encoded as one input: {crosses.sum()} of {trace.has_frame.sum()} "
        "residues have nodes in another chain",
        "The encoder knows no chains: to it these are residues of one chain, before or after by "
        "the order in which chains were given. Alone, or in another order, tokens differ.",
        "Compare with complexes encoded likewise; ex.experiments.compare_joint(trace) counts.",
    )
