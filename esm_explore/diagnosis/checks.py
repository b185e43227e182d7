"""What goes into the encoder and what comes out: refused where esm would go on in silence."""

from __future__ import annotations

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.diagnosis.backbone import ENOUGH, alarms
from esm_explore.diagnosis.findings import in_short
from esm_explore.diagnosis.numbers import repeated_numbers, residue_labels
from esm_explore.errors import TraceError, warn


def check_arrays(chain: ProteinChain) -> None:
    """Check shapes, and that residue numbers are whole numbers.

    Parameters
    ----------
    chain : ProteinChain

    Raises
    ------
    TraceError
        With the shape that it has and the one that it should have.
    """
    length = len(chain.sequence)
    for name, beyond in (
        ("residue_index", ""),
        ("insertion_code", ""),
        ("atom37_positions", "37, 3"),
    ):
        value = getattr(chain, name)
        shape = getattr(value, "shape", None)
        dimensions = 3 if beyond else 1
        if not isinstance(value, np.ndarray) or len(shape) != dimensions or shape[0] != length:
            given = f"has shape {shape}" if shape is not None else f"is a {type(value).__name__}"
            raise TraceError(
                f"{name} of the chain {given}; for a sequence of {length} residues it has to be "
                f"an array of shape ({length}, {beyond})."
            )
    numbers = chain.residue_index
    if not np.issubdtype(numbers.dtype, np.number) or not (numbers == np.trunc(numbers)).all():
        raise TraceError(
            f"residue_index of the chain ({numbers.dtype}) holds what is no whole number, which "
            "esm would cut off: give residue numbers as integers."
        )


def warn_of_alarms(chain: ProteinChain) -> None:
    """Warn, in one message, of what makes all tokens of a chain suspect."""
    found = alarms(chain.atom37_positions, residue_labels(chain)) + repeated_numbers(chain)
    notes = in_short(found)
    if notes:
        warn(f"{chain.id} chain {chain.chain_id}: {'; '.join(notes)}")


def check_latents(
    chain: ProteinChain, latents: np.ndarray, tokens: np.ndarray, has_frame: np.ndarray
) -> None:
    """Refuse latents that are no numbers; warn where all residues have one token.

    Parameters
    ----------
    chain : ProteinChain
    latents : ndarray, shape=(L, d_code)
    tokens : ndarray, shape=(L,)
    has_frame : ndarray, shape=(L,), dtype=bool

    Raises
    ------
    TraceError
        If a latent is not finite: esm would give those residues a constant token.
    """
    if not np.isfinite(latents).all():
        raise TraceError(
            f"The encoder makes latents of chain {chain.chain_id} that are NaN or infinite, which "
            "esm turns into a constant token: its weights are damaged, load the encoder again."
        )
    distinct = np.unique(tokens[has_frame])
    if len(distinct) == 1 and has_frame.sum() >= ENOUGH:
        warn(
            f"{chain.id} chain {chain.chain_id}: all {has_frame.sum()} residues have the token "
            f"{distinct[0]}: are the encoder's weights damaged?"
        )
