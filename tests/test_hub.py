"""ESM3's weights through the real download code, against a hub of our own on loopback."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants, file_download, try_to_load_from_cache
from huggingface_hub.utils import reset_sessions

import esm_explore as ex
from esm_explore.encoders import hub
from esm_explore.encoders.untrained import untrained_encoder

COMMIT = "0" * 40


def put_in_cache(cache: Path, repository: str, weights: dict) -> Path:
    """Write weights where the hub's library keeps downloads."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    path = folder / "snapshots" / COMMIT / hub.FILE
    path.parent.mkdir(parents=True)
    torch.save(weights, path)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    return path


@pytest.fixture(scope="module")
def weights() -> dict:
    """A full-size random checkpoint in the layout of esm3_structure_encoder_v0.pth."""
    return untrained_encoder().state_dict()


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    # The hub's library keeps a session, with what was set when it was made.
    reset_sessions()
    yield tmp_path / "hub"
    reset_sessions()


@pytest.mark.lines
@pytest.mark.parametrize("repository", hub.REPOSITORIES)
def test_a_cached_snapshot_is_used_without_any_request(cache, weights, repository, monkeypatch):
    """Of either repository; the encoder is called by the weights' name."""
    put_in_cache(cache, repository, weights)
    monkeypatch.setattr(hub, "hf_hub_download", lambda *_, **__: pytest.fail("a request was made"))
    encoder = ex.load_encoder("esm3")
    assert ex.encoder_info(encoder).title == "esm3_structure_encoder_v0"
    assert torch.equal(encoder.pre_vq_proj.weight, weights["pre_vq_proj.weight"])


@pytest.mark.slow
def test_offline_with_a_cache_in_a_fresh_process(tmp_path, weights):
    """As a user on a train: HF_HUB_OFFLINE and HF_HOME, and esm's INFRA_PROVIDER set empty."""
    put_in_cache(tmp_path / "hub", hub.REPOSITORIES[0], weights)
    code = "import esm_explore as ex; print(ex.encoder_info(ex.load_encoder('esm3')).title)"
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "INFRA_PROVIDER": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "esm3_structure_encoder_v0", done.stderr


def test_offline_without_a_cache(cache, monkeypatch):
    """What the message offers works offline."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ex.EncoderError, match=r"not in the cache, and the hub cannot be reached"):
        ex.load_encoder("esm3")


def test_a_damaged_file_in_the_cache(cache, weights):
    """A download that was cut off."""
    path = put_in_cache(cache, hub.REPOSITORIES[0], weights)
    path.write_bytes(path.read_bytes()[:1_000_000])
    with pytest.raises(ex.EncoderError, match="damaged or cut off.*download it again"):
        ex.load_encoder("esm3")


@pytest.mark.lines
def test_weights_of_another_size_never_pass_for_esm3(cache, toy_encoder):
    """Good weights in the right place, but not of ESM3's architecture: the tensor is named."""
    put_in_cache(cache, hub.REPOSITORIES[0], toy_encoder.state_dict())
    with pytest.raises(ex.EncoderError, match=r"has shape .*; in an encoder of this size it has"):
        ex.load_encoder("esm3")


def linked_to_blob(cache: Path, weights: dict, name: str) -> Path:
    """Lay a snapshot out as the hub's library does: a link to a blob named by its ETag."""
    path = put_in_cache(cache, hub.REPOSITORIES[0], weights)
    blob = path.parents[4] / "blobs" / (name or hashlib.sha256(path.read_bytes()).hexdigest())
    blob.parent.mkdir()
    path.rename(blob)
    path.symlink_to(blob)
    return path


def test_a_file_with_the_hubs_checksum_is_loaded_and_the_checksum_recorded(cache, weights):
    """For large files the blob's name is the SHA-256 that the hub has."""
    path = linked_to_blob(cache, weights, "")
    assert ex.encoder_info(ex.load_encoder("esm3")).checksum == path.resolve().name


def test_a_file_that_differs_from_the_hubs_is_refused(cache, weights):
    """A good file, but not that one."""
    path = linked_to_blob(cache, weights, "0" * 64)
    with pytest.raises(ex.EncoderError, match=r"not the file that the hub has.*until you delete"):
        ex.load_encoder("esm3")
    assert path.exists(), "nothing is deleted without the user"


class Hub(BaseHTTPRequestHandler):
    """Answer every request with the server's status, or with the file."""

    def do_HEAD(self):
        self.server.asked.append(self.path)
        if self.server.status == "silent":
            self.server.stop.wait(20)
            return
        status = (
            self.server.status(self.path) if callable(self.server.status) else self.server.status
        )
        self.send_response(status)
        if status == 403:
            self.send_header("X-Error-Code", "GatedRepo")
        if status == 200:
            self.send_header("ETag", '"abc"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(self.server.content)))
        else:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(self.server.content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, cache):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked, server.content, server.stop = [], b"", threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # It pauses between attempts, for 23 s in all.
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "secret" * 4)
    yield server
    server.stop.set()
    server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "is behind a license.*hf auth login"),
        (403, "is behind a license.*hf auth login"),
        (404, "is not in biohub/.* nor in EvolutionaryScale/"),
        (429, "refuses more requests for now"),
        (500, r"The hub is failing \(status 500\)"),
    ],
)
def test_each_refusal_has_its_own_message_without_the_token(server, status, message, caplog, capfd):
    """For 429 and 500 the hub's library itself says that the file is not in the cache."""
    server.status = status
    with pytest.raises(ex.EncoderError, match=message) as caught:
        ex.load_encoder("esm3")
    said = "".join(traceback.format_exception(caught.value)) + caplog.text + str(capfd.readouterr())
    assert "secret" not in said
    assert len({path.split("/resolve/")[0] for path in server.asked}) == 2, "both were tried"


def test_a_license_to_accept_comes_before_a_missing_repository(server):
    """The second repository is not found: the message is about the first, where one can act."""
    server.status = lambda path: 403 if "biohub" in path else 404
    with pytest.raises(ex.EncoderError, match="is behind a license"):
        ex.load_encoder("esm3")


def test_a_refusal_of_one_repository_does_not_hide_the_other(server, weights, tmp_path):
    """Who accepted the license under the old name gets the file from there."""
    torch.save(weights, tmp_path / "file")
    server.content = (tmp_path / "file").read_bytes()
    server.status = lambda path: 403 if "biohub" in path else 200
    encoder = ex.load_encoder("esm3")
    assert torch.equal(encoder.pre_vq_proj.weight, weights["pre_vq_proj.weight"])


def test_a_damaged_download_goes_away_as_the_message_says(server, weights, tmp_path):
    """The hub's library would keep it for ever: delete what is named, and the next load is good."""
    server.status, server.content = 200, b"version https://git-lfs.github.com/spec/v1\n"
    with pytest.raises(ex.EncoderError, match="Git LFS pointer.*until you delete") as caught:
        ex.load_encoder("esm3")
    Path(re.search(r"until you delete (.*); then", str(caught.value))[1]).unlink()
    torch.save(weights, tmp_path / "file")
    server.content = (tmp_path / "file").read_bytes()
    encoder = ex.load_encoder("esm3")
    assert torch.equal(encoder.pre_vq_proj.weight, weights["pre_vq_proj.weight"])


@pytest.mark.slow
def test_a_download_that_stalls_is_given_up_on(server, monkeypatch):
    """The hub answers, begins to send, and falls silent; nothing is left for a later run."""
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    server.status, server.content = 200, b"x" * 1000

    def begin(handler):
        handler.do_HEAD()
        handler.wfile.write(server.content[:10])
        handler.wfile.flush()
        server.stop.wait(20)

    monkeypatch.setattr(Hub, "do_GET", begin)
    with pytest.raises(ex.EncoderError, match="the hub cannot be reached"):
        ex.load_encoder("esm3")
    assert try_to_load_from_cache(hub.REPOSITORIES[0], hub.FILE) is None


@pytest.mark.slow
def test_a_silent_hub_is_given_up_on(server, monkeypatch):
    """Esm itself hangs for minutes."""
    monkeypatch.setattr(hub, "ANSWER_LIMIT", 0.2)
    server.status = "silent"
    with pytest.raises(ex.EncoderError, match="the hub cannot be reached"):
        ex.load_encoder("esm3")


@pytest.mark.slow
def test_only_the_one_file_is_fetched(server, weights, tmp_path):
    """122 MB instead of the gigabytes that esm takes; the second load asks nothing."""
    torch.save(weights, tmp_path / "file")
    server.content = (tmp_path / "file").read_bytes()
    server.status = 200
    encoder = ex.load_encoder("esm3")
    assert torch.equal(encoder.pre_vq_proj.weight, weights["pre_vq_proj.weight"])
    assert {path.split("/resolve/")[1] for path in server.asked} == {f"main/{hub.FILE}"}
    server.asked.clear()
    ex.load_encoder("esm3")
    assert server.asked == []
