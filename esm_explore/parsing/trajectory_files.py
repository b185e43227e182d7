"""Trajectory files to coordinates, some frames at a time: XTC, TRR, DCD, NetCDF, MDAnalysis's."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np

from esm_explore.errors import ChainError

# What files of biotite's formats begin with; DCD has a length before its mark, in either order.
_FORMATS = (
    (0, b"\x00\x00\x07\xcb", "xtc.XTCFile"),
    (0, b"\x00\x00\x07\xc9", "trr.TRRFile"),
    (4, b"CORD", "dcd.DCDFile"),
    (0, b"CDF", "netcdf.NetCDFFile"),
)
# Lines of a frame's head in texts whose frames MDAnalysis counts by lines.
_HEADS = {"XYZ": 2, "LAMMPSDUMP": 9}
_PER_NM = 10.0


class TrajectoryFile:
    """A trajectory, told apart by content; only the frames that are asked for are in memory.

    Parameters
    ----------
    path : Path
    n_atoms : int
        That it should have: some formats do not say.

    Attributes
    ----------
    title : str
    n_frames : int
        That it says it has: the last may be cut off.
    n_atoms : int

    Raises
    ------
    ChainError
        If it is missing, empty, damaged at its beginning, or of a format that is not read.
    """

    def __init__(self, path: Path, n_atoms: int):
        self.title = str(path)
        if not path.is_file():
            raise ChainError(f"There is no trajectory {path}.")
        with path.open("rb") as file:
            start = file.read(64)
        if not start:
            raise ChainError(f"{path} is empty.")
        name = next((name for at, mark, name in _FORMATS if start[at:].startswith(mark)), None)
        try:
            self._open = _of_biotite(path, name) if name else _of_mdanalysis(path, n_atoms)
            # It stays open: to go to a frame, an XTC file is searched from its beginning once.
            self._file, self._place = self._open(), 1
            self.n_frames = _said_frames(start) if name == "dcd.DCDFile" else 0
            self.n_frames = self.n_frames or len(self._file)
            self.n_atoms = self._file.read(1, None).shape[1]
        except ChainError:
            raise
        except ImportError as error:
            raise ChainError(
                f"{path} needs MDAnalysis, which cannot be imported as it is installed here "
                f"({error}): install it again."
            ) from error
        # biotraj and MDAnalysis let through whatever a damaged file trips over.
        except Exception as error:
            raise ChainError(
                f"{path} could not be read, it is damaged or cut off ({_said(error)}): copy it "
                "again."
            ) from error

    def read(self, numbers: Sequence[int], atoms: np.ndarray) -> np.ndarray:
        """Read some frames.

        Parameters
        ----------
        numbers : sequence of int
            Counted from 0, in any order.
        atoms : ndarray, shape=(n,), dtype=int
            Places among the file's atoms.

        Returns
        -------
        ndarray, shape=(len(numbers), n, 3), dtype=float32
            Å.

        Raises
        ------
        ChainError
            If one of them is damaged or cut off: which.
        """
        return np.stack([self._frame(number, atoms) for number in numbers])

    def _frame(self, number: int, atoms: np.ndarray) -> np.ndarray:
        try:
            if self._file is None:
                self._file, self._place = self._open(), 0
            if number != self._place:
                self._file.seek(number)
            frame = self._file.read(1, atoms)
            if len(frame) != 1:
                raise EOFError("there is no more in the file")
        except Exception as error:
            # Where it stands now is not known.
            self._file = None
            before = f"frames[:{number}] are whole" if number else "none is whole"
            raise ChainError(
                f"Frame {number + 1} of {self.n_frames} of {self.title} is damaged or cut "
                f"off ({_said(error)}): copy the file again; {before}."
            ) from error
        self._place = number + 1
        return frame[0]


class _OfBiotite:
    """What biotite's class of a format opens, with coordinates in Å."""

    def __init__(self, kind: Callable, path: Path):
        self._file = kind(str(path), "r")
        self.seek = self._file.seek
        self._scale = _PER_NM if self._file.distance_unit == "nanometers" else 1.0

    def __len__(self) -> int:
        return len(self._file)

    def read(self, count: int, atoms: np.ndarray | None) -> np.ndarray:
        """Read the next frames, shape=(count, n, 3)."""
        found = self._file.read(count, atom_indices=atoms)
        coord = found[0] if isinstance(found, tuple) else found
        return np.asarray(coord * self._scale, np.float32)


class _OfMdanalysis:
    """What MDAnalysis opens; it is in Å always."""

    def __init__(self, path: Path, n_atoms: int):
        core = import_module("MDAnalysis.coordinates.core")
        try:
            core.get_reader_for(str(path))
        except ValueError as error:
            raise ChainError(
                f"{path} is none of the trajectories that are read here, XTC, TRR, DCD and NetCDF, "
                "and MDAnalysis, which goes by how a name ends, knows none that ends as this one."
            ) from error
        self._file = core.reader(str(path), n_atoms=n_atoms)
        self._next = 0
        _check_whole(path, self._file)

    def __len__(self) -> int:
        return self._file.n_frames

    def seek(self, number: int) -> None:
        """Go to a frame."""
        self._next = number

    def read(self, count: int, atoms: np.ndarray | None) -> np.ndarray:
        """Read the next frames, shape=(count, n, 3)."""
        chosen = slice(None) if atoms is None else atoms
        rows = range(self._next, self._next + count)
        self._next += count
        return np.stack([self._file[row].positions[chosen].astype(np.float32) for row in rows])


def _check_whole(path: Path, reader: object) -> None:
    """Refuse a text whose last frame was cut off, which MDAnalysis leaves out without a word."""
    # Others have a list of names there.
    head = _HEADS.get(str(reader.format))
    if head is None:
        return
    n_lines = reader.n_frames * (reader.n_atoms + head)
    with import_module("MDAnalysis.lib.util").anyopen(str(path)) as file:
        left = any(line.strip() for line in islice(file, n_lines, None))
    if left:
        raise ChainError(
            f"{path} is cut off in frame {reader.n_frames + 1}: copy it again, or cut it to the "
            f"{n_lines:,} lines of the {reader.n_frames} frames that are whole."
        )


def _of_biotite(path: Path, name: str) -> Callable[[], _OfBiotite]:
    module, _, kind = name.partition(".")
    opener = getattr(import_module(f"biotite.structure.io.{module}"), kind).traj_type()
    return lambda: _OfBiotite(opener, path)


def _of_mdanalysis(path: Path, n_atoms: int) -> Callable[[], _OfMdanalysis]:
    if "MDAnalysis" not in sys.modules and find_spec("MDAnalysis") is None:
        raise ChainError(
            f"{path} is none of the trajectories that are read here, XTC, TRR, DCD and NetCDF. "
            "With MDAnalysis installed (pip install MDAnalysis) its formats are read, too; a "
            "structure with several models is given alone: read_frames(structure)."
        )
    return lambda: _OfMdanalysis(path, n_atoms)


def _said_frames(start: bytes) -> int:
    """Read how many frames a DCD file says it has; the library counts those that are there."""
    order = "<" if start[:4] == b"\x54\x00\x00\x00" else ">"
    return max(0, struct.unpack(f"{order}i", start[8:12])[0])


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
