"""Training data: backbones of many chains, their neighborhoods, and what is computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from esm.utils.structure.affine3d import Affine3D
from scipy.spatial import cKDTree

from esm_explore.chains.backbone import NODES
from esm_explore.errors import EncoderError

HELD_OUT = 600
SPLIT_SEED = 7
_FIELDS = ("names", "start", "size", "resnum", "xyz", "dssp")
# Kabsch and Sander (1983): charges in kcal Å / mol, and the energy that makes a bond.
_COUPLING = 0.42 * 0.20 * 332.0
_BOND_ENERGY = -0.5
N_PARTNERS = 8


@dataclass(frozen=True)
class Backbones:
    """Chains one after the other.

    Attributes
    ----------
    names : ndarray, shape=(C,), dtype=str
    start, size : ndarray, shape=(C,), dtype=int64
        Each chain's place among the residues.
    number : ndarray, shape=(N,), dtype=int64
        Residue numbers.
    xyz : ndarray, shape=(N, 4, 3), dtype=float32
        N, CA, C and O in Å.
    dssp : ndarray, shape=(N,), dtype=int64
        Secondary structure, 0 to 7 in the order of ``STATES``. For evaluation only.
    """

    names: np.ndarray
    start: np.ndarray
    size: np.ndarray
    number: np.ndarray
    xyz: np.ndarray
    dssp: np.ndarray

    def select(self, chosen: np.ndarray) -> Backbones:
        """Take some chains, by their indices."""
        rows = np.concatenate(
            [np.arange(self.start[c], self.start[c] + self.size[c]) for c in chosen]
        )
        size = self.size[chosen]
        start = np.concatenate([[0], np.cumsum(size)[:-1]])
        return Backbones(
            self.names[chosen], start, size, self.number[rows], self.xyz[rows], self.dssp[rows]
        )

    @property
    def chain(self) -> np.ndarray:
        """Each residue's chain, shape=(N,)."""
        return np.repeat(np.arange(len(self.size)), self.size)


STATES = "CHEBGITS"


def read_backbones(path: Path) -> Backbones:
    """Read the training arrays.

    Parameters
    ----------
    path : Path
        An ``.npz`` with names, start, size, resnum, xyz (Å times 100, as unsigned integers)
        and dssp; see the model card for where it comes from.

    Returns
    -------
    Backbones

    Raises
    ------
    EncoderError
        If the file is missing or is not such a file.
    """
    if not path.is_file():
        raise EncoderError(
            f"There is no training data at {path}; the model card says how to get it."
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in _FIELDS if name not in file]
            if missing:
                raise EncoderError(
                    f"{path} has no array {missing[0]!r}; training data have {', '.join(_FIELDS)}."
                )
            arrays = {name: file[name] for name in _FIELDS}
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path} is not an .npz of training data: {error}") from error
    size, start = arrays["size"].astype(np.int64), arrays["start"].astype(np.int64)
    if len(arrays["xyz"]) != size.sum() or arrays["xyz"].shape[1:] != (4, 3):
        raise EncoderError(
            f"{path}: xyz has shape {arrays['xyz'].shape}; by the chains' sizes it has to be "
            f"({size.sum()}, 4, 3)."
        )
    within = np.arange(size.sum()) - np.repeat(start, size)
    lookup = np.zeros(128, np.int64)
    lookup[[ord(state) for state in STATES]] = np.arange(len(STATES))
    return Backbones(
        arrays["names"],
        start,
        size,
        np.repeat(arrays["resnum"].astype(np.int64), size) + within,
        arrays["xyz"].astype(np.float32) * 0.01,
        lookup[arrays["dssp"]],
    )


def split(names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Set chains aside by name, the same ones whatever the order of the file.

    Parameters
    ----------
    names : ndarray, shape=(C,), dtype=str

    Returns
    -------
    training, held_out : ndarray, dtype=int64
        Indices of chains. 600 are held out, or a tenth where that is fewer.
    """
    order = np.argsort(names)
    shuffled = order[np.random.default_rng(SPLIT_SEED).permutation(len(names))]
    n = min(HELD_OUT, max(1, len(names) // 10))
    return np.sort(shuffled[n:]), np.sort(shuffled[:n])


def find_neighbors(data: Backbones) -> np.ndarray:
    """Search each residue's nearest residues of its chain, by CA distance.

    Parameters
    ----------
    data : Backbones
        Chains of at least 16 residues.

    Returns
    -------
    ndarray, shape=(N, 16), dtype=int32
        Rows of `data`; the residue itself first.
    """
    neighbors = np.empty((len(data.xyz), NODES), np.int32)
    for start, size in zip(data.start, data.size, strict=True):
        ca = data.xyz[start : start + size, 1]
        neighbors[start : start + size] = cKDTree(ca).query(ca, k=NODES)[1] + start
    neighbors[:, 0] = np.arange(len(neighbors))
    return neighbors


def hydrogen_bonds(data: Backbones) -> tuple[np.ndarray, np.ndarray]:
    """Find the best hydrogen bond of each backbone NH and of each CO, from coordinates.

    Parameters
    ----------
    data : Backbones

    Returns
    -------
    donor, acceptor : ndarray, shape=(N,), dtype=int64
        Class of the partner of the NH and of the CO, 0 to 7: 0 for none, otherwise by the
        partner's place in the chain: -5, -4, -3 or their mirror image for CO (1 to 3), the
        other direction near (4) and far (5), this direction farther (6), 2 or nearer (7).
    """
    n, _, c, o = (data.xyz[:, i].astype(np.float64) for i in range(4))
    previous = np.arange(len(n)) - 1
    first = np.isin(np.arange(len(n)), data.start)
    along = c[previous] - o[previous]
    h = n + 1.01 * along / np.linalg.norm(along, axis=1, keepdims=True)
    # One tree for all chains: each moved far from the others.
    shift = np.zeros((len(n), 3))
    shift[:, 0] = data.chain * 2_000.0
    pairs = cKDTree(n + shift).query_ball_tree(cKDTree(o + shift), 5.2)
    donors = np.repeat(np.arange(len(n)), [len(p) for p in pairs])
    acceptors = np.fromiter((a for p in pairs for a in p), np.int64, len(donors))
    usable = (np.abs(donors - acceptors) > 1) & ~first[donors]
    donors, acceptors = donors[usable], acceptors[usable]

    def inverse(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 1 / np.linalg.norm(a - b, axis=1).clip(0.5)

    energy = _COUPLING * (
        inverse(n[donors], o[acceptors])
        + inverse(h[donors], c[acceptors])
        - inverse(h[donors], o[acceptors])
        - inverse(n[donors], c[acceptors])
    )
    bonded = energy < _BOND_ENERGY
    donors, acceptors, energy = donors[bonded], acceptors[bonded], energy[bonded]
    strongest_last = np.argsort(-energy, kind="stable")
    donors, acceptors = donors[strongest_last], acceptors[strongest_last]
    of_nh, of_co = np.zeros(len(n), np.int64), np.zeros(len(n), np.int64)
    of_nh[donors] = _partner_class(acceptors - donors)
    of_co[acceptors] = _partner_class(acceptors - donors)
    return of_nh, of_co


def _partner_class(offset: np.ndarray) -> np.ndarray:
    cases = [offset == -5, offset == -4, offset == -3, (offset > 2) & (offset < 6), offset >= 6]
    return np.select([*cases, offset <= -6], [1, 2, 3, 4, 5, 6], default=7)


def torsions(data: Backbones) -> np.ndarray:
    """Compute phi, psi and the bend of the CA trace.

    Parameters
    ----------
    data : Backbones

    Returns
    -------
    ndarray, shape=(N, 5), dtype=float32
        Sine and cosine of phi and psi, and the cosine of the angle between CA(i-2) to CA(i) and
        CA(i) to CA(i+2). Rows that reach over a chain's end are meaningless: see `reaches`.
    """
    n, ca, c = (data.xyz[:, i].astype(np.float64) for i in range(3))
    phi = _dihedral(np.roll(c, 1, 0), n, ca, c)
    psi = _dihedral(n, ca, c, np.roll(n, -1, 0))
    back, ahead = ca - np.roll(ca, 2, 0), np.roll(ca, -2, 0) - ca
    lengths = np.linalg.norm(back, axis=1) * np.linalg.norm(ahead, axis=1)
    bend = (back * ahead).sum(1) / lengths.clip(1e-6)
    features = [np.sin(phi), np.cos(phi), np.sin(psi), np.cos(psi), bend]
    return np.stack(features, 1).astype(np.float32)


def _dihedral(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    ab, bc, cd = b - a, c - b, d - c
    normal = np.cross(ab, bc)
    other = np.cross(bc, cd)
    axis = bc / np.linalg.norm(bc, axis=1, keepdims=True).clip(1e-6)
    return np.arctan2((np.cross(normal, other) * axis).sum(1), (normal * other).sum(1))


def backbone_frames(xyz: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Build backbone frames with esm's own function.

    Parameters
    ----------
    xyz : Tensor, shape=(..., atoms, 3)
        N, CA, C first.

    Returns
    -------
    rotation : Tensor, shape=(..., 3, 3)
    translation : Tensor, shape=(..., 3)
    """
    n, ca, c = xyz[..., 0, :], xyz[..., 1, :], xyz[..., 2, :]
    frames = Affine3D.from_graham_schmidt(c, ca, n)
    return frames.rot.tensor.unflatten(-1, (3, 3)), frames.trans
