"""The index of latents: as good as comparing all, and never asked where it cannot be trusted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import esm_explore as ex
from esm_explore.atlas import building, indexing
from esm_explore.atlas.index_files import LatentIndex
from esm_explore.cli import app
from esm_explore.errors import AtlasError, ChainWarning, heard

NAMES = ["1UBI", "4AKE", "2HT0"]
pytest.importorskip("usearch")


@pytest.fixture(scope="module")
def built(coded, tmp_path_factory):
    """An atlas in three parts, with an index of 386 residues in batches of 50."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "_GROUP", 50)
        atlas = ex.build_atlas(coded, NAMES, tmp_path_factory.mktemp("atlas") / "atlas")
        atlas.build_index()
        return atlas


@pytest.fixture(scope="module")
def trace(coded):
    return ex.trace(coded, ex.read_chain("4AKE"))


@pytest.fixture
def copied(built, tmp_path):
    """The atlas and its index, to be damaged."""
    return shutil.copytree(built.path, tmp_path / "atlas")


@pytest.fixture
def asked(monkeypatch):
    """Collect what the index is asked for."""
    real, calls = LatentIndex.nearest, []

    def nearest(self, query, k):
        calls.append(k)
        return real(self, query, k)

    monkeypatch.setattr(LatentIndex, "nearest", nearest)
    return calls


KILLED = """
import os, signal, sys
import esm_explore as ex
from esm_explore.atlas import indexing

atlas = ex.open_atlas(sys.argv[1])
for place in ("_fill before", "_fill after", "_measured after", "file_digest after", "put before"):
    name, when = place.split()
    child = os.fork()
    if not child:
        real = getattr(indexing, name)
        def killed(*args):
            if when == "after":
                real(*args)
            os.kill(os.getpid(), signal.SIGKILL)
        setattr(indexing, name, killed)
        atlas.build_index(progress=False)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (place, status)
"""


def without_index(path):
    shutil.rmtree(path / "index")
    return ex.open_atlas(path)


def test_it_gives_the_rows_that_comparing_all_gives(built, trace, asked, copied):
    """In the same order, with the same columns, types and distances; more than 100 are compared."""
    plain = without_index(copied)
    for residue, k in ((0, 1), ("57", 20), (100, 100), ("57", 101)):
        found, right = built.neighbors(trace, residue, k), plain.neighbors(trace, residue, k)
        pd.testing.assert_frame_equal(found, right, check_exact=True)
    assert asked == [1, 20, 100]


def test_its_manifest_says_how_good_it_is_and_what_it_is_of(built):
    """Recall of the 20 and of the 100 nearest, against exact search; nothing in it is pickled."""
    about = json.loads((built.path / "index" / "manifest.json").read_text())
    assert about["recall"].keys() == {"20", "100"}
    assert min(about["recall"].values()) >= 0.98
    assert (about["residues"], about["sample"]) == (386, 200)
    assert about["files"].keys() == {"latents.usearch", "rows.arrow"}
    names = sorted(path.name for path in (built.path / "index").iterdir())
    assert names == ["latents.usearch", "manifest.json", "rows.arrow"]
    for name in names:
        assert (built.path / "index" / name).read_bytes()[:1] not in (b"\x80", b"(")


def test_one_that_finds_too_few_is_not_asked(copied, trace, asked, monkeypatch):
    """It says so; all residues are compared, and the answer is right."""
    right = without_index(copied).neighbors(trace, "57")
    with monkeypatch.context() as patch:
        patch.setattr(indexing, "_EXPANSIONS", (1,))
        patch.setattr(indexing, "distances_of", lambda graph, keys, query: np.full(len(keys), 9e9))
        done = CliRunner().invoke(app, ["atlas", "index", str(copied)])
    assert "finds 0.0% of the 20 nearest" in done.output
    assert "too few, so that exact search is used" in done.output
    assert ex.open_atlas(copied).neighbors(trace, "57").equals(right)
    assert asked == []


def _cut(folder):
    path = folder / "latents.usearch"
    path.write_bytes(path.read_bytes()[:-1000])


def _turn(folder):
    path = folder / "latents.usearch"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def _rows(folder):
    (folder / "rows.arrow").write_bytes(b"ARROW1")


def _missing(folder):
    (folder / "rows.arrow").unlink()


def _text(folder):
    (folder / "manifest.json").write_text("{")


def _empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def _newer(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace("index 1", "index 2"))


def _foreign(folder):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"atlas": "ab" * 32}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "latents.usearch is not as it was written"),
        (_turn, "latents.usearch is not as it was written"),
        (_rows, "rows.arrow is not as it was written"),
        (_missing, "it is broken .FileNotFoundError"),
        (_text, "it is broken .JSONDecodeError"),
        (_empty, "it is broken .FileNotFoundError"),
        (_newer, "its format is 'esm_explore index 2'"),
        (_foreign, "it is of another atlas, or of what this one was before"),
    ],
)
def test_one_that_is_broken_or_foreign_is_named_once_and_not_asked(
    built, copied, trace, asked, damage, said
):
    """All residues are compared: the answer is that of the whole index; making it again mends."""
    right = built.neighbors(trace, "57")
    asked.clear()
    damage(copied / "index")
    atlas = ex.open_atlas(copied)
    with pytest.warns(ChainWarning, match=f"is not used.*{said}.*atlas index .*makes it again"):
        assert atlas.neighbors(trace, "57").equals(right)
    with heard() as told:
        assert atlas.neighbors(trace, "57").equals(right)
    assert told == []
    assert asked == []
    atlas.build_index()
    assert atlas.neighbors(trace, "57").equals(right)
    assert asked == [20]


@pytest.mark.slow
def test_rows_that_changed_make_it_stale(coded, copied, built, trace, asked):
    """Another atlas of as many residues, into whose folder it was copied."""
    other = ex.build_atlas(coded, ["1UBI"], copied.parent / "other")
    shutil.copytree(copied / "index", other.path / "index")
    with pytest.warns(ChainWarning, match="of another atlas"):
        assert set(other.neighbors(trace, 0)["structure"]) == {"1UBI"}
    assert asked == []
    # Building into the folder takes the old index away with the old rows.
    again = ex.build_atlas(coded, ["1AS5"], copied)
    assert not (again.path / "index").exists()


def test_without_usearch_all_are_compared(copied, built, trace, monkeypatch):
    """It is an extra; making one says what to install."""
    right = built.neighbors(trace, "57")
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    atlas = ex.open_atlas(copied)
    with pytest.warns(ChainWarning, match=r'needs usearch: pip install "esm_explore\[atlas\]"'):
        assert atlas.neighbors(trace, "57").equals(right)
    with pytest.raises(AtlasError, match="needs usearch"):
        atlas.build_index()
    with pytest.raises(AtlasError, match="holds codes alone, no residues"):
        ex.open_atlas().build_index()


@pytest.mark.parametrize("error", [OSError(28, "No space left"), RuntimeError("disk")])
def test_a_full_disk_leaves_the_index_that_was_there(copied, trace, asked, monkeypatch, error):
    """And nothing else in the folder; what a killed process left is cleared away."""

    def fail(*_):
        raise error

    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    left = copied / ".partial-esm_explore-x"
    left.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(indexing, "file_digest", fail)
        with pytest.raises(AtlasError, match="index could not be written"):
            ex.open_atlas(copied).build_index()
    assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before
    assert not left.exists()
    ex.open_atlas(copied).neighbors(trace, 0)
    assert asked == [20]


@pytest.mark.slow
def test_killed_at_five_places_it_leaves_the_atlas_as_useful_as_before(copied, trace, asked):
    """SIGKILL while it is filled, measured, sealed and moved: all residues are compared, without
    a warning; made again it is asked, and of what was killed nothing is left.
    """
    right = without_index(copied).neighbors(trace, "57")
    names = {path.name for path in copied.iterdir()}
    script = [sys.executable, "-c", KILLED, str(copied)]
    subprocess.run(script, check=True, timeout=300)
    assert not (copied / "index").exists()
    atlas = ex.open_atlas(copied)
    with heard() as told:
        assert atlas.neighbors(trace, "57").equals(right)
    assert (told, asked) == ([], [])
    atlas.build_index()
    assert atlas.neighbors(trace, "57").equals(right)
    assert asked == [20]
    assert {path.name for path in copied.iterdir()} == {*names, "index"}


@pytest.mark.slow
def test_large_atlases_get_one_when_they_are_built(coded, tmp_path, monkeypatch, trace, asked):
    """The build prints how good it is; where it fails, the atlas is there all the same."""
    monkeypatch.setattr(indexing, "_LARGE", 50)
    atlas = ex.build_atlas(coded, NAMES, tmp_path / "atlas")
    assert (atlas.neighbors(trace, "57")["number"][0], asked) == (57, [20])
    command = ["atlas", "build", "1UBI", "-o", str(tmp_path / "of_mini")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    assert "index of 76 residues: it finds 100.0% of the 20 nearest" in done.output
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, (tmp_path / "of_mini" / "manifest.json").is_file()) == (0, True)
    assert "no index of latents, so that neighbors compares all" in done.output
