"""A build that breaks off, at any moment, goes on, and ends as if it had not."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import esm_explore as ex
from esm_explore.atlas import building
from esm_explore.errors import AtlasError, ChainWarning
from esm_explore.tokens.chunks import ChunkedEncoder

SOURCES = ["1UBI", "1AS5", "none.pdb", "5PTI", "2HT0", "1EJG"]
# The n-th call of what is killed, before or after it did its work. In order: each begins with what
# the one before left.
PLACES = [
    ("prepare", 1, "before"),
    ("prepare", 3, "before"),
    ("write_table", 1, "before"),
    ("write_table", 1, "after"),
    ("replace", 1, "after"),
    ("residue_rows", 1, "after"),
    ("replace", 2, "before"),
    ("codes_table", 1, "before"),
    ("write_text", 3, "before"),
    ("rename", 1, "before"),
    ("rename", 1, "after"),
    ("write_table", 2, "after"),
]
KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow.parquet as pq
import torch
sys.path.insert(0, sys.argv[1])
torch.set_num_threads(1)
import esm_explore as ex
from esm_explore.atlas import building, output, pieces
from esm_explore.tokens.chunks import ChunkedEncoder
from test_atlas_going_on import PLACES, SOURCES

building._GROUP = 60
encoder = torch.load(sys.argv[3], weights_only=False)
OWNERS = {"prepare": ChunkedEncoder, "write_table": pq, "replace": os, "residue_rows": pieces,
          "codes_table": building, "write_text": Path, "rename": Path}

def kill_at(name, n, when):
    real, calls = getattr(OWNERS[name], name), []
    def wrapped(*args, **options):
        calls.append(name)
        if len(calls) == n and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **options)
        if len(calls) == n:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(OWNERS[name], name, wrapped)

def build():
    ex.build_atlas(encoder, SOURCES, sys.argv[2], progress=False)

for place in PLACES:
    child = os.fork()
    if not child:
        kill_at(*place)
        build()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (place, status)
    print(place, sorted(p.name for p in Path(sys.argv[2]).rglob("part-*")), flush=True)
build()
"""


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of one or two of the sources, which are of 76, 24, 58, 96 and 46 residues."""
    monkeypatch.setattr(building, "_GROUP", 60)


def content(folder):
    """Give all files in a folder, with what is in them."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_killed_at_a_dozen_places_it_ends_with_the_same_bytes(tmp_path, toy_encoder, small_parts):
    """SIGKILL while reading, encoding, writing, counting and moving; no row is lost or twice."""
    killed, whole, weights = tmp_path / "killed", tmp_path / "whole", tmp_path / "weights"
    torch.save(toy_encoder, weights)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(killed), str(weights)],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # It did go on: parts of earlier runs were there when later ones were killed.
    assert max(line.count("part-") for line in done.stdout.splitlines()) >= 3
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with pytest.warns(ChainWarning, match="1 sources or chains could not"):
            ex.build_atlas(toy_encoder, SOURCES, whole)
    finally:
        torch.set_num_threads(threads)
    assert content(killed) == content(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "weights", "whole"]
    rows = pq.read_table(whole / "residues", columns=["structure", "index"]).to_pandas()
    assert not rows.duplicated().any()
    assert len(rows) == 76 + 24 + 58 + 96 + 46


def interrupt_at(monkeypatch, n):
    """Raise KeyboardInterrupt at the n-th chain; gives the chains that were prepared."""
    real, calls = ChunkedEncoder.prepare, []

    def prepare(self, chain):
        calls.append(chain.id)
        if len(calls) == n:
            raise KeyboardInterrupt
        return real(self, chain)

    monkeypatch.setattr(ChunkedEncoder, "prepare", prepare)
    return calls


def test_what_is_done_is_not_done_again(tmp_path, toy_encoder, small_parts, monkeypatch):
    """Interrupted in the third part, the first two are taken as they are; opening it says so."""
    out = tmp_path / "atlas"
    with monkeypatch.context() as patch:
        interrupt_at(patch, 4)
        with pytest.raises(KeyboardInterrupt):
            ex.build_atlas(toy_encoder, SOURCES, out)
    with pytest.raises(AtlasError, match="not complete.*same command goes on"):
        ex.open_atlas(out)
    calls = interrupt_at(monkeypatch, 100)
    atlas = ex.build_atlas(toy_encoder, SOURCES, out)
    assert calls == ["2HT0", "1EJG"]
    assert atlas.manifest["counts"] == {"residues": 300, "chains": 5}
    assert [one["file"] for one in atlas.manifest["failures"]] == ["none.pdb"]


@pytest.mark.slow
def test_another_encoder_or_other_sources_do_not_go_on(
    tmp_path, toy_encoder, small_parts, monkeypatch
):
    """What is done stays until somebody decides; the message says what differs."""
    out = tmp_path / "atlas"
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            ex.build_atlas(toy_encoder, SOURCES, out)
    parts = content(out / "building" / "new")
    assert len(parts) == 1
    for sources, options, other in (
        (SOURCES[:-1], {}, "sources"),
        (SOURCES, {"all_chains": True}, "sources"),
        (SOURCES, {"numbering": "sequential"}, "numbering"),
    ):
        with pytest.raises(AtlasError, match=f"broke off, with other {other}: .*delete"):
            ex.build_atlas(toy_encoder, sources, out, **options)
    with pytest.raises(AtlasError, match="with other encoder"):
        ex.build_atlas(ex.load_encoder("mini"), SOURCES, out)
    assert content(out / "building" / "new") == parts


@pytest.mark.slow
def test_a_file_that_was_written_to_since_does_not_go_on(
    tmp_path, toy_encoder, small_parts, monkeypatch
):
    """The rows would be of no one set of files."""
    source = tmp_path / "a.cif.gz"
    shutil.copy(Path(__file__).parent / "data" / "1as5.cif.gz", source)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            ex.build_atlas(toy_encoder, ["1UBI", source, "1EJG"], tmp_path / "atlas")
    os.utime(source, (0, 0))
    with pytest.raises(AtlasError, match="with other sources"):
        ex.build_atlas(toy_encoder, ["1UBI", source, "1EJG"], tmp_path / "atlas")


@pytest.mark.slow
def test_a_broken_part_is_made_again(tmp_path, toy_encoder, small_parts, monkeypatch):
    """Cut off, as a machine that lost its power leaves it; what came after it too."""
    out, whole = tmp_path / "atlas", tmp_path / "whole"
    ex.build_atlas(toy_encoder, SOURCES, whole)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            ex.build_atlas(toy_encoder, SOURCES, out)
    first = out / "building" / "new" / "residues" / "part-00000.parquet"
    first.write_bytes(first.read_bytes()[:-100])
    ex.build_atlas(toy_encoder, SOURCES, out)
    assert content(out) == content(whole)


@pytest.mark.slow
def test_a_second_builder_is_told_who_builds_there(tmp_path, toy_encoder, monkeypatch):
    """By process and host; a lock whose process was killed is no lock."""
    out, real, told = tmp_path / "atlas", ChunkedEncoder.prepare, []

    def prepare(self, chain):
        if not told:
            told.append("")
            with pytest.raises(AtlasError) as error:
                ex.build_atlas(toy_encoder, ["1UBI"], out)
            told.append(str(error.value))
        return real(self, chain)

    monkeypatch.setattr(ChunkedEncoder, "prepare", prepare)
    ex.build_atlas(toy_encoder, ["1UBI"], out)
    assert f"is being built by process {os.getpid()} on {os.uname().nodename}, since" in told[1]
    (out / "building").mkdir()
    code = (
        "import os, signal, sys; from filelock import FileLock\n"
        "FileLock(sys.argv[1]).acquire(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    lock = out / "building" / "lock"
    died = subprocess.run([sys.executable, "-c", code, lock], check=False)
    assert died.returncode == -signal.SIGKILL
    (out / "building" / "builder.json").write_text(json.dumps({"pid": 1, "host": "x", "since": ""}))
    assert len(ex.build_atlas(toy_encoder, ["1AS5"], out).residues()) == 24
    assert not (out / "building").exists()


@pytest.mark.slow
def test_a_full_disk_keeps_the_parts_and_the_atlas_that_was_there(
    tmp_path, toy_encoder, small_parts, monkeypatch
):
    """One AtlasError; with room again it goes on."""
    out = tmp_path / "atlas"
    ex.build_atlas(toy_encoder, ["1AS5"], out)
    before, real, calls = content(out), pq.write_table, []

    def write_table(*args, **options):
        calls.append(1)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", write_table)
        with pytest.raises(AtlasError, match="could not be written .*No space left"):
            ex.build_atlas(toy_encoder, SOURCES, out)
    kept = content(out)
    assert {name: kept[name] for name in before} == before
    assert "building/new/residues/part-00000.parquet" in kept
    assert len(ex.open_atlas(out).residues()) == 24
    assert len(ex.build_atlas(toy_encoder, SOURCES, out).residues()) == 300


def test_where_nothing_is_tokenized_nothing_is_left(tmp_path, toy_encoder):
    """Neither a new folder, nor traces in one that was there."""
    with pytest.raises(AtlasError, match=r"Nothing could be tokenized.*none.pdb: There is no file"):
        ex.build_atlas(toy_encoder, "none.pdb", tmp_path / "atlas")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(AtlasError, match=r"There is no structure file in it"):
        ex.build_atlas(toy_encoder, tmp_path / "empty", tmp_path / "atlas")
    with pytest.raises(AtlasError, match="a folder, whose name does not end in .parquet"):
        ex.build_atlas(toy_encoder, "1UBI", tmp_path / "atlas.parquet")
    for wrong in (5, [5], None):
        with pytest.raises(ex.TraceError, match="sources is .*a path, name or id, or a list"):
            ex.build_atlas(toy_encoder, wrong, tmp_path / "atlas")


@pytest.mark.slow
def test_chains_that_are_written_are_not_kept(tmp_path, toy_encoder, small_parts, monkeypatch):
    """Of a dozen sources, a part each, one is in memory at a time."""
    real, alive, most = ChunkedEncoder.prepare, weakref.WeakSet(), []

    def prepare(self, chain):
        ready = real(self, chain)
        alive.add(ready)
        most.append(len(alive))
        return ready

    monkeypatch.setattr(ChunkedEncoder, "prepare", prepare)
    for i in range(12):
        shutil.copy(Path(__file__).parent / "data" / "1as5.cif.gz", tmp_path / f"{i}.cif.gz")
    monkeypatch.setattr(building, "_GROUP", 20)
    monkeypatch.chdir(tmp_path)
    ex.build_atlas(toy_encoder, [f"{i}.cif.gz" for i in range(12)], "atlas")
    assert (len(most), max(most)) == (12, 1)


@pytest.mark.slow
def test_progress_counts_sources_with_their_rate_and_goes_on(
    tmp_path, toy_encoder, small_parts, monkeypatch, capsys
):
    """From where it broke off, not from the beginning."""
    with monkeypatch.context() as patch:
        interrupt_at(patch, 4)
        with pytest.raises(KeyboardInterrupt):
            ex.build_atlas(toy_encoder, SOURCES, tmp_path / "atlas", progress=True)
    capsys.readouterr()
    ex.build_atlas(toy_encoder, SOURCES, tmp_path / "atlas", progress=True)
    said = capsys.readouterr().err
    assert "| 4/6 [" in said.split("\r")[1]
    assert re.search(r"6/6 \[\S+<00:00, +[\d.]+(source/s|s/source)\]", said)


def arrays(n=3, **changed):
    """Two chains cut from 1UBI, and one of 2HT0, as mini's training arrays have them."""
    chains = [ex.read_chain("1UBI")[:40], ex.read_chain("1UBI")[40:], ex.read_chain("2HT0")][:n]
    size = np.array([len(chain) for chain in chains], np.int32)
    xyz = np.concatenate([chain.atom37_positions[:, [0, 1, 2, 4]] for chain in chains])
    letters = "".join(chain.sequence for chain in chains)
    found = {
        "names": np.array(["1UBI_A", "1UBI_B", "2HT0_A"][:n]),
        "start": np.cumsum(size, dtype=np.int32) - size,
        "size": size,
        "resnum": np.array([chain.residue_index[0] for chain in chains], np.int32),
        "seq": np.frombuffer(letters.encode(), np.int8),
        "xyz": ((xyz + 100) * 100).round().astype(np.uint16),
        "dssp": np.frombuffer(b"HEBGITSC" * 30, np.int8)[: len(letters)],
    }
    return found | changed


def test_arrays_of_chains_are_sources(tmp_path, toy_encoder):
    """All their chains, with DSSP's letters; next to files, whose letters are P-SEA's."""
    np.savez(tmp_path / "chains.npz", **arrays())
    out = tmp_path / "atlas"
    atlas = ex.build_atlas(toy_encoder, [tmp_path / "chains.npz", "1AS5"], out)
    rows = atlas.residues()
    assert rows.groupby(["structure", "chain"], sort=False).size().to_dict() == {
        **{("1UBI", "A"): 40, ("1UBI", "B"): 36, ("2HT0", "A"): 96, ("1AS5", "A"): 24},
    }
    assert "".join(rows["ss"][:8]) == "HEBGITSC"
    assert rows["ss_from"].value_counts().to_dict() == {"DSSP": 172, "P-SEA": 24}
    assert rows["number"][40] == 41
    trace = ex.trace(toy_encoder, ex.read_chain("2HT0"))
    same = rows["token"][76:172].to_numpy() == trace.tokens
    assert same.mean() > 0.9  # places are rounded to 0.01 Å


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"xyz": np.zeros((5, 4, 3), np.uint16)}, "xyz has shape"),
        ({"size": np.array([40, 36, 97], np.int32)}, "reach beyond its 172 residues"),
        ({"start": np.array([-1, 0, 0], np.int32)}, "reach beyond"),
        ({"names": np.array(["A"])}, "start has shape"),
    ],
)
def test_arrays_that_do_not_fit_are_a_failure_and_the_rest_goes_on(
    tmp_path, toy_encoder, changed, said
):
    """So are files that are none, and arrays that are missing."""
    np.savez(tmp_path / "chains.npz", **arrays(**changed))
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", x=np.arange(3))
    sources = [*(tmp_path / f"{name}.npz" for name in ("chains", "text", "other", "no")), "1AS5"]
    with pytest.warns(ChainWarning, match="4 sources or chains could not be tokenized"):
        atlas = ex.build_atlas(toy_encoder, sources, tmp_path / "atlas")
    why = [one["why"] for one in atlas.manifest["failures"]]
    assert said in why[0]
    assert "is no .npz of chains" in why[1]
    assert "has no array 'names'" in why[2]
    assert "No such file" in why[3]
    assert len(atlas.residues()) == 24
