"""What is written: never over what is somebody's, whole or not at all, in words that are shown."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import mostly_slow
from typer.testing import CliRunner

import esm_explore as ex
from esm_explore.cli import app
from esm_explore.encoders import loading
from esm_explore.encoders.mini import MINI_FILE
from esm_explore.outputs import UNFINISHED, printable, put, unfinished
from esm_explore.recipes import mini_codes
from esm_explore.recipes.example_structure import cut
from esm_explore.sources import downloads

ROOT = Path(__file__).parents[1]
UBIQUITIN = ROOT / "esm_explore" / "sources" / "examples" / ex.examples()["file"]["1UBI"]
# The command, with an encoder of milliseconds, and a sign when the second chain has its turn.
SLOW = """
import sys, time
from pathlib import Path
from esm_explore.cli import app
from esm_explore.tokens.chunks import ChunkedEncoder
real, calls = ChunkedEncoder.prepare, []
def prepare(self, chain):
    calls.append(chain)
    if len(calls) == 2:
        Path(sys.argv[-1]).touch()
        time.sleep(60)
    return real(self, chain)
ChunkedEncoder.prepare = prepare
app(sys.argv[1:-1])
"""
COMMAND = [sys.executable, "-c", "from esm_explore.cli import app; app()"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "400"}


@pytest.fixture
def tokenize(monkeypatch, toy_encoder):
    """Run the command with the toy encoder; gives status and what was said."""
    real = loading.load_encoder

    def load(source, device="cpu"):
        return toy_encoder if source == "mini" else real(source, device=device)

    monkeypatch.setattr(loading, "load_encoder", load)

    def run(*arguments, verb="tokenize"):
        result = CliRunner(env={"COLUMNS": "400"}).invoke(app, [verb, *map(str, arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.output

    return run


def ended(*arguments, **options):
    """Run the command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT | options.pop("env", {}),
        **options,
    )


def content(folder):
    """Give all that is in a folder."""
    return {p: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def others_table(path):
    """Write a Parquet file as any other program does."""
    pd.DataFrame({"mine": [1, 2]}).to_parquet(path)
    return path


def derived_table(path):
    """Write a table of ours with a column of the user's: pyarrow keeps what ours says of itself."""
    ours = pq.read_table(path)
    pq.write_table(ours.append_column("mine", pa.array([1] * len(ours))), path)
    return path


def test_a_file_of_somebody_else_is_replaced_only_where_overwrite_says_so(tokenize, tmp_path):
    """A structure, another program's table, an empty file, one that was made of ours."""
    out = tmp_path / "x.parquet"
    for make in (
        lambda: shutil.copy(UBIQUITIN, out),
        lambda: others_table(out),
        lambda: out.write_bytes(b""),
        lambda: (out.unlink(), tokenize("1UBI", "-o", out), derived_table(out)),
    ):
        make()
        before = content(tmp_path)
        status, said = tokenize("1AS5", "-o", out)
        assert (status, "not a table that esm_explore wrote" in said) == (3, True)
        assert said.count("\n") == 1
        assert content(tmp_path) == before
    assert tokenize("1AS5", "-o", out, "--overwrite")[0] == 0
    assert len(pd.read_parquet(out)) == 24
    assert tokenize("1UBI", "-o", out)[0] == 0
    assert len(pd.read_parquet(out)) == 76


def test_overwrite_is_of_files_alone(tokenize, tmp_path):
    """A folder with other things, a pipe, a device: left as they are."""
    folder, pipe, device = tmp_path / "folder", tmp_path / "pipe.parquet", tmp_path / "x.parquet"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    os.mkfifo(pipe)
    device.symlink_to("/dev/null")
    for out, why in (
        (folder, "not of an atlas"),
        (pipe, "not a file that could be replaced"),
        (device, "not a file that could be replaced"),
    ):
        status, said = tokenize("1UBI", "-o", out, "--overwrite")
        assert (status, why in said) == (3, True)
    assert (folder / "mine").read_text() == "mine"
    assert pipe.is_fifo()
    assert device.is_char_device()


@pytest.mark.parametrize("way", ["itself", "hard link", "symbolic link", "spelling", "address"])
def test_an_input_is_never_replaced(tokenize, tmp_path, way):
    """Under whatever name, and also with --overwrite."""
    given = tmp_path / "given.parquet"
    shutil.copy(UBIQUITIN, given)
    out, source = given, str(given)
    if way == "hard link":
        out = tmp_path / "out.parquet"
        os.link(given, out)
    elif way == "symbolic link":
        out = tmp_path / "out.parquet"
        out.symlink_to(given)
    elif way == "spelling":
        (tmp_path / "more").mkdir()
        out = tmp_path / "more" / ".." / "given.parquet"
    elif way == "address":
        source = given.as_uri()
    before = content(tmp_path)
    status, said = tokenize(source, "-o", out, "--overwrite")
    assert (status, "one of the files to read" in said) == (3, True)
    assert content(tmp_path) == before
    status, _ = tokenize(tmp_path, "-o", out, "--overwrite")
    assert status == 3
    assert content(tmp_path) == before


@pytest.mark.slow
def test_what_comes_by_standard_input_is_not_replaced(tmp_path):
    """The file is known by what the shell opened."""
    given = tmp_path / "given.parquet"
    given.write_bytes(gzip.decompress(UBIQUITIN.read_bytes()))
    with given.open("rb") as stdin:
        done = ended("tokenize", "-", "-o", given, "--overwrite", stdin=stdin)
    assert (done.returncode, "one of the files to read" in done.stderr) == (3, True)
    assert given.read_bytes() == gzip.decompress(UBIQUITIN.read_bytes())


@pytest.mark.parametrize("linked", [False, True])
def test_the_encoders_checkpoint_is_never_replaced(tokenize, tmp_path, linked):
    """Not by its name, not through a hard link."""
    checkpoint = tmp_path / "weights.parquet"
    shutil.copy(MINI_FILE, checkpoint)
    out = checkpoint
    if linked:
        out = tmp_path / "out.parquet"
        os.link(checkpoint, out)
    status, said = tokenize("1UBI", "-o", out, "--encoder", checkpoint, "--overwrite")
    assert (status, "one of the files to read" in said) == (3, True)
    assert out.read_bytes() == MINI_FILE.read_bytes()


def test_a_file_that_comes_while_it_runs_is_not_replaced(tokenize, tmp_path, monkeypatch):
    """What is there is looked at once more at the end."""
    from esm_explore.tokens.chunks import ChunkedEncoder

    out, real = tmp_path / "x.parquet", ChunkedEncoder.prepare

    def prepare(self, chain):
        out.write_text("mine")
        return real(self, chain)

    monkeypatch.setattr(ChunkedEncoder, "prepare", prepare)
    assert tokenize("1UBI", "-o", out)[0] == 3
    assert content(tmp_path) == {out: b"mine"}


@pytest.mark.parametrize("name", mostly_slow(["x.parquet", "atlas"], "x.parquet"))
def test_an_output_within_the_directory_is_no_input_the_second_time(tokenize, structures, name):
    """Nothing failed: status 0, and the same rows; by a pattern as well."""
    (structures / "notes.txt").unlink()
    out = structures / name
    for given in (structures, structures, structures / "*"):
        status, said = tokenize(given, "-o", out)
        assert (status, "left out" in said) == (0, False), said
        assert "172 residues of 2 chains" in said


# Where the disk is full, and where a signal comes


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.parquet", "atlas"])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(tokenize, tmp_path, name):
    """A limit on the size of files stands for it: status 3, no traceback, no part."""
    out = tmp_path / name
    assert tokenize("1UBI", "-o", out)[0] == 0
    before = content(tmp_path)
    done = ended(
        *("tokenize", "1UBI", "2HT0", "-o", out),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000)),
    )
    assert done.returncode == 3
    assert re.fullmatch(r"error: .* could not be written .*\n", done.stderr.split("\r")[-1])
    assert content(tmp_path) == before


@pytest.mark.slow
def test_a_really_full_disk(tmp_path):
    """A file system of 64 kB, as far as this process may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (small / "mine").write_bytes(bytes(60_000))
        done = ended("tokenize", "2HT0", "-o", small / "x.parquet")
        assert (done.returncode, done.stderr.count("\n")) == (3, 1)
        assert "No space left" in done.stderr
        assert [path.name for path in small.iterdir()] == ["mine"]
    finally:
        subprocess.run(["umount", small], check=True)


def started(tmp_path, out):
    """Begin a run and wait until its second chain is at work."""
    sign = tmp_path / "sign"
    sign.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "tokenize", "1UBI", "1AS5", "-o", out, sign],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    limit = time.monotonic() + 120
    while not sign.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < limit
        time.sleep(0.05)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.parquet", "atlas"])
def test_sigterm_leaves_what_was_there_and_nothing_else(tokenize, tmp_path, name):
    """Status 143, as of all that SIGTERM ends; no traceback."""
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / name
    assert tokenize("1UBI", "-o", out)[0] == 0
    before = content(folder)
    process = started(tmp_path, out)
    assert any(path.name.startswith(UNFINISHED) for path in folder.iterdir())
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (143, False)
    assert content(folder) == before


@pytest.mark.slow
def test_after_sigkill_there_is_no_result_and_the_next_run_clears_up(tokenize, tmp_path):
    """What another run is writing at the same time stays."""
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "x.parquet"
    process = started(tmp_path, out)
    process.kill()
    process.communicate(timeout=60)
    (left,) = folder.iterdir()
    assert left.name.startswith(UNFINISHED)
    assert not out.exists()
    with unfinished(folder / "other") as alive:
        assert not left.exists()
        status, said = tokenize("1UBI", "-o", out)
        assert (status, alive.is_dir()) == (0, True), said
    assert list(folder.iterdir()) == [out]


def test_a_folder_that_was_moved_away_comes_back(tmp_path):
    """Killed between taking the old atlas away and putting the new one in its place."""
    atlas = tmp_path / "atlas"
    atlas.mkdir()
    (atlas / "old").touch()
    code = (
        "import os, sys; from pathlib import Path\n"
        "from esm_explore.outputs import put, unfinished\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "with unfinished(target := Path(sys.argv[1])) as folder:\n"
        "    (folder / 'new').mkdir(); put(folder / 'new', target)"
    )
    done = subprocess.run([sys.executable, "-c", code, atlas], env=ENVIRONMENT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not atlas.exists()
    with unfinished(tmp_path / "other"):
        pass
    assert [path.name for path in atlas.iterdir()] == ["old"]
    with unfinished(atlas) as folder:
        (folder / "new").mkdir()
        put(folder / "new", atlas)
    assert (list(tmp_path.iterdir()), list(atlas.iterdir())) == ([atlas], [])


@pytest.mark.slow
def test_names_and_folders_that_cannot_be_are_one_line(tmp_path):
    """Each with its status, without a traceback."""
    long, none = "a" * 300, tmp_path / "none" / "x.parquet"
    (tmp_path / "file").touch()
    for status, arguments in (
        (3, ("tokenize", "1UBI", "-o", tmp_path / f"{long}.parquet")),
        (3, ("tokenize", "1UBI", "-o", none)),
        (3, ("tokenize", "1UBI", "-o", tmp_path / "file" / "x.parquet")),
        (3, ("tokenize", "1UBI", "-o", "/proc/x.parquet")),
        (2, ("tokenize", "1UBI", "-o", tmp_path / "x.parquet", "--encoder", long)),
        (2, ("doctor", "1UBI", "--encoder", long)),
    ):
        done = ended(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (status, 1), done.stderr
        assert done.stderr.startswith("error: ")


@pytest.mark.slow
def test_a_report_that_cannot_be_written_is_one_line():
    """The doctor to a full disk."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "doctor", "1UBI"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert "could not be written" in done.stderr


def test_help_tells_the_statuses():
    """For scripts that go by them."""
    for verb in ("tokenize", "doctor"):
        said = " ".join(CliRunner().invoke(app, [verb, "--help"]).output.split())
        assert "Status: 0" in said
        assert re.search(r"3 if .* could not be written", said)


# Recipes, and the cache of downloads


def test_recipes_replace_nothing_of_others(tmp_path):
    """A structure is cut to a new file alone; codes replace an encoder of the same recipe alone."""
    target = tmp_path / "1ubi.bcif.gz"
    cut(UBIQUITIN, target)
    assert len(ex.read_chain(target)) == 76
    before = content(tmp_path)
    with pytest.raises(ex.ChainError, match="there already"):
        cut(UBIQUITIN, target)
    with pytest.raises(ex.EncoderError, match="no encoder of this recipe"):
        mini_codes.main(tmp_path / "data.npz", training=target, out=target)
    assert content(tmp_path) == before


def test_a_download_that_was_killed_is_cleared_away_by_the_next(tmp_path):
    """In the cache's folder, where it would stay for good."""
    left = tmp_path / f"{UNFINISHED}x"
    left.mkdir()
    (left / "1abc.bcif").write_bytes(b"half")
    downloads._keep(b"whole", tmp_path / "2abc.bcif")
    assert content(tmp_path) == {tmp_path / "2abc.bcif": b"whole"}


# What is shown

STEERS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


def test_printable_is_one_line_of_what_is_shown_as_it_is():
    """Letters of all scripts stay; the rest is written as Python writes it."""
    assert printable("Å é 水 a\tb\nc") == "Å é 水 a\\tb\\nc"
    assert not STEERS.search(printable(ESCAPE))
    assert printable("lat\udce9") == "lat\\xe9"
    assert printable(printable(ESCAPE)) == printable(ESCAPE)


def hostile(folder):
    """Write structures whose chain, block or own name would steer a terminal."""
    text = gzip.decompress(UBIQUITIN.read_bytes())
    (folder / f"name{ESCAPE}.bcif").write_bytes(text)
    (folder / f"broken{ESCAPE}.pdb").write_text("hello")
    atoms = "".join(
        f"ATOM {i} {name[0]} {name} . GLY {{chain}} 1 {r} ? {x} {y} {z} 1.0 0.0 {r} {{chain}} 1\n"
        for i, (r, name, x, y, z) in enumerate(
            (r, name, 3.8 * r + dx, dy, dz)
            for r in range(1, 6)
            for name, dx, dy, dz in (("N", 0, 0, 0), ("CA", 1.4, 0.3, 0.2), ("C", 2.4, 1.2, 0.1))
        )
    )
    fields = (
        *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id"),
        *("label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code"),
        *("Cartn_x", "Cartn_y", "Cartn_z", "occupancy", "B_iso_or_equiv"),
        *("auth_seq_id", "auth_asym_id", "pdbx_PDB_model_num"),
    )
    head = "".join(f"_atom_site.{field}\n" for field in fields)
    for block, chain in ((f"b{ESCAPE}", "A"), ("b", f"A{ESCAPE}")):
        path = folder / f"{len(list(folder.iterdir()))}.cif"
        path.write_text(f"data_{block}\nloop_\n{head}{atoms.format(chain=chain)}", encoding="utf-8")
    return sorted(folder.iterdir())


@pytest.mark.slow
def test_nothing_from_files_steers_the_terminal(tokenize, tmp_path):
    """Names of files and ids of chains: in results, failures, remarks, errors; the doctor too."""
    folder = tmp_path / f"folder{ESCAPE}"
    folder.mkdir()
    sources = hostile(folder)
    for arguments in (
        (folder, "-o", folder / f"{ESCAPE}.parquet"),
        (folder, "-o", folder / f"atlas{ESCAPE.replace('.', '')}", "--all-chains"),
        (folder, "-o", tmp_path / "x.parquet", "--chain", f"Z{ESCAPE}"),
        (folder, "-o", tmp_path / f"x{ESCAPE}.csv"),
        (folder, "-o", tmp_path / "y.parquet", "--encoder", f"none{ESCAPE}"),
    ):
        _, said = tokenize(*arguments)
        assert not STEERS.search(said), ascii(said)
        # A long name of an encoder is shown in short.
        assert "owned" in said or "'none" in said
    manifest = next(folder.glob("atlas*")) / "manifest.json"
    assert not STEERS.search(json.dumps(json.loads(manifest.read_text()), ensure_ascii=False))
    for source in sources:
        _, said = tokenize(source, verb="doctor")
        assert not STEERS.search(said), ascii(said)
    _, said = tokenize(sources[0], "--encoder", f"none{ESCAPE}", verb="doctor")
    assert not STEERS.search(said)
