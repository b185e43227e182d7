"""`build_atlas(client=...)`: a cluster makes the same rows, also where workers die."""

from __future__ import annotations

import os
import signal
import threading

import pyarrow.parquet as pq
import pytest
import torch
from test_atlas_going_on import SOURCES, arrays, content

import esm_explore as ex
from esm_explore.atlas import building, pieces, workers
from esm_explore.errors import TraceError


@pytest.fixture
def one_thread():
    """As many as a worker has: sums of other threads end on other bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::esm_explore.errors.ChainWarning")
def test_two_workers_of_which_one_is_killed_make_the_same_files(
    toy_encoder, tmp_path, monkeypatch, one_thread
):
    """SIGKILL midway: what it was at is done by the other; order, failures and bytes are alike."""
    import numpy as np

    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(building, "_GROUP", 60)
    monkeypatch.setattr(pieces, "_TOGETHER", 1)
    np.savez(tmp_path / "chains.npz", **arrays())
    monkeypatch.chdir(tmp_path)
    sources = [*SOURCES, "chains.npz"]
    ex.build_atlas(toy_encoder, sources, "whole")
    real, killed = pq.write_table, []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())

        def write_table(*args, **options):
            if not killed:
                killed.append(pids[0])
                os.kill(pids[0], signal.SIGKILL)
            return real(*args, **options)

        monkeypatch.setattr(pq, "write_table", write_table)
        atlas = ex.build_atlas(toy_encoder, sources, "shared", client=client)
    assert killed
    assert content(tmp_path / "shared") == content(tmp_path / "whole")
    assert [one["file"] for one in atlas.manifest["failures"]] == ["none.pdb"]
    assert len(atlas.residues()) == 300 + 172


def test_what_is_no_client_is_refused(toy_encoder, tmp_path):
    """An address, for one: who has a cluster makes a client of it."""
    for given in ("tcp://127.0.0.1:8786", 5):
        with pytest.raises(TraceError, match=r"client is .*it has to be a dask.distributed.Client"):
            ex.build_atlas(toy_encoder, "1UBI", tmp_path / "atlas", client=given)
    assert list(tmp_path.iterdir()) == []


def test_tasks_are_cut_at_the_same_places_wherever_a_build_broke_off(monkeypatch):
    """So that rows have the same bits."""
    monkeypatch.setattr(pieces, "_TOGETHER", 3)
    items = list(range(8))
    assert list(pieces.tasks_of(items, 0)) == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert list(pieces.tasks_of(items, 4)) == [[4, 5], [6, 7]]
    assert list(pieces.tasks_of(items, 8)) == []


def test_one_process_encodes_one_task_at_a_time(toy_encoder, tmp_path):
    """Torch has threads of its own; sources are named as from the folder of the build."""
    plugin = workers._Encoding(None, str(tmp_path))
    plugin.setup(None)
    seen = []

    def pieces_of(run, items, least, tick):
        assert plugin.lock.locked()
        seen.append(os.getcwd())
        return iter(())

    before = os.getcwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "pieces_of", pieces_of)
        threads = [threading.Thread(target=plugin.pieces, args=([], 1)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [str(tmp_path)] * 3
    assert os.getcwd() == before
