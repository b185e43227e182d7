"""What the encoder may be given, and what comes out: refused where esm would go on in silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from esm.utils.structure.affine3d import Affine3D, build_affine3d_from_coordinates
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.backbone import NODES, alarms, flat_frames
from esm_explore.chains.joined import numbers_apart
from esm_explore.chains.provenance import reading_of
from esm_explore.chains.residues import Numbering, check_numbering, repeated_numbers, residue_labels
from esm_explore.encoders.modes import plain_float32
from esm_explore.errors import TraceError, warn
from esm_explore.findings import in_short, some

# Fixed-column files end at 9999.999 Å; esm masks silently, or fails obscurely, beyond 1e6.
FARTHEST = 1e4


@dataclass(frozen=True)
class Inputs:
    """What the encoder is given for one chain, on the encoder's device.

    Attributes
    ----------
    coords : Tensor, shape=(L, 3, 3), dtype=float32
        N, CA and C in Å; not finite where an atom is missing.
    residue_index : Tensor, shape=(L,), dtype=int64
        Residue numbers.
    affine : Affine3D, shape=(1, L)
        esm's backbone frames; residues without one get the chain's average frame.
    has_frame : Tensor, shape=(L,), dtype=bool
        Not where an atom is missing, nor where the three coincide or lie on a line, of which
        esm would make a rotation of determinant 0.
    """

    coords: torch.Tensor
    residue_index: torch.Tensor
    affine: Affine3D
    has_frame: torch.Tensor

    @classmethod
    def build(cls, coords: torch.Tensor, residue_index: torch.Tensor) -> Inputs:
        """Let esm build the backbone frames of `coords`."""
        with plain_float32(coords.device):
            flat = torch.from_numpy(flat_frames(coords.cpu().numpy())).to(coords.device)
            coords = coords.masked_fill(flat[:, None, None], torch.nan)
            affine, has_frame = build_affine3d_from_coordinates(coords[None])
        return cls(coords, residue_index, affine, has_frame[0])

    def to(self, device: torch.device | str) -> Inputs:
        """Have esm build the frames on another device."""
        if self.coords.device == torch.device(device):
            return self
        return Inputs.build(self.coords.to(device), self.residue_index.to(device))


def chain_inputs(
    chain: ProteinChain, numbering: Numbering, device: torch.device | str = "cpu"
) -> Inputs:
    """Make a chain's inputs on a device.

    Parameters
    ----------
    chain : ProteinChain
        From `own_chain`.
    numbering : {"file", "sequential"}
        As in `trace`.
    device : torch.device or str

    Returns
    -------
    Inputs

    Raises
    ------
    TraceError
        If it has no residue with a backbone frame, or coordinates beyond 10,000 Å; or if
        PyTorch makes new tensors on a device where they have no numbers.
    """
    check_numbering(numbering)
    _check_coords(chain)
    if torch.get_default_device().type == "meta":
        raise TraceError(
            "torch.set_default_device('meta') is on, and esm makes tensors there, without "
            "numbers: use torch.set_default_device('cpu')."
        )
    coords = chain.to_structure_encoder_inputs()[0][0, :, :3].clone()
    if numbering == "sequential":
        residue_index = torch.arange(1, len(coords) + 1)
    else:
        residue_index = torch.from_numpy(numbers_apart(chain))
    inputs = Inputs.build(coords.to(device), residue_index.to(device))
    if not inputs.has_frame.any():
        raise TraceError(
            f"None of the {len(chain)} residues of chain {chain.chain_id} has a backbone frame "
            "(N, CA and C): there is nothing to encode."
        )
    warn_of_alarms(chain)
    return inputs


def _check_coords(chain: ProteinChain) -> None:
    positions = chain.atom37_positions[:, :3]
    far = (np.isfinite(positions) & (np.abs(positions) > FARTHEST)).any((1, 2))
    if far.any():
        raise TraceError(
            f"Coordinates beyond {FARTHEST:,.0f} Å at residue "
            f"{residues_at(chain, np.flatnonzero(far))} of chain {chain.chain_id}: "
            "esm expects Å, near the origin."
        )


def residues_at(chain: ProteinChain, indices: np.ndarray) -> str:
    """Name some residues of a chain, for a message."""
    labels = residue_labels(chain)
    return some([labels[i] for i in indices])


def warn_of_alarms(chain: ProteinChain) -> None:
    """Warn, in one message, of what makes all tokens of a chain suspect, unless reading did."""
    found = repeated_numbers(chain)  # reading refuses them: they came since
    if reading_of(chain) is None:
        found = alarms(chain.atom37_positions, residue_labels(chain)) + found
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
    if len(distinct) == 1 and has_frame.sum() >= NODES:
        warn(
            f"{chain.id} chain {chain.chain_id}: all {has_frame.sum()} residues have the token "
            f"{distinct[0]}: are the encoder's weights damaged?"
        )
