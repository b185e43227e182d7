"""Arrays of many chains, such as those that mini was trained on, to esm's chains."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from esm.utils import residue_constants
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.errors import ChainError
from esm_explore.outputs import shown

ENDING = ".npz"
_FIELDS = ("names", "start", "size", "resnum", "seq", "xyz", "dssp")
_RAW = 0.01  # Å
_PLACES = [residue_constants.atom_order[name] for name in ("N", "CA", "C", "O")]


class ArrayChains:
    """Chains of an ``.npz``; see docs/atlas.md for its arrays.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    names : list of str
        Of structure and chain, such as ``"12AS_A"``.

    Raises
    ------
    ChainError
        If the file is missing or is none of these.
    """

    def __init__(self, path: Path):
        try:
            with np.load(path, allow_pickle=False) as file:
                missing = [name for name in _FIELDS if name not in file]
                if missing:
                    raise ChainError(
                        f"{shown(path)} has no array {missing[0]!r}; arrays of chains are "
                        f"{', '.join(_FIELDS)}."
                    )
                self._arrays = {name: file[name] for name in _FIELDS}
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise ChainError(f"{shown(path)} is no .npz of chains ({error}).") from error
        self._check(path)
        self._path = path.absolute()
        self.names = [str(name) for name in self._arrays["names"]]

    def __reduce__(self) -> tuple:
        # Other processes read the file once, rather than being sent its arrays with each chain.
        return _opened, (self._path, self._path.stat().st_mtime_ns)

    def _check(self, path: Path) -> None:
        arrays = self._arrays
        n_chains, n_residues = len(arrays["names"]), len(arrays["seq"])
        shapes = {
            **{name: (n_chains,) for name in ("names", "start", "size", "resnum")},
            **{name: (n_residues,) for name in ("seq", "dssp")},
            "xyz": (n_residues, 4, 3),
        }
        for name, right in shapes.items():
            if arrays[name].shape != right:
                raise ChainError(
                    f"{shown(path)}: {name} has shape {arrays[name].shape}; it has to be {right}."
                )
        ends = arrays["start"].astype(np.int64) + arrays["size"]
        if (arrays["start"] < 0).any() or (arrays["size"] < 1).any() or (ends > n_residues).any():
            raise ChainError(
                f"{shown(path)}: start and size reach beyond its {n_residues:,} residues."
            )

    def read(self, i: int) -> tuple[ProteinChain, str]:
        """Give a chain, and DSSP's letters of its residues."""
        arrays = self._arrays
        size = int(arrays["size"][i])
        rows = slice(int(arrays["start"][i]), int(arrays["start"][i]) + size)
        positions = np.full((size, residue_constants.atom_type_num, 3), np.nan, np.float32)
        positions[:, _PLACES] = arrays["xyz"][rows].astype(np.float32) * np.float32(_RAW)
        structure, _, chain_id = self.names[i].rpartition("_")
        chain = ProteinChain(
            id=structure or chain_id,
            sequence=arrays["seq"][rows].tobytes().decode("ascii", "replace"),
            chain_id=chain_id,
            entity_id=1,
            residue_index=int(arrays["resnum"][i]) + np.arange(size, dtype=np.int64),
            insertion_code=np.full(size, "", "<U4"),
            atom37_positions=positions,
            atom37_mask=np.isfinite(positions).all(-1),
            confidence=np.ones(size, np.float32),
        )
        return chain, arrays["dssp"][rows].tobytes().decode("ascii", "replace")


@lru_cache(maxsize=2)
def _opened(path: Path, written: int) -> ArrayChains:
    return ArrayChains(path)
