"""`esm-explore`: what it is given and says, and its status; nothing that fails is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

import esm_explore as ex
from esm_explore.cli import app
from esm_explore.encoders import loading
from esm_explore.tokens.chunks import ChunkedEncoder


@pytest.fixture(autouse=True)
def toy_for_mini(monkeypatch, toy_encoder, request):
    """Loading the encoder is tested elsewhere."""
    monkeypatch.chdir(request.config.rootpath)
    real = loading.load_encoder

    def load(source, device):
        return toy_encoder if source == "mini" else real(source, device=device)

    monkeypatch.setattr(loading, "load_encoder", load)


def content(folder):
    """Give all files in a folder, with what is in them."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(*arguments):
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["tokenize", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_a_directory_becomes_one_table(structures, tmp_path, toy_encoder):
    """The first chain of each file; what was chosen and which encoder it was are said."""
    (structures / "notes.txt").unlink()
    out = tmp_path / "tokens.parquet"
    status, said = run(structures, "-o", out)
    assert status == 0
    assert [len(rows) for _, rows in pd.read_parquet(out).groupby("file", sort=False)] == [76, 96]
    assert "172 residues of 2 chains" in said
    assert ex.encoder_info(toy_encoder).title in said
    assert "the first of the protein chains" in said


@pytest.mark.slow
def test_a_folder_becomes_an_atlas(structures, tmp_path):
    """With a name that does not end in .parquet; what failed stands in its manifest."""
    (structures / "broken.pdb").write_text("hello")
    out = tmp_path / "atlas"
    status, said = run(structures, "-o", out, "--all-chains")
    assert status == 1
    assert f"265 residues of 3 chains to {out}" in said
    assert len(pd.read_parquet(out / "residues")) == 265
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["counts"] == {"residues": 265, "chains": 3}
    failed = {failure["file"] for failure in manifest["failures"]}
    assert failed == {str(structures / name) for name in ("broken.pdb", "notes.txt")}


@pytest.mark.slow
def test_all_chains_a_chain_patterns_and_names(structures, tmp_path):
    """2HT0 has protein chains A and B (and DNA); the same file twice is read once."""
    out = tmp_path / "tokens.parquet"
    pattern = structures / "more" / "*.bcif"
    status, _ = run(pattern, structures / "more" / "a.bcif", "-o", out, "--all-chains")
    assert status == 0
    assert pd.read_parquet(out).groupby("chain").size().to_dict() == {"A": 96, "B": 93}
    status, _ = run(pattern, "-o", out, "--chain", "B")
    assert (status, len(pd.read_parquet(out))) == (0, 93)
    status, _ = run("1AS5", "-o", out)
    assert (status, len(pd.read_parquet(out))) == (0, len(ex.read_chain("1AS5")))


def test_what_fails_is_named_and_the_rest_is_written(structures, tmp_path):
    """A broken file, a missing one, an empty pattern, two CA in one place; no such chain."""
    (structures / "broken.pdb").write_text("hello")
    lines = [
        f"ATOM  {3 * r + i + 1:5d}  {name:3s} GLY A{r + 1:4d}    {x:8.3f}{y:8.3f}{0:8.3f}"
        f"  1.00  0.00           {name[0]}"
        for r, places in enumerate([(0, 1.4, 2.5), (0.2, 1.4, 2.9)])
        for i, (name, x, y) in enumerate(zip(("N", "CA", "C"), places, (0, 0, 1), strict=True))
    ]
    (structures / "doubled.pdb").write_text("\n".join([*lines, "END", ""]))
    out = tmp_path / "tokens.parquet"
    status, said = run(structures, "none.pdb", tmp_path / "x*.cif", "-o", out, "--all-chains")
    assert status == 1
    assert "5 not tokenized" in said
    for part in ("broken.pdb", "none.pdb", "x*.cif", "doubled.pdb", "at the same place", "notes"):
        assert part in said, part
    assert len(pd.read_parquet(out)) == 76 + 96 + 93
    status, said = run(structures / "1ubi.bcif.gz", "-o", out, "--chain", "Z")
    assert status == 2
    assert "'Z' is not a protein chain" in said
    assert "nothing to write" in said
    assert len(pd.read_parquet(out)) == 76 + 96 + 93


@pytest.mark.parametrize("name", ["tokens.parquet", "atlas"])
def test_a_run_that_breaks_off_leaves_what_was_there(structures, tmp_path, monkeypatch, name):
    """Interrupted while the second file is encoded: the old one stays, and no part of a new."""
    out = tmp_path / name
    assert run("1UBI", "-o", out)[0] == 0
    before = content(tmp_path)
    real, calls = ChunkedEncoder.prepare, []

    def prepare(self, chain):
        calls.append(chain)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, chain)

    monkeypatch.setattr(ChunkedEncoder, "prepare", prepare)
    status, _ = run(structures, "-o", out)
    assert status == 130
    assert content(tmp_path) == before


def test_what_cannot_start(tmp_path):
    """An unknown encoder or option, no directory to write to, two ways to choose chains."""
    out = tmp_path / "tokens.parquet"
    assert run("1UBI", "-o", out, "--encoder", "maxi")[0] == 2
    status, said = run("1UBI", "-o", out, "--numbering", "author")
    assert (status, "it can be: file, sequential" in said) == (2, True)
    assert run("1UBI", "-o", tmp_path / "none" / "t.parquet")[0] == 3
    assert run("1UBI", "-o", out, "--chain", "A", "--all-chains")[0] == 2
    assert not out.exists()


def test_odd_names_and_dangling_links_are_rows_not_crashes(structures, tmp_path):
    """A name that is not UTF-8 is tokenized and written escaped; a dead link is a failure."""
    odd = os.fsencode(structures) + b"/lat\xe91.bcif.gz"
    shutil.copy(structures / "1ubi.bcif.gz", os.fsdecode(odd))
    (structures / "1ubi.bcif.gz").unlink()
    (structures / "dead.pdb").symlink_to("nowhere.pdb")
    (structures / os.fsdecode(b"bad\xe9.pdb")).write_text("hello")
    out = tmp_path / "o[red]7.parquet"
    status, said = run(structures, "-o", out)
    assert status == 1
    assert "dead.pdb" in said
    assert r"bad\xe9.pdb" in said
    assert "o[red]7.parquet" in said.replace("\n", "")
    names = pd.read_parquet(out)["file"].unique()
    assert any(name.endswith(r"lat\xe91.bcif.gz") for name in names)
    status, _ = run(tmp_path / "struct*", "-o", out)
    assert status == 1
    assert set(pd.read_parquet(out)["file"]) == set(names)


def test_an_output_that_would_destroy_something_is_refused(structures, tmp_path):
    """An input, a folder of other things, a device; a link is followed, not replaced."""
    source = structures / "1ubi.bcif.gz"
    named = shutil.copy(source, tmp_path / "named.parquet")
    before = content(tmp_path)
    for out, why in (
        (named, "one of the files to read"),
        (source, "not a file that could be replaced"),
        (structures, "holds what is not of an atlas (1ubi.bcif.gz, more, notes.txt)"),
        ("/dev/null", "not a file that could be replaced"),
    ):
        status, said = run(source, named, "-o", out)
        assert status == 3
        assert why in said
    assert content(tmp_path) == before
    link = tmp_path / "link.parquet"
    link.symlink_to(tmp_path / "target.parquet")
    assert run(source, "-o", link)[0] == 0
    assert link.is_symlink()
    assert len(pd.read_parquet(tmp_path / "target.parquet")) == 76


def test_a_table_of_another_ending_and_the_folder_one_is_in_are_refused(tmp_path, monkeypatch):
    """`x.csv` would be a folder of that name; replacing `.` would pull it from under the shell."""
    monkeypatch.chdir(tmp_path)
    status, said = run("1UBI", "-o", "x.csv")
    assert (status, "would be a folder" in said) == (3, True)
    status, said = run("1UBI", "-o", ".")
    assert (status, "is where you are" in said) == (3, True)
    assert list(tmp_path.iterdir()) == []


def test_help_does_not_wait_for_torch():
    """Nor for esm, pandas or pyarrow: they take seconds."""
    code = (
        "import sys, esm_explore.cli as _; "
        "print({'torch', 'esm', 'pandas', 'pyarrow'} & {*sys.modules})"
    )
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "set()"
