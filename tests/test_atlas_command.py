"""`esm-explore atlas build`: what it is given and says, and its status."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import esm_explore as ex
from esm_explore.cli import app
from esm_explore.encoders import loading
from esm_explore.tokens.chunks import ChunkedEncoder


@pytest.fixture(autouse=True)
def toy_for_mini(monkeypatch, toy_encoder):
    """Loading the encoder is tested elsewhere."""
    monkeypatch.setattr(loading, "load_encoder", lambda source, device: toy_encoder)


def run(*arguments):
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["atlas", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_a_folder_of_structures_becomes_an_atlas(structures, tmp_path, toy_encoder):
    """What cannot be read is named, and is in the manifest; the rest is there to be asked."""
    (structures / "broken.pdb").write_text("hello")
    out = tmp_path / "atlas"
    status, said = run("build", structures, "none.pdb", "-o", out, "--all-chains")
    assert status == 1
    assert f"265 residues of 3 chains to {out}" in said
    assert "3 not tokenized" in said
    assert ex.encoder_info(toy_encoder).title in said
    atlas = ex.open_atlas(out)
    assert len(atlas.residues()) == 265
    assert len(atlas.manifest["failures"]) == 3
    (structures / "broken.pdb").unlink()
    (structures / "notes.txt").unlink()
    assert run("build", structures, "-o", out)[0] == 0
    assert json.loads((out / "manifest.json").read_text())["counts"]["chains"] == 2


@pytest.mark.slow
def test_the_same_rows_as_tokenize(structures, tmp_path):
    """One writer, one schema: parts, codes and manifest are equal."""
    (structures / "notes.txt").unlink()
    run("build", structures, "-o", tmp_path / "built")
    command = ["tokenize", str(structures), "-o", str(tmp_path / "tokenized")]
    assert CliRunner().invoke(app, command).exit_code == 0
    files = sorted(p.relative_to(tmp_path / "built") for p in (tmp_path / "built").rglob("*.*"))
    assert [str(path) for path in files] == [
        *("codes/codes.parquet", "codes/families.parquet"),
        *("manifest.json", "residues/part-00000.parquet"),
    ]
    for path in (files[0], files[1], files[3]):
        both = [pq.read_table(tmp_path / name / path) for name in ("built", "tokenized")]
        assert both[0].equals(both[1])
    built, tokenized = ((tmp_path / name / files[2]).read_text() for name in ("built", "tokenized"))
    assert built == tokenized


def test_what_was_interrupted_goes_on_and_tokenize_leaves_it_alone(
    structures, tmp_path, monkeypatch
):
    """Status 130; `tokenize` does not replace what is half done; the same command ends it."""
    from esm_explore.atlas import building

    (structures / "notes.txt").unlink()
    monkeypatch.setattr(building, "_GROUP", 50)
    out, real, calls = tmp_path / "atlas", ChunkedEncoder.prepare, []

    def prepare(self, chain):
        calls.append(chain)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, chain)

    monkeypatch.setattr(ChunkedEncoder, "prepare", prepare)
    assert run("build", structures, "-o", out)[0] == 130
    refused = CliRunner().invoke(app, ["tokenize", "1UBI", "-o", str(out)])
    assert refused.exit_code == 3
    assert "what is not of an atlas (building)" in " ".join(refused.output.split())
    assert run("build", structures, "-o", out)[0] == 0
    assert len(calls) == 3
    assert len(ex.open_atlas(out).residues()) == 172


def test_what_cannot_start(structures, tmp_path):
    """A table, a folder of other things, nothing to tokenize; nothing is left behind."""
    before = sorted(tmp_path.rglob("*"))
    assert run("build", "1UBI", "-o", tmp_path / "atlas.parquet")[0] == 3
    status, said = run("build", "1UBI", "-o", structures)
    assert (status, "holds what is not of an atlas" in said) == (3, True)
    status, said = run("build", "none.pdb", "-o", tmp_path / "atlas")
    assert (status, "nothing to write" in said) == (2, True)
    assert sorted(tmp_path.rglob("*")) == before
    assert "build" in run("--help")[1]
