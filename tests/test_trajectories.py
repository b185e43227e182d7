"""Trajectories: frames are the chain that a file of that frame alone would give, or an error."""

from __future__ import annotations

import gzip
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from biotite.structure import AtomArrayStack, concatenate, stack
from conftest import pdb_lines

import esm_explore as ex
from esm_explore.chains import trajectories
from esm_explore.parsing.structure_files import read_model
from esm_explore.sources.locating import locate

pytestmark = pytest.mark.lines

DATA = Path(__file__).parent / "data"
FORMATS = {"xtc": 1.1e-2, "trr": 1e-4, "dcd": 1e-4, "nc": 1e-4}
N_FRAMES = 5


def atoms_of(name: str, model: int = 1):
    return read_model(locate(name), model).atoms


@pytest.fixture(scope="module")
def moving() -> AtomArrayStack:
    """5PTI with its waters, before the protein, whose atoms move a little in each frame."""
    atoms = atoms_of("5PTI")
    atoms = concatenate([atoms[atoms.hetero], atoms[~atoms.hetero]])
    random = np.random.default_rng(0)
    frames = [atoms.copy() for _ in range(N_FRAMES)]
    for number, frame in enumerate(frames):
        frame.coord += random.normal(0, 0.03 * (number + 1), atoms.coord.shape)
    return stack(frames)


def written(folder: Path, kind: str, frames: AtomArrayStack, box: float | None = 60.0) -> Path:
    """Write a trajectory with biotite."""
    module, name = ("netcdf", "NetCDFFile") if kind == "nc" else (kind, f"{kind.upper()}File")
    file = getattr(import_module(f"biotite.structure.io.{module}"), name)()
    file.set_coord(frames.coord)
    if box is not None:
        file.set_box(np.tile(box * np.eye(3, dtype=np.float32), (len(frames), 1, 1)))
    path = folder / f"moving.{kind}"
    file.write(path)
    return path


def topology(folder: Path, frames: AtomArrayStack) -> Path:
    path = folder / "5pti.pdb"
    path.write_text("\n".join(pdb_lines(frames[0])))
    return path


@pytest.mark.parametrize("kind", FORMATS)
def test_each_frame_is_the_chain_of_a_file_with_that_frame(tmp_path, moving, kind):
    """Of all formats, told apart by content; XTC rounds to 0.01 Å; in Å, though some are in nm."""
    path = written(tmp_path, kind, moving).rename(tmp_path / "no_extension")
    frames = ex.read_frames(topology(tmp_path, moving), path)
    assert len(frames) == N_FRAMES
    assert repr(frames) == "5pti chain A, 58 residues, 5 frames"
    for number, frame in enumerate(frames):
        alone = ex.read_chain(moving[number])
        assert frame.sequence == alone.sequence
        np.testing.assert_array_equal(frame.residue_index, alone.residue_index)
        np.testing.assert_array_equal(frame.atom37_mask, alone.atom37_mask)
        np.testing.assert_allclose(
            frame.atom37_positions, alone.atom37_positions, atol=FORMATS[kind]
        )


def test_frames_are_a_sequence_and_chunks_change_none(tmp_path, moving, monkeypatch, toy_encoder):
    """Slices, single ones and loops agree, in chunks of two as in one of 64."""
    frames = ex.read_frames(topology(tmp_path, moving), written(tmp_path, "xtc", moving))
    whole = [frame.atom37_positions for frame in frames]
    monkeypatch.setattr(trajectories, "CHUNK", 2)
    for some in (frames, frames[1:], frames[::2], frames[::-1], frames[-1:], frames[3:3]):
        expected = [whole[number] for number in some.numbers]
        assert len(some) == len(expected)
        for found, same in zip(some, expected, strict=True):
            np.testing.assert_array_equal(found.atom37_positions, same)
    np.testing.assert_array_equal(frames[-1].atom37_positions, whole[-1])
    assert ex.trace(toy_encoder, frames[2]).title == "5pti chain A, frame 3, 58 residues"
    assert frames[::2].title == "5pti chain A, 58 residues, 3 of 5 frames"
    with pytest.raises(ex.ChainError, match="no frame 5 of .*; they are counted from 0 to 4"):
        _ = frames[5]


def test_models_are_frames():
    """The bundled 14 of 1AS5 are those of the PDB's file; each is `read_chain`'s."""
    bundled = ex.read_frames("1AS5")
    whole = ex.read_frames(DATA / "1as5.cif.gz")
    assert len(bundled) == len(whole) == 14
    for number in (0, 5, 13):
        with pytest.warns(ex.ChainWarning):
            alone = ex.read_chain(DATA / "1as5.cif.gz", model=number + 1)
        for frames in (bundled, whole):
            np.testing.assert_array_equal(frames[number].atom37_positions, alone.atom37_positions)
    assert whole.title == "1as5 chain A, 24 residues, 14 models"


def test_a_chain_behind_others_is_found_by_its_atoms(tmp_path):
    """2HT0's chain B, among two proteins and DNA."""
    atoms = atoms_of("2HT0")
    moved = atoms.copy()
    moved.coord += 5
    path = written(tmp_path, "trr", stack([atoms, moved]))
    frames = ex.read_frames(atoms, path, "B")
    expected = ex.read_chain("2HT0", "B").atom37_positions + 5
    np.testing.assert_allclose(frames[1].atom37_positions, expected, atol=1e-3)


def test_a_box_of_zero_is_no_box(tmp_path, moving):
    """As simulations in vacuum write it: the chain is whole, and is read."""
    frames = ex.read_frames(moving[0], written(tmp_path, "trr", moving, box=0.0))
    assert np.isfinite(frames[4].atom37_positions[:, :3]).all()


def broken(frames: AtomArrayStack, how: str) -> AtomArrayStack:
    """Break the third frame."""
    frames = frames.copy()
    residue = frames.res_id == 10
    if how == "nan":
        frames.coord[2, residue] = np.nan
    elif how == "wrapped":
        # Half of the chain has left the box at one side and come in at the other.
        frames.coord[2, (frames.res_id > 40) & ~frames.hetero, 0] -= 60
    else:
        frames.coord[2] = 0
    return frames


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("nan", "Frame 3 of .* has coordinates that are NaN or infinite at residue 10: .*leave"),
        ("wrapped", "Frame 3 of .*: at residue 40 a bond .* Å long: .*box.*Make it whole"),
        ("zeros", "Frame 3 of .*: at residue 1 a bond .* 0.00 Å long, and so are 100%.*same order"),
    ],
)
def test_broken_frames_are_refused(tmp_path, moving, how, said):
    """Where they are reached, with what would be right; those before can be read."""
    path = written(tmp_path, "trr", broken(moving, how))
    frames = ex.read_frames(moving[0], path)
    with pytest.raises(ex.ChainError, match="(?i)" + said):
        list(frames)
    assert len(list(frames[:2])) == 2


@pytest.mark.parametrize("kind", FORMATS)
def test_a_trajectory_that_was_cut_off_is_refused_before_anything_is_computed(
    tmp_path, moving, kind, capfd
):
    """At once, or trying the last frame first; a DCD file's header says more than are there."""
    path = written(tmp_path, kind, moving)
    path.write_bytes(path.read_bytes()[:-40])
    if kind in ("nc", "trr"):
        with pytest.raises(ex.ChainError, match="damaged or cut off"):
            ex.read_frames(moving[0], path)
        return
    frames = ex.read_frames(moving[0], path)
    with pytest.raises(ex.ChainError, match=r"Frame 5 of 5 .* cut off .*frames\[:4\] are whole"):
        next(iter(frames))
    assert len(list(frames[:4])) == 4


def xyz(folder: Path, frames: AtomArrayStack) -> Path:
    """Write a text that MDAnalysis alone reads."""
    lines = []
    for frame in frames:
        lines += [str(len(frame)), "a frame"]
        lines += [f"{a.element} " + " ".join(f"{x:.4f}" for x in a.coord) for a in frame]
    path = folder / "moving.xyz"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_what_mdanalysis_reads_is_read(tmp_path, moving):
    """In any order, in Å; the rest of a cut-off frame is told, which MDAnalysis leaves out."""
    pytest.importorskip("MDAnalysis", reason="MDAnalysis is not installed: its formats are left")
    path = xyz(tmp_path, moving[:3])
    frames = ex.read_frames(moving[0], path)
    assert len(frames) == 3
    for number in (2, 0, 1):
        alone = ex.read_chain(moving[number])
        np.testing.assert_allclose(
            frames[number].atom37_positions, alone.atom37_positions, atol=1e-4
        )
    text = path.read_text()
    path.write_text(text[:-2000])
    with pytest.raises(ex.ChainError, match="cut off in frame 3: .* 1,050 lines of the 2 frames"):
        ex.read_frames(moving[0], path)
    path.write_text(text + "\n\n")
    assert len(ex.read_frames(moving[0], path)) == 3
    unknown = path.rename(tmp_path / "moving.unknown")
    with pytest.raises(ex.ChainError, match="none of the trajectories .* knows none that ends"):
        ex.read_frames(moving[0], unknown)


def test_without_mdanalysis_its_formats_are_told(tmp_path, moving, monkeypatch):
    """Which package would read it; one that is broken is no damaged file."""
    path = xyz(tmp_path, moving[:1])
    monkeypatch.setitem(sys.modules, "MDAnalysis.coordinates.core", None)
    if find_spec("MDAnalysis") is None:
        with pytest.raises(ex.ChainError, match="With MDAnalysis installed .pip install MDAnal"):
            ex.read_frames(moving[0], path)
    monkeypatch.setitem(sys.modules, "MDAnalysis", ModuleType("MDAnalysis"))
    with pytest.raises(ex.ChainError, match="needs MDAnalysis, which cannot be imported"):
        ex.read_frames(moving[0], path)


def test_wrong_input_is_refused(tmp_path, moving):
    """Other atoms, no trajectory, no protein, a chain of esm's own, models that differ."""
    path = written(tmp_path, "xtc", moving)
    protein = moving[0][~moving.hetero]
    with pytest.raises(ex.ChainError, match="has 523 atoms, structure 454: give the structure th"):
        ex.read_frames(protein, path)
    alone = written(tmp_path, "dcd", moving[:, ~moving.hetero])
    with pytest.raises(ex.ChainError, match="454 atoms, structure 523: as many as the topology's"):
        ex.read_frames(moving[0], alone)
    with pytest.raises(ex.ChainError, match="none of the trajectories .* XTC, TRR, DCD and NetCDF"):
        ex.read_frames(moving[0], topology(tmp_path, moving).rename(tmp_path / "5pti.unknown"))
    empty = tmp_path / "empty.xtc"
    empty.touch()
    for wrong, said in (("gone.xtc", "no trajectory"), (empty, "is empty"), (5, "trajectory is a")):
        with pytest.raises(ex.ChainError, match=said):
            ex.read_frames(moving[0], wrong)
    with pytest.raises(ex.ChainError, match="has no protein chain"):
        ex.read_frames(moving[0][moving.hetero], path)
    with pytest.raises(ex.ChainError, match="Chain 'B' is not a protein chain of structure; it"):
        ex.read_frames(moving[0], path, "B")
    with pytest.raises(ex.ChainError, match="is one chain, with the atoms that esm knows"):
        ex.read_frames(ex.read_chain("5PTI"), path)
    reordered = written(tmp_path, "trr", moving[:, ::-1])
    with pytest.raises(ex.ChainError, match="not of this topology"):
        _ = ex.read_frames(moving[0], reordered)[0]
    text = gzip.decompress((DATA / "1as5.cif.gz").read_bytes()).decode()
    lines = [line for line in text.splitlines() if not _is_residue(line, "9", "4")]
    different = tmp_path / "different.cif"
    different.write_text("\n".join(lines))
    with pytest.raises(ex.ChainError, match="Model 4 of .* has other residues .* [(]23, not 24"):
        list(ex.read_frames(different))


def _is_residue(line: str, number: str, model: str) -> bool:
    columns = line.split()
    return line.startswith(("ATOM", "HETATM")) and (columns[8], columns[-1]) == (number, model)
