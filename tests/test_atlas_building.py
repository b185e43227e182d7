"""The one writer: sources become a table of residues, or an atlas, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import with_positions

import esm_explore as ex
from esm_explore.atlas import building
from esm_explore.atlas.building import build
from esm_explore.atlas.origin import Report
from esm_explore.chains import structure
from esm_explore.errors import AtlasError
from esm_explore.tokens.chunks import ChunkedEncoder

COLUMNS = {
    "file": "string",
    "structure": "string",
    "chain": "string",
    "index": "int32",
    "number": "int64",
    "insertion_code": "string",
    "name": "string",
    "amino_acid": "string",
    "ss": "string",
    "ss_from": "string",
    "phi": "float",
    "psi": "float",
    "burial": "int16",
    "has_frame": "bool",
    "token": "int64",
    "margin": "float",
    "runner_up": "int64",
    "latent": "list<element: halffloat>",
    "backbone": "fixed_size_list<element: float>[9]",
    "neighbors": "list<element: int32>",
    "encoder": "string",
}


@pytest.fixture
def encoded(toy_encoder):
    """Build something from sources with the toy encoder; gives the report."""

    def run(sources, out, **options):
        report = Report()
        build(ChunkedEncoder(toy_encoder), list(map(str, sources)), out, report, **options)
        return report

    return run


def content(folder):
    """Give all files in a folder, with what is in them."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_table_has_one_row_a_residue(encoded, tmp_path, toy_encoder):
    """Of each source the first chain, in their order; tokens are those of a trace."""
    out = tmp_path / "tokens.parquet"
    report = encoded(["1UBI", "2HT0"], out)
    assert (report.n_residues, report.n_chains, report.failures) == (172, 2, [])
    schema = pq.read_schema(out)
    assert dict(zip(schema.names, map(str, schema.types), strict=True)) == COLUMNS
    table = pd.read_parquet(out)
    assert [len(rows) for _, rows in table.groupby("file", sort=False)] == [76, 96]
    trace = ex.trace(toy_encoder, ex.read_chain("1UBI"))
    np.testing.assert_array_equal(table["token"][:76], trace.tokens)
    np.testing.assert_array_equal(table["number"][:76], np.arange(1, 77))
    assert table["name"][0] == "MET"
    assert table["has_frame"].all()
    info = trace.encoder_info
    assert set(table["encoder"]) == {info.title}
    about = {key: value.decode() for key, value in schema.metadata.items()}
    assert about[b"esm_explore.encoder"] == repr(info)
    assert about[b"esm_explore.digest"] == info.digest
    assert about[b"esm_explore.schema"] == "3"


def test_rows_hold_what_is_known_of_a_residue(encoded, tmp_path, toy_encoder):
    """Latents, neighborhoods and runner-ups are those of a trace; the rest is of the chain."""
    encoded(["4AKE"], tmp_path / "tokens.parquet")
    table = pq.read_table(tmp_path / "tokens.parquet")
    chain = ex.read_chain("4AKE")
    trace = ex.trace(toy_encoder, chain)
    np.testing.assert_array_equal(table["index"], np.arange(len(chain)))
    np.testing.assert_array_equal(table["neighbors"].to_pylist(), trace.edges)
    latents = np.array(table["latent"].to_pylist())
    np.testing.assert_allclose(latents, trace.pre_vq, atol=2e-3)
    backbone = np.array(table["backbone"].to_pylist()).reshape(-1, 3, 3)
    np.testing.assert_array_equal(backbone, chain.atom37_positions[:, :3])
    np.testing.assert_array_equal(table["runner_up"], trace.nearest.codes[:, 1])
    known = ex.analysis.annotate(chain)
    np.testing.assert_array_equal(table["burial"], known["burial"])
    words = known["secondary_structure"].map({"helix": "H", "strand": "E", "coil": "C"})
    assert table["ss"].to_pylist() == words.tolist()
    assert set(table["ss_from"].to_pylist()) == {"P-SEA"}
    assert "".join(table["amino_acid"].to_pylist()) == chain.sequence
    # Made with biotite's own function for whole chains.
    phi, psi = table["phi"].to_numpy(), table["psi"].to_numpy()
    assert np.isnan(phi).nonzero()[0].tolist() == [0]
    assert np.isnan(psi).nonzero()[0].tolist() == [len(chain) - 1]
    helix = (table["ss"].to_numpy() == "H")[1:-1]
    assert abs(np.median(phi[1:-1][helix]) + 63) < 5
    assert abs(np.median(psi[1:-1][helix]) + 42) < 5


def test_residues_without_a_frame_have_no_neighborhood_and_gaps_no_angles(encoded, tmp_path):
    """6MSM's kind of chain: breaks and missing atoms; nothing is made up for them."""
    path = tmp_path / "gap.pdb"
    chain = ex.read_chain("1UBI")
    positions = chain.atom37_positions.copy()
    positions[9, 2] = np.nan
    whole = with_positions(chain, positions)
    whole[[*range(30), *range(34, 76)]].to_pdb(path)
    encoded([path], tmp_path / "tokens.parquet")
    table = pd.read_parquet(tmp_path / "tokens.parquet")
    assert (~table["has_frame"]).to_numpy().nonzero()[0].tolist() == [9]
    assert table["neighbors"].map(len).value_counts().to_dict() == {16: 71, 0: 1}
    assert table["phi"].isna().to_numpy().nonzero()[0].tolist() == [0, 9, 10, 30]
    assert table["psi"].isna().to_numpy().nonzero()[0].tolist() == [9, 29, 71]


@pytest.mark.slow
def test_an_atlas_has_the_rows_of_the_table_and_says_what_it_is(
    encoded, tmp_path, toy_encoder, monkeypatch
):
    """In parts of whole chains, in order; manifest.json tells encoder, settings and failures."""
    monkeypatch.setattr(building, "_GROUP", 100)
    sources, out = ["1UBI", "2HT0", "none.pdb", "1AS5"], tmp_path / "atlas"
    encoded(sources, tmp_path / "tokens.parquet")
    encoded(sources, out)
    parts = sorted(path.name for path in (out / "residues").iterdir())
    assert parts == ["part-00000.parquet", "part-00001.parquet"]
    assert [len(pd.read_parquet(out / "residues" / part)) for part in parts] == [172, 24]
    both = pq.read_table(out / "residues"), pq.read_table(tmp_path / "tokens.parquet")
    assert both[0].equals(both[1])
    info = ex.encoder_info(toy_encoder)
    about = json.loads((out / "manifest.json").read_text())
    assert about.pop("versions").keys() == {"esm_explore", "esm"}
    (remark,) = about.pop("remarks")  # 2HT0 and 1AS5 have several chains or models
    assert "the first of" in remark
    for name in (
        *("categories", "background", "expected", "correlation", "burial", "contact_order"),
        *("least", "framed", "dssp", "threedi", "threedi_by_ss", "perplexity", "families"),
    ):
        assert name in about
        del about[name]
    said = "There is no file none.pdb: check its name, and its folder."
    assert about == {
        "format": "esm_explore atlas 3",
        "encoder": {"title": info.title, "digest": info.digest, "n_codes": 512},
        "numbering": "file",
        "dtype": "float32",
        "counts": {"residues": 196, "chains": 3},
        "failures": [{"file": "none.pdb", "chain": "", "why": said}],
        "parts": {"part-00000.parquet": 172, "part-00001.parquet": 24},
    }
    assert pq.read_schema(out / "residues" / parts[1]).metadata[b"esm_explore.schema"] == b"3"


def test_an_empty_folder_or_an_atlas_is_replaced_and_nothing_else(encoded, tmp_path):
    """Neither a folder of other things, nor an atlas with other things in it, nor a file."""
    out = tmp_path / "tokens.parquet"
    out.mkdir()
    encoded(["1UBI"], out)
    encoded(["1AS5"], out)
    assert len(pd.read_parquet(out / "residues")) == 24
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.parquet"]
    for name in ("notes.txt", "residues/notes.txt"):
        (out / name).write_text("mine")
        before = content(tmp_path)
        with pytest.raises(AtlasError, match=rf"not of an atlas \({name}\), and is left"):
            encoded(["1UBI"], out)
        assert content(tmp_path) == before
        (out / name).unlink()
    for text in ("{}", "[]", "hello", '{"format": "esm_explore trace 3"}', '{"format": 1}'):
        (out / "manifest.json").write_text(text)
        with pytest.raises(AtlasError, match=r"not of an atlas \(codes, manifest.json, residues\)"):
            encoded(["1UBI"], out)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(AtlasError, match="no folder, and no file that ends in .parquet"):
        encoded(["1UBI"], tmp_path / "file")
    with pytest.raises(AtlasError, match="no directory .*none"):
        encoded(["1UBI"], tmp_path / "none" / "atlas")
    with pytest.raises(AtlasError, match="cannot be written to .*too long"):
        encoded(["1UBI"], tmp_path / ("a" * 300))


def test_all_chains_of_a_source_cost_one_parse(encoded, tmp_path, monkeypatch):
    """2HT0 has A and B; a chain that cannot be encoded is a failure of its own."""
    parsed, real_read, real_prepare = [], structure.read_model, ChunkedEncoder.prepare

    def read_model(path, model=1):
        parsed.append(path)
        return real_read(path, model)

    def prepare(self, chain):
        if chain.chain_id == "A":
            raise ValueError("odd")
        return real_prepare(self, chain)

    monkeypatch.setattr(structure, "read_model", read_model)
    report = encoded(["2HT0"], tmp_path / "tokens.parquet", all_chains=True)
    assert (report.n_chains, report.n_residues, len(parsed)) == (2, 189, 1)
    monkeypatch.setattr(ChunkedEncoder, "prepare", prepare)
    report = encoded(["2HT0"], tmp_path / "tokens.parquet", all_chains=True)
    assert report.failures == [("2HT0", "A", "ValueError: odd")]
    assert report.n_residues == 93


@pytest.mark.parametrize("name", ["tokens.parquet", "atlas"])
def test_what_was_there_stays_where_nothing_was_tokenized(encoded, tmp_path, name):
    """No new one either."""
    assert encoded(["none.pdb"], tmp_path / name).n_chains == 0
    assert list(tmp_path.iterdir()) == []
    encoded(["1UBI"], tmp_path / name)
    before = content(tmp_path)
    assert len(encoded(["none.pdb"], tmp_path / name).failures) == 1
    assert content(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tokens.parquet", "atlas"])
@pytest.mark.parametrize("error", [OSError("no space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", ["while writing", "while moving"])
def test_what_breaks_off_leaves_what_was_there(encoded, tmp_path, monkeypatch, name, error, at):
    """A full disk, or Ctrl-C, also between taking the old one away and putting the new one in."""
    out = tmp_path / name
    encoded(["1UBI"], out)
    before = content(tmp_path)

    def fail(*_, **__):
        raise error

    if at == "while writing":
        monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises((AtlasError, KeyboardInterrupt), match="could not be written .*no space|^$"):
        encoded(["1AS5"], out)
    assert content(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.slow
def test_files_are_readable_by_those_whom_the_umask_lets(encoded, tmp_path):
    """The temporary folder beside is nobody else's; what is moved out of it is not."""
    expected = tmp_path / "plain"
    expected.mkdir()
    (expected / "file").touch()
    encoded(["1UBI"], tmp_path / "atlas")
    encoded(["1UBI"], tmp_path / "tokens.parquet")
    modes = {path: path.stat().st_mode for path in tmp_path.rglob("*")}
    folders = {mode for path, mode in modes.items() if path.is_dir()}
    assert folders == {modes[expected]}
    assert {mode for path, mode in modes.items() if path.is_file()} == {modes[expected / "file"]}
