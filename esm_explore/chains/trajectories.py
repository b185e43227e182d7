"""`read_frames`: the models of a structure, or the frames of a trajectory, one chain at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.frame_places import Models, Places, Trajectory
from esm_explore.chains.given_chains import check_id
from esm_explore.chains.protein_chain import with_atoms
from esm_explore.chains.provenance import keep_reading, reading_of
from esm_explore.chains.structure import Structure
from esm_explore.errors import ChainError
from esm_explore.sources.bundled import bundled_models
from esm_explore.sources.locating import Source, locate
from esm_explore.sources.unpacking import unpacked

# Frames that are read at a time.
CHUNK = 64


class Frames:
    """One chain in many frames; made by `read_frames`.

    Each is read when it is asked for, so that there can be more than memory holds. ``len`` says
    how many there are, ``frames[3]`` is one, counted from 0, ``frames[::10]`` are every tenth, and
    a loop goes over all; each is a `ProteinChain`.

    Attributes
    ----------
    chain : ProteinChain
        Of the topology, or of the first model.
    title : str
        What they are of.
    numbers : range
        Which of the file's frames they are, counted from 0.
    """

    def __init__(self, chain: ProteinChain, places: Places, numbers: range):
        self.chain, self.numbers = chain, numbers
        self._places = places

    @property
    def title(self) -> str:
        """Chain and file."""
        of = f"{self.chain.id} chain {self.chain.chain_id}, {len(self.chain)} residues"
        if len(self) < self._places.n_frames:
            return f"{of}, {len(self):,} of {self._places.n_frames:,} {self._places.kind}s"
        return f"{of}, {len(self):,} {self._places.kind}s"

    @property
    def kind(self) -> str:
        """What each is called: a model or a frame."""
        return self._places.kind

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, which: int) -> ProteinChain: ...

    @overload
    def __getitem__(self, which: slice) -> Frames: ...

    def __getitem__(self, which: int | slice) -> ProteinChain | Frames:
        if isinstance(which, slice):
            return Frames(self.chain, self._places, self.numbers[which])
        if not isinstance(which, int | np.integer) or not -len(self) <= which < len(self):
            raise ChainError(
                f"There is no {self.kind} {which!r} of {self.title}; they are counted from 0 to "
                f"{len(self) - 1}."
            )
        number = self.numbers[which]
        return self._chain(number, self._places.read([number])[0])

    def __iter__(self) -> Iterator[ProteinChain]:
        for numbers, positions in self.chunks():
            for number, each in zip(numbers, positions, strict=True):
                yield self._chain(number, each)

    def chunks(self) -> Iterator[tuple[range, np.ndarray]]:
        """Read all, some at a time.

        Yields
        ------
        range
            Which of the file's frames.
        ndarray, shape=(n, L, 37, 3), dtype=float32
            Their atoms in esm's order, Å, NaN where missing.

        Raises
        ------
        ChainError
            If one is broken, or not there: the last is tried first, so that a file that was cut
            off is known before anything is computed.
        """
        if len(self):
            self._places.read([max(self.numbers[0], self.numbers[-1])])
        for start in range(0, len(self), CHUNK):
            numbers = self.numbers[start : start + CHUNK]
            yield numbers, self._places.read(numbers)

    def __repr__(self) -> str:
        return self.title

    def _chain(self, number: int, positions: np.ndarray) -> ProteinChain:
        chain = with_atoms(self.chain, positions)
        reading = reading_of(self.chain)
        if reading is not None:
            of_frame: dict[str, Any] = {
                "model": number + 1,
                "n_models": self._places.n_frames,
                "kind": self.kind,
            }
            backbone = positions[:, :3].copy()
            keep_reading(chain, replace(reading, backbone=backbone, **of_frame))
        return chain


def read_frames(
    topology: object, trajectory: str | os.PathLike | None = None, chain_id: str | None = None
) -> Frames:
    """Read one protein chain in all models of a structure, or in all frames of a trajectory.

    Parameters
    ----------
    topology : str, path, open file or object
        As `read_chain` takes it: what was simulated, with all atoms in the trajectory's order; or,
        without a trajectory, a structure with several models. ``"1AS5"`` is bundled with its 14.
    trajectory : str or path, optional
        XTC, TRR, DCD or NetCDF, told apart by content; what MDAnalysis reads, if it is installed.
    chain_id : str, optional
        The author's chain id. Without it, the first protein chain.

    Returns
    -------
    Frames
        A sequence of `ProteinChain`. Frames are read when they are asked for.

    Raises
    ------
    ChainError
        As `read_chain`, of the topology. If the trajectory is missing, damaged or has another
        number of atoms; if models have other residues than the first. When frames are read: if
        one is cut off, has coordinates that are no numbers, or lies across the edges of its box.

    Warns
    -----
    ChainWarning
        As `read_chain`, of the topology alone.

    Notes
    -----
    Models are parsed one by one, each from the whole file: hundreds of them are read sooner from a
    trajectory.

    Examples
    --------
    >>> frames = read_frames("1AS5")
    >>> len(frames), len(frames[0])
    (14, 24)
    """
    check_id(chain_id)
    source = _located(topology, chain_id)
    if isinstance(source.content, list):
        raise ChainError(
            f"{source.title} is one chain, with the atoms that esm knows: give the structure "
            "that was simulated, with all its atoms, or one with several models."
        )
    structure = Structure(source, 1)
    chain = structure.read(chain_id, of_all=trajectory is None)
    if trajectory is None:
        places: Places = Models(source, structure, chain)
    else:
        places = Trajectory(_path(trajectory), structure, chain)
    return Frames(chain, places, range(places.n_frames))


def _located(topology: object, chain_id: str | None) -> Source:
    if isinstance(topology, str):
        models = bundled_models(topology)
        if models is not None and not Path(topology).exists():
            return Source(topology.upper(), topology, unpacked(models, topology))
    return locate(topology, chain_id)


def _path(trajectory: object) -> Path:
    if not isinstance(trajectory, str | os.PathLike):
        raise ChainError(
            f"trajectory is a {type(trajectory).__name__}; it has to be the path of an XTC, TRR, "
            "DCD or NetCDF file."
        )
    return Path(os.path.expanduser(trajectory))
