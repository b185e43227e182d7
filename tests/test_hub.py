"""ESM3's weights through the real download code, against a hub of our own on loopback."""

from __future__ import annotations

import hashlib
import os
import re
import socket
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
    with pytest.raises(ex.EncoderError, match=r"has shape .*; in one of this size it has"):
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


def as_the_hub_has_it(weights: dict) -> dict:
    """In bfloat16, 62 MB: as the real file has been since it was first published."""
    return {name: tensor.bfloat16() for name, tensor in weights.items()}


@pytest.mark.lines
@pytest.mark.slow
def test_a_bfloat16_checkpoint_in_the_hubs_layout_is_loaded_exactly(cache, weights, ubiquitin):
    """Full size: every number is that bfloat16 as a float32, and tokens are esm's own with them."""
    given = as_the_hub_has_it(weights)
    path = linked_to_blob(cache, given, "")
    assert 60e6 < path.stat().st_size < 63e6
    encoder = ex.load_encoder("esm3")
    for name, tensor in encoder.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, given[name].float()), name
    coords, _, numbers = ubiquitin.to_structure_encoder_inputs()
    expected = encoder.encode(coords, residue_index=numbers)[1][0]
    assert ex.trace(encoder, ubiquitin).tokens.tolist() == expected.tolist()
    assert ex.encoder_info(encoder).title == "esm3_structure_encoder_v0"


@pytest.mark.parametrize("name", ["README.md", "esm_explore/encoders/mini/MODEL_CARD.md"])
def test_what_is_written_of_the_weights_is_as_they_are(name):
    """62 MB of bfloat16; the README, which tells how to get them, names their license."""
    written = (Path(__file__).parents[1] / name).read_text()
    assert "62 MB, bfloat16" in written
    assert "122 MB" not in written
    if name == "README.md":
        assert "| ESM3's weights, downloaded when you ask for them | MIT |" in written


NAMES = ["ESM3", "esm3_sm_open_v1", "esm3-open", "esm3_structure_encoder_v0", *hub.REPOSITORIES]


@pytest.mark.parametrize("name", NAMES)
def test_esms_names_and_the_repositories_are_the_same_encoder(cache, name, monkeypatch):
    """All are looked for as "esm3" is; a repository that is named is the first that is tried."""
    asked = []
    monkeypatch.setattr(
        "esm_explore.encoders.loading.find_esm3_weights",
        lambda *given: asked.append(*given or [hub.REPOSITORIES]) or Path("/none"),
    )
    with pytest.raises(FileNotFoundError):
        ex.load_encoder(name)
    (repositories,) = asked
    assert set(repositories) == set(hub.REPOSITORIES)
    assert name not in hub.REPOSITORIES or repositories[0] == name


@pytest.mark.slow
def test_a_snapshot_folder_is_searched_for_the_file(cache, weights, monkeypatch):
    """Also with ~; known as ESM3's where the hub's checksum says so, else by its file's name."""
    path = linked_to_blob(cache, as_the_hub_has_it(weights), "")
    monkeypatch.setenv("HOME", str(cache.parent))
    folder = path.parents[2]
    inside = Path("~") / folder.relative_to(cache.parent)
    assert ex.encoder_info(ex.load_encoder(str(inside))).title == "esm3_structure_encoder_v0"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    title = ex.encoder_info(ex.load_encoder(folder)).title
    assert title == "checkpoint esm3_structure_encoder_v0.pth"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("esm3_structure_decoder_v0", "That is a decoder; the structure encoder is 'esm3'"),
        ("esmc_300m", "has no structure encoder"),
        ("facebook/esm2_t6_8M_UR50D", "has no structure encoder"),
        ("esm_3", r"Did you mean 'esm3"),
        ("biohub/esm3-sm-open", "Did you mean 'biohub/esm3-sm-open-v1'"),
        ("somebody/something", "As a repository of the hub it would have to be biohub/"),
        ("weights/mine.pth", "As a path it is /.*weights/mine.pth, where there is nothing"),
        ("~/mine.pth", "As a path it is /[^~]*/mine.pth, where there is nothing"),
        ("x" * 5_000, "can be no path. load_encoder takes one of mini, esm3, untrained"),
        ("a\0b", "is not a file|can be no path"),
        ("", "is a folder without data/weights/esm3_structure_encoder_v0.pth"),
        ("whatever", "load_encoder takes one of mini, .* a snapshot folder, or a checkpoint"),
    ],
)
def test_what_is_no_source_says_which_form_was_meant(source, message):
    """In one sentence or two, never the whole of a long text."""
    with pytest.raises(ex.EncoderError, match=message) as caught:
        ex.load_encoder(source)
    assert len(str(caught.value)) < 500


class Hub(BaseHTTPRequestHandler):
    """Answer every request with the server's status, or with the file."""

    def do_HEAD(self):
        self.server.asked.append(self.path)
        self.server.logins.append(self.headers.get("Authorization"))
        if self.server.status == "silent":
            self.server.stop.wait(20)
            return
        status = self.server.status
        if callable(status):
            status = status(self.path, self.headers.get("Authorization"))
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
    server.asked, server.logins = [], []
    server.content, server.stop = b"", threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
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
        (401, "refuses .* also with your login .*401.* MIT license.*hf auth login"),
        (403, "refuses .* also with your login .*403.* MIT license.*hf auth login"),
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


def test_a_refusal_comes_before_a_missing_repository(server):
    """The second repository is not found: the message is about the first, where one can act."""
    server.status = lambda path, _: 403 if "biohub" in path else 404
    with pytest.raises(ex.EncoderError, match="refuses esm3_structure_encoder_v0"):
        ex.load_encoder("esm3")


def test_a_refusal_of_one_repository_does_not_hide_the_other(server, weights, tmp_path):
    """Who may see the old name gets the file from there."""
    torch.save(weights, tmp_path / "file")
    server.content = (tmp_path / "file").read_bytes()
    server.status = lambda path, _: 403 if "biohub" in path else 200
    encoder = ex.load_encoder("esm3")
    assert torch.equal(encoder.pre_vq_proj.weight, weights["pre_vq_proj.weight"])


def test_the_download_is_tried_without_a_login_first(server, weights, tmp_path):
    """Where that is enough no request has the token, although there is one."""
    torch.save(weights, tmp_path / "file")
    server.content, server.status = (tmp_path / "file").read_bytes(), 200
    ex.load_encoder("esm3")
    assert set(server.logins) == {None}


def test_a_login_is_used_after_a_refusal(server, weights, tmp_path):
    """A hub that wants one: asked without, then with it."""
    torch.save(weights, tmp_path / "file")
    server.content = (tmp_path / "file").read_bytes()
    server.status = lambda _, login: 200 if login else 401
    ex.load_encoder("esm3")
    assert server.logins[0] is None
    assert server.logins[1].startswith("Bearer hf_")


def test_without_a_login_the_refusal_says_how_to_log_in(server, monkeypatch):
    """Only then is it mentioned."""
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(hub, "get_token", lambda: None)
    server.status = 401
    with pytest.raises(ex.EncoderError, match="refuses .* without a login .*'hf auth login'"):
        ex.load_encoder("esm3")


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
    """62 MB instead of the gigabytes that esm takes; the second load asks nothing."""
    torch.save(weights, tmp_path / "file")
    server.content = (tmp_path / "file").read_bytes()
    server.status = 200
    encoder = ex.load_encoder("esm3")
    assert torch.equal(encoder.pre_vq_proj.weight, weights["pre_vq_proj.weight"])
    assert {path.split("/resolve/")[1] for path in server.asked} == {f"main/{hub.FILE}"}
    server.asked.clear()
    ex.load_encoder("esm3")
    assert server.asked == []


def said_in_a_fresh_process(folder: Path, **environment: str) -> str:
    """What a user sees who loads "esm3" without a cache: output, errors, logs and traceback."""
    code = "import logging, esm_explore as ex; logging.basicConfig(); ex.load_encoder('esm3')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HF_HOME": str(folder), "HF_HUB_OFFLINE": "0", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["offline", "dead proxy", "silent proxy", "dead hub", "bad token"])
def test_out_of_reach_is_one_paragraph_without_secrets(tmp_path, kind):
    """No lines about tries, no chain of tracebacks, no password, no token, no address."""
    secret, token = "p4ssw0rd", "hf_" + "q" * 34
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
        proxy = f"http://me:{secret}@127.0.0.1:" + str(
            silent.getsockname()[1] if kind == "silent proxy" else 9
        )
        given = {
            "offline": {"HF_HUB_OFFLINE": "1"},
            "dead hub": {"HF_ENDPOINT": f"http://me:{secret}@127.0.0.1:9"},
            "bad token": {"HF_TOKEN": token + "\nx", "HTTPS_PROXY": proxy},
        }.get(kind, {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy})
        said = said_in_a_fresh_process(tmp_path, **{"HF_TOKEN": token, **given})
    assert "the hub cannot be reached" in said
    assert said.count("Traceback") == 1
    assert "Retrying" not in said
    assert "During handling" not in said
    assert "direct cause" not in said
    for private in (secret, token, "127.0.0.1", "me:"):
        assert private not in said
