"""What nearly every token would be wrong for is said on reading and on every way of encoding."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import pdb_lines, with_positions
from scipy.spatial.transform import Rotation

import esm_explore as ex
from esm_explore.chains.backbone import alarms
from esm_explore.chains.residues import residue_labels
from esm_explore.parsing import structure_files
from esm_explore.sources.locating import locate

pytestmark = pytest.mark.lines
EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"
NAMES = list(ex.examples().index)


def permuted(order):
    def change(positions):
        return np.concatenate([positions[:, order], positions[:, 3:]], axis=1)

    return change


CHANGES = {
    "nm": (lambda p: p / 10, r"seem to be in nm, not Å \(median N-CA 0.14"),
    "pm": (lambda p: (p - np.nanmean(p, (0, 1))) * 100, "seem to be in pm"),
    "Bohr": (lambda p: p * 1.8897, "seem to be in Bohr"),
    "stretched": (lambda p: p * 1.3, "seem to be 1.3 times as large"),
    "mirrored": (lambda p: p * [1, 1, -1], "the chain is a mirror image"),
    "CA, N, C": (permuted([1, 0, 2]), "in the order CA, N, C, not N, CA, C"),
    "N, C, CA": (permuted([0, 2, 1]), "in the order N, C, CA"),
    "C, CA, N": (permuted([2, 1, 0]), r"in the order C, CA, N \(or residues from the C-term"),
    "noise": (
        lambda p: p + np.random.default_rng(0).normal(0, 3, p.shape),
        "bond lengths are not those of a backbone",
    ),
    "far": (lambda p: p + 5_000, "coordinates as far as 5,.* from the origin"),
}


def changed(chain, change):
    return with_positions(chain, change(chain.atom37_positions).astype(np.float32))


@pytest.mark.parametrize("change", CHANGES)
def test_tracing_and_tokenizing_warn(toy_encoder, ubiquitin, change):
    """One message, with what was found and what is right, at the user's own line."""
    alter, message = CHANGES[change]
    chain = changed(ubiquitin, alter)
    calls = (lambda: ex.trace(toy_encoder, chain), lambda: list(ex.tokenize(toy_encoder, [chain])))
    for call in calls:
        with pytest.warns(ex.ChainWarning, match=f"1UBI chain A: .*{message}") as caught:
            call()
        # Other packages may warn meanwhile, of other things.
        ours = [warning for warning in caught if warning.category is ex.ChainWarning]
        assert {Path(warning.filename).name for warning in ours} == {Path(__file__).name}


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "pm"])
def test_reading_warns(tmp_path, change):
    """The same from a file; columns have no room for pm."""
    atoms = structure_files.read_model(locate(EXAMPLES / "1ubi.bcif.gz")).atoms
    alter, message = CHANGES[change]
    if "," in change:
        names = dict(zip(["N", "CA", "C"], change.split(", "), strict=True))
        atoms.atom_name = np.array([names.get(name, name) for name in atoms.atom_name])
    else:
        atoms.coord = alter(atoms.coord[:, None])[:, 0].astype(np.float32)
    path = tmp_path / "x.pdb"
    path.write_text("\n".join(pdb_lines(atoms)) + "\nEND\n")
    with pytest.warns(ex.ChainWarning, match=f"x chain A: .*{message}") as caught:
        ex.read_chain(path)
    assert Path(caught[0].filename).name == Path(__file__).name


@pytest.mark.parametrize("name", NAMES)
def test_real_chains_pass_and_their_mirror_images_do_not(name):
    """All bundled chains, in any orientation; without CB the phi angles tell."""
    chain = ex.read_chain(name, ex.examples().loc[name, "chain"])
    turn = Rotation.from_euler("xyz", [1, 2, 3]).as_matrix()
    labels = residue_labels(chain)
    for last in (37, 3):  # with side chains, and with the backbone alone
        positions = chain.atom37_positions[:, :last]
        assert alarms(positions @ turn + 50, labels) == []
        (found,) = alarms(positions * [-1, 1, 1], labels)
        assert found.title.startswith("the chain is a mirror image")


def test_fewer_than_16_residues(toy_encoder, ubiquitin):
    """One to fifteen: a warning with their number; sixteen: none."""
    for length in (1, 2, 5, 15):
        with pytest.warns(ex.ChainWarning, match=rf"fewer than 16 residues \({length}\)"):
            assert len(ex.trace(toy_encoder, ubiquitin[:length])) == length
    with warnings.catch_warnings():
        warnings.simplefilter("error", ex.ChainWarning)
        ex.trace(toy_encoder, ubiquitin[:16])


def degenerate(kind, backbone):
    _, ca, c = backbone
    return {
        "N = CA = C": np.stack([ca, ca, ca]),
        "zeros": np.zeros((3, 3)),
        "collinear": np.stack([ca - (c - ca), ca, c]),
        "N = C": np.stack([c, ca, c]),
    }[kind]


@pytest.mark.parametrize("kind", ["N = CA = C", "zeros", "collinear", "N = C"])
def test_a_degenerate_frame_is_none(toy_encoder, ubiquitin, kind):
    """Esm takes a rotation of determinant 0; here the residue is encoded as one without a frame."""
    positions = ubiquitin.atom37_positions.copy()
    positions[29, :3] = degenerate(kind, positions[29, :3])
    with pytest.warns(ex.ChainWarning, match="N, CA and C coincide or lie on a line at 30"):
        trace = ex.trace(toy_encoder, with_positions(ubiquitin, positions))
    assert np.flatnonzero(~trace.has_frame).tolist() == [29]
    positions[29, :3] = np.nan
    missing = ex.trace(toy_encoder, with_positions(ubiquitin, positions))
    np.testing.assert_array_equal(trace.tokens, missing.tokens)
    assert trace.neighborhood(30).token == trace.tokens[30]


def test_placeholders_of_zeros_do_not_count_as_coincident(toy_encoder, ubiquitin):
    """Two residues at the origin have no frame, so that none stands in for the other."""
    positions = ubiquitin.atom37_positions.copy()
    positions[[29, 40], :3] = 0
    with pytest.warns(ex.ChainWarning, match="at 30, 41"):
        trace = ex.trace(toy_encoder, with_positions(ubiquitin, positions))
    assert np.flatnonzero(~trace.has_frame).tolist() == [29, 40]


def test_repeated_residue_numbers(toy_encoder, ubiquitin):
    """Numbers that restart: two chains under one id, as esm's reader merges them."""
    numbers = np.concatenate([np.arange(1, 39), np.arange(1, 39)])
    chain = dataclasses.replace(ubiquitin, residue_index=numbers)
    with pytest.warns(ex.ChainWarning, match="occur more than once at 1, 2, 3"):
        ex.trace(toy_encoder, chain)


@pytest.mark.parametrize("dtype", [np.int32, np.int16, np.uint8, np.float32, np.float64])
def test_whole_numbers_of_any_type_are_taken(toy_encoder, ubiquitin, dtype):
    """The same tokens as with int64."""
    chain = dataclasses.replace(ubiquitin, residue_index=ubiquitin.residue_index.astype(dtype))
    trace = ex.trace(toy_encoder, chain)
    assert trace.residue_index.dtype == np.int64
    np.testing.assert_array_equal(trace.tokens, ex.trace(toy_encoder, ubiquitin).tokens)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("residue_index", np.arange(99), r"has shape \(99,\); for a sequence of 76 residues"),
        ("residue_index", np.arange(10), r"has shape \(10,\)"),
        ("residue_index", np.arange(76)[None], r"has shape \(1, 76\)"),
        ("residue_index", np.arange(76) + 0.5, "no whole number"),
        ("residue_index", np.full(76, np.nan), "no whole number"),
        ("residue_index", np.arange(76).astype(str), "no whole number"),
        ("residue_index", list(range(76)), "is a list"),
        ("residue_index", None, "is a NoneType"),
        ("atom37_positions", np.zeros((50, 37, 3)), r"has shape \(50, 37, 3\)"),
        ("atom37_positions", np.zeros((76, 37)), r"has to be an array of shape \(76, 37, 3\)"),
        ("insertion_code", np.array([""] * 5), r"has shape \(5,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_their_shape(
    toy_encoder, ubiquitin, name, value, message
):
    """Put into a chain after esm's own check; esm cuts, rounds or fails without a text."""
    chain = dataclasses.replace(ubiquitin)
    object.__setattr__(chain, name, value)
    with pytest.raises(ex.TraceError, match=rf"{name} of the chain.*{message}"):
        ex.trace(toy_encoder, chain)
