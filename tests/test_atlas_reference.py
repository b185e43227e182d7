"""`esm-explore atlas reference`: what it costs is said before anything is fetched."""

from __future__ import annotations

import re

import pytest
import requests
from typer.testing import CliRunner

import esm_explore as ex
from esm_explore.atlas import reference
from esm_explore.cli import app
from esm_explore.sources.id_lists import read_id_list


def test_the_list_of_chains_is_whole():
    """11,690 chains of 11,275 entries, each once, all of them ids."""
    ids, others = read_id_list(str(reference.CHAINS))
    assert (len(ids), len(set(ids)), others) == (11_690, 11_690, [])
    assert len({name.partition("_")[0] for name in ids}) == 11_275


@pytest.mark.slow
def test_costs_are_said_and_asked_about(tmp_path, monkeypatch):
    """Download, hours and disk; without a yes nothing is fetched, and nothing is written."""
    monkeypatch.setenv("ESM_EXPLORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(requests, "get", lambda *_, **__: pytest.fail("a request was made"))
    command = ["atlas", "reference", "-o", str(tmp_path / "atlas"), "--encoder", "mini"]
    for answer in ("n\n", ""):
        done = CliRunner().invoke(app, command, input=answer)
        assert done.exit_code in (1, 2)
        assert "11,690 chains of 11,275 entries of the PDB" in done.output
        assert "download: 11,275 entries, about 4.5 GB, which stay in" in done.output
        assert re.search(r"time: about \d+\.\d hours of encoding on this machine", done.output)
        assert re.search(r"disk: about 0.8 GB, and 1.5 GB for the index .* free", done.output)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_yes_builds_it(tmp_path, monkeypatch):
    """What is in the cache, or bundled, is not counted; with --yes nobody is asked."""
    cache = tmp_path / "cache" / "pdb"
    cache.mkdir(parents=True)
    (cache / "12as.bcif").write_text("")
    monkeypatch.setenv("ESM_EXPLORE_CACHE", str(tmp_path / "cache"))
    chains = tmp_path / "chains.txt"
    chains.write_text("# two\n1UBI_A\n1AS5_A\n12AS_A\n")
    monkeypatch.setattr(reference, "CHAINS", chains)
    (cache / "12as.bcif").write_text("not a structure")
    command = ["atlas", "reference", "-o", str(tmp_path / "atlas"), "--encoder", "mini", "--yes"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1, done.output  # 12AS cannot be read
    assert "3 chains of 3 entries" in done.output
    assert "download: 2 entries" in done.output
    assert len(ex.open_atlas(tmp_path / "atlas").residues()) == 100


@pytest.mark.slow
def test_it_runs_to_its_end_beside_a_service_that_is_busy(tmp_path, monkeypatch, service):
    """Costs are said before the first request; what is not there is listed, and a second time
    nothing is fetched.
    """
    chains = tmp_path / "chains.txt"
    names = [f"9as{i}" for i in "0123456789ab"]
    chains.write_text("\n".join(f"{name}_A" for name in [*names, "9bus", "9not"]))
    monkeypatch.setattr(reference, "CHAINS", chains)
    said_first = []
    real = reference.costs

    def costs(run, out):
        said_first.append((list(service.asked), real(run, out)))
        return said_first[-1][1]

    monkeypatch.setattr(reference, "costs", costs)
    command = ["atlas", "reference", "-o", str(tmp_path / "atlas"), "--encoder", "mini"]
    done = CliRunner().invoke(app, command, input="y\n")
    assert done.exit_code == 1, done.output  # 9not is not there
    (asked, lines), *_ = said_first
    assert asked == []
    assert "14 chains of 14 entries" in lines[0]
    assert "download: 14 entries" in lines[1]
    assert sorted(set(service.asked)) == sorted([*names, "9bus", "9not"])
    atlas = ex.open_atlas(tmp_path / "atlas")
    assert atlas.residues()["file"].unique().tolist() == [f"{name}_A" for name in [*names, "9bus"]]
    assert len(atlas.residues()) == 13 * 24
    (failure,) = atlas.manifest["failures"]
    assert failure["file"] == "9not_A"
    service.asked.clear()
    assert CliRunner().invoke(app, [*command, "--yes"]).exit_code == 1
    assert set(service.asked) == {"9not"}
    assert "download: 1 entries" in said_first[1][1][1]
