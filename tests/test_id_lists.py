"""Lists of ids: fetched a few at a time, each once, and asked for again where a service is busy."""

from __future__ import annotations

import pytest
import requests

import esm_explore as ex
from esm_explore.atlas import pieces
from esm_explore.sources import fetching
from esm_explore.sources.directories import find_sources
from esm_explore.sources.id_lists import read_id_list


def test_a_list_has_an_id_on_each_line(tmp_path):
    """Ids of entries, chains and models, with remarks; other lines are named, other files are not
    lists.
    """
    path = tmp_path / "ids.txt"
    path.write_text("# mine\n1UBI\n1as5_A  # a chain\n\nAF-P69905\nP69905\nhello\n")
    ids, others = read_id_list(str(path))
    assert ids == ["1UBI", "1as5_A", "AF-P69905", "P69905"]
    assert others[0].startswith("line 7, 'hello', is no id of the PDB")
    failures = []
    assert find_sources([str(path), "1UBI"], failures) == ids
    assert failures == [(str(path), "", others[0])]
    for name, text in (("notes.txt", b"not ids\n"), ("x.cif", b"1UBI\n"), ("b.txt", b"\xff\xfe")):
        (tmp_path / name).write_bytes(text)
        assert read_id_list(str(tmp_path / name)) is None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::esm_explore.errors.ChainWarning")
def test_ids_are_fetched_a_few_at_a_time_each_once(toy_encoder, tmp_path, service, monkeypatch):
    """Never more than four connections; a build that goes on, or a second one, asks for nothing;
    what is not there is listed.
    """
    monkeypatch.setattr(pieces, "_TOGETHER", 4)
    names = [f"9as{i}" for i in range(10)]
    path = tmp_path / "ids.txt"
    path.write_text("\n".join([*names[:5], "9not", *(f"{name}_A" for name in names[5:]), "1UBI_A"]))
    atlas = ex.build_atlas(toy_encoder, path, tmp_path / "atlas")
    assert 2 <= service.most <= 4
    assert sorted(set(service.asked)) == sorted([*names, "9not"])
    assert all(service.asked.count(name) == 1 for name in names)
    rows = atlas.residues()
    # Each in the order of the list, with the chain that was named.
    found = rows["file"].unique().tolist()
    assert found == [*names[:5], *(f"{name}_A" for name in names[5:]), "1UBI_A"]
    assert len(rows) == 10 * 24 + 76
    (failure,) = atlas.manifest["failures"]
    assert failure["file"] == "9not"
    assert "is not in the database: check the id" in failure["why"]
    monkeypatch.setattr(requests, "get", lambda *_, **__: pytest.fail("a request was made"))
    path.write_text("\n".join(names))
    assert len(ex.build_atlas(toy_encoder, path, tmp_path / "again").residues()) == 240


def test_a_busy_service_is_asked_again_later(toy_encoder, tmp_path, service):
    """After what it says; whoever reads the file finds it in the cache."""
    path = tmp_path / "ids.txt"
    path.write_text("9bus\n")
    assert len(ex.build_atlas(toy_encoder, path, tmp_path / "atlas").residues()) == 24
    assert service.asked == ["9bus"] * 3


def test_what_is_here_is_not_fetched(tmp_path, monkeypatch):
    """Files, bundled examples, and what is no id."""
    (tmp_path / "9ubi").write_text("")
    monkeypatch.chdir(tmp_path)
    for source in ("9ubi", "1UBI", "1UBI_A", "models/*.cif", "https://example.org/9ubi.cif"):
        assert fetching._id_of(source) is None
    assert [fetching._id_of(text) for text in ("8abc", "8abc_B", "AF-P69905")] == [
        *("8ABC", "8ABC", "AF-P69905")
    ]


def test_without_a_cache_nothing_is_fetched_twice_for_long(tmp_path, service, monkeypatch):
    """It ends at the first file that could not be kept."""
    monkeypatch.setenv("ESM_EXPLORE_CACHE", "/proc/none")
    tasks = [[f"9as{i}"] for i in range(9)]
    assert list(fetching.fetched_ahead(tasks, lambda task: task)) == tasks
    assert len(service.asked) < 9
