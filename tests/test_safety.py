"""No network and no secret where none belongs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from test_packaging import ROOT, tracked

import esm_explore as ex

TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}")
NO_NETWORK = """
import socket
def refuse(*args, **kwargs):
    raise SystemExit(f"a connection was tried: {args}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
socket.create_connection = refuse
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NO_NETWORK + code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.slow
def test_import_load_and_trace_never_touch_the_network():
    """In a process where every connection ends it: import, the mini, a bundled chain, the doctor.

    No telemetry either: esm's and the hub's libraries are imported in it.
    """
    done = run(
        "import esm_explore as ex\n"
        "trace = ex.trace(ex.load_encoder(), ex.read_chain('1EJG'))\n"
        "print(len(trace), ex.doctor(trace).worst)"
    )
    assert done.stdout.split() == ["46", "note"], done.stderr


@pytest.mark.slow
def test_a_token_in_the_environment_is_in_no_error(tmp_path):
    """Tried without a network: neither the message nor the traceback has it."""
    secret = "hf_" + "z" * 34
    code = "import esm_explore as ex\nex.load_encoder('esm3')"
    done = run(code, HF_TOKEN=secret, HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert "EncoderError" in done.stderr
    assert secret not in done.stderr + done.stdout


def test_no_token_of_the_hub_in_any_tracked_file():
    """Sources, notebooks with their outputs, lock files; the parts of this test apart."""
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8000]:
            assert not TOKEN.search(content.decode("utf-8", "replace")), path


def test_no_output_of_a_notebook_names_a_token_of_the_hub():
    """Also not as HTML or as metadata."""
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            assert not TOKEN.search(str(cell.get("outputs", ""))), path


def test_a_saved_trace_holds_nothing_of_the_environment(toy_encoder, ubiquitin, tmp_path):
    """No path of this machine and no token: arrays, names and sizes only."""
    content = ex.trace(toy_encoder, ubiquitin).save(tmp_path / "x").read_bytes()
    header = content[: 8 + int.from_bytes(content[:8], "little")].decode("utf-8", "replace")
    assert str(tmp_path) not in header
    assert os.path.expanduser("~") not in header
    assert not TOKEN.search(header)


def test_make_audit_says_so_where_it_cannot_run():
    """Without pip-audit or its service the target ends well, with a plain message."""
    environment = os.environ | {"PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        ["make", "audit"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "audit skipped" in done.stdout
