"""`Atlas.find_run`: where else a piece of a chain occurs, ranked, superposed, measured."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import with_positions

import esm_explore as ex
from esm_explore.atlas import building
from esm_explore.atlas.found_runs import FoundRuns
from esm_explore.errors import AtlasError, TraceError

NAMES = ["1UBI", "4AKE", "2HT0", "1AKE"]


@pytest.fixture(scope="module")
def built(coded, tmp_path_factory):
    """An atlas in four parts: 1AKE is 4AKE's protein, closed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "_GROUP", 50)
        return ex.build_atlas(coded, NAMES, tmp_path_factory.mktemp("atlas") / "atlas")


@pytest.fixture(scope="module")
def trace(coded):
    return ex.trace(coded, ex.read_chain("4AKE"))


@pytest.fixture(scope="module")
def found(built, trace):
    return built.find_run(trace, "50", "62", k=10)


def all_runs(path, latents):
    """All runs of a folder, one after the other: their chains, starts and summed distances."""
    table = pq.read_table(path / "residues")
    index, chain = np.array(table["index"]), table["structure"].to_pylist()
    rows = np.array(table["latent"].to_pylist(), np.float32)
    for start in range(len(index) - len(latents) + 1):
        end = start + len(latents) - 1
        if chain[start] == chain[end]:
            distance = np.linalg.norm(rows[start : end + 1] - latents, axis=1).sum()
            yield distance, chain[start], int(index[start])


def test_the_nearest_are_those_that_comparing_one_by_one_finds(built, trace, found):
    """Of runs that share residues the nearest; none is the query's own place."""
    start = trace.index_of("50")
    right = []
    for distance, chain, at in sorted(all_runs(built.path, trace.pre_vq[start : start + 13])):
        if all(chain != c or abs(at - a) >= 13 for _, c, a in right):
            right.append((distance, chain, at))
    assert right[0][1:] == ("4AKE", start)
    assert len(found) == 10
    np.testing.assert_allclose(found.runs["distance"], [d for d, *_ in right[1:11]], rtol=1e-4)
    assert found.runs["structure"].tolist() == [chain for _, chain, _ in right[1:11]]
    assert found.searched == sum(1 for _ in all_runs(built.path, trace.pre_vq[:13]))


def test_the_same_piece_of_the_same_protein_comes_first(found):
    """1AKE 50 to 62, which moves as a whole between the two states."""
    first = found.to_frame().iloc[0]
    assert tuple(first[["structure", "chain", "first", "last"]]) == ("1AKE", "A", "50", "62")
    assert (first["sequence"], first["same_amino_acids"]) == (found.sequence, 13)
    assert first["rmsd"] < 1
    assert len(first["ss"]) == 13


def test_backbones_are_superposed_as_the_table_says(found, trace):
    """The RMSD of N, CA and C is that of the places given; the query stays where it was."""
    apart = found.backbones - found.query
    rmsd = np.sqrt((apart**2).sum(-1).mean((1, 2)))
    np.testing.assert_allclose(rmsd, found.runs["rmsd"], rtol=1e-4)
    np.testing.assert_array_equal(found.query, trace.coords[trace.index_of("50") :][:13])


def test_it_says_what_was_found(found):
    """In a sentence with chain, sequence, RMSD and encoder."""
    first = found.runs.iloc[0]
    for text in (
        f"4AKE A 50 to 62 ({found.sequence}): the 10 nearest of {found.searched} runs are in",
        f"{found.runs['rmsd'].median():.2f} Å from it in the median",
        f"nearest is 1AKE A 50 to 62 ({found.sequence}, {first['rmsd']:.2f} Å)",
        f"Encoder: {found.encoder_info.title}",
    ):
        assert text in repr(found)


def test_a_chain_of_another_name_is_another_place(built, trace):
    """Only the identical place is left out: a copy under another name is found, at distance 0."""
    copy = dataclasses.replace(trace, chain=dataclasses.replace(trace.chain, id="mine"))
    first = built.find_run(copy, "50", "62", k=1).runs.iloc[0]
    assert (first["structure"], first["first"]) == ("4AKE", "50")
    assert first["distance"] < 0.1
    assert first["rmsd"] < 1e-3


def test_few_runs_are_all_given(coded, tmp_path, trace):
    """Where the atlas has only the query's own chain, and one place in it, there are none."""
    atlas = ex.build_atlas(coded, "4AKE", tmp_path / "atlas")
    found = atlas.find_run(trace, 0, 213)
    assert (len(found), found.backbones.shape) == (0, (0, 214, 3, 3))
    assert "occurs nowhere else in this atlas" in found.summary()
    assert found.to_frame().columns[0] == "structure"
    assert len(atlas.find_run(trace, 0, 99)) == 1


@pytest.mark.slow
def test_what_is_no_run_is_refused(built, trace, coded):
    """Backwards, with a gap, without a frame, too long, of another encoder, no trace."""
    for first, last in (("62", "50"), ("50", "50")):
        with pytest.raises(TraceError, match=f"to a later one, not from {first} to {last}"):
            built.find_run(trace, first, last)
    with pytest.raises(TraceError, match="'999' is not in"):
        built.find_run(trace, "50", "999")
    with pytest.raises(TraceError, match="k is 0"):
        built.find_run(trace, "50", "62", k=0)
    with pytest.raises(TraceError, match="find_run takes a Trace, not a str"):
        built.find_run("4AKE", "50", "62")
    with pytest.raises(AtlasError, match="holds codes alone"):
        ex.open_atlas().find_run(trace, "50", "62")
    chain = ex.read_chain("4AKE")
    gap = ex.trace(coded, chain[[*range(55), *range(58, 214)]])
    with pytest.raises(TraceError, match=r"Residues 55 and 59 are not bonded"):
        built.find_run(gap, "50", "62")
    positions = chain.atom37_positions.copy()
    positions[54, 2] = np.nan
    lacking = ex.trace(coded, with_positions(chain, positions))
    with pytest.raises(TraceError, match="Residue 55 has no backbone frame"):
        built.find_run(lacking, "50", "62")
    other = ex.trace(ex.load_encoder("mini"), ex.read_chain("1UBI"))
    with pytest.raises(AtlasError, match=r"of the encoder unnamed .*, the trace of mini"):
        built.find_run(other, 0, 5)


def test_no_run_reaches_over_gaps_or_into_the_next_chain(coded, tmp_path):
    """Of two broken chains of 30 residues no run of 20 is left; of 15 one on each side."""
    chain, paths = ex.read_chain("1UBI"), []
    for name in "ab":
        path = tmp_path / f"{name}.pdb"
        chain[[*range(15), *range(40, 55)]].to_pdb(path)
        paths.append(path)
    atlas = ex.build_atlas(coded, paths, tmp_path / "atlas")
    trace = ex.trace(coded, chain)
    with pytest.raises(AtlasError, match="No chain of this atlas has 20 bonded residues"):
        atlas.find_run(trace, "1", "20")
    found = atlas.find_run(trace, "1", "15")
    assert found.searched == 4
    assert sorted(found.runs["first"]) == ["1", "1", "41", "41"]


def test_a_picture_shows_query_and_runs_and_names_the_encoder(found):
    """In text, too; of what is no find, an error."""
    picture = ex.plots.view_runs(found)
    said = repr(picture)
    for text in ("4AKE A 50 to 62: the 10 nearest", "Å from it", found.encoder_info.title):
        assert text in said
    with pytest.raises(TraceError, match="found is 'x'; it has to be a FoundRuns"):
        ex.plots.view_runs("x")
    assert isinstance(found, FoundRuns)
