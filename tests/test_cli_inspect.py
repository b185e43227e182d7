"""`esm-explore inspect`: what is wrong is said before a server starts, and nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from esm_explore.cli import app
from esm_explore.encoders import loading
from esm_explore.widgets import serving

# They load Voilà.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def toy_for_mini(monkeypatch, toy_encoder, request):
    """Loading the encoder is tested elsewhere."""
    monkeypatch.chdir(request.config.rootpath)

    def load(source):
        return toy_encoder if source == "mini" else loading.load_encoder(source)

    monkeypatch.setattr(serving, "load_encoder", load)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serve nothing: keep the notebooks that would have been served, and do what `how` does."""
    voila_server = pytest.importorskip("esm_explore.widgets.voila_server")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    notebooks = []

    class Server:
        how = staticmethod(lambda: None)

        @classmethod
        def of(cls, notebook, *_):
            notebooks.append(json.loads(notebook.read_text()))
            return cls()

        def serve(self):
            self.how()

    Server.notebooks = notebooks
    monkeypatch.setattr(voila_server, "Server", Server)
    yield Server
    assert list((tmp_path / "temporary").iterdir()) == []


def inspected(*arguments):
    """Run the command; give its status, and what it says on both streams."""
    result = CliRunner().invoke(app, ["inspect", "--no-browser", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["none.pdb"], "none.pdb"),
        (["CONTRIBUTING.md"], "CONTRIBUTING.md"),
        (["1UBI", "--chain", "Z"], "'Z' is not a protein chain"),
        (["1UBI", "--model", "9"], "odel 9"),
        (["1UBI", "--chain", "A", "--chain", "B"], "2 times --chain for 1 source"),
        (["1UBI", "--encoder", "maxi"], "maxi"),
        (["1UBI", "--port", "70000"], "65535"),
    ],
)
def test_what_cannot_be_inspected_is_said_in_a_line_before_a_server_starts(arguments, why, served):
    """What is unreadable or not there; the temporary folder is gone."""
    status, said = inspected(*arguments)
    assert status == 2
    assert said.startswith("error: ")
    assert why in said
    assert said.count("\n") == 1
    assert served.notebooks == []


def test_a_taken_port_and_a_missing_voila_are_said_before_anything_is_read(served, monkeypatch):
    """The source does not exist, and nothing is said of it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, said = inspected("none.pdb", "--port", port)
    assert (status, said.count("\n")) == (2, 1)
    assert f"Port {port} cannot be used" in said
    monkeypatch.setitem(sys.modules, "esm_explore.widgets.voila_server", None)
    status, said = inspected("none.pdb")
    assert (status, said.count("\n")) == (2, 1)
    assert "pip install 'esm_explore[app]'" in said
    assert served.notebooks == []


@pytest.mark.parametrize(
    "name",
    ["it's \"\n<img src=x> \\'\\n", "'''\"\"\"{given!r}{", "\x1b[31mred", "\u2028x", "--encoder"],
)
def test_a_hostile_name_of_a_file_stays_a_name(name, served, structures, tmp_path):
    """The page's cell is Python of ours, in which the name is that of the file."""
    source = shutil.copy(structures / "1ubi.bcif.gz", tmp_path / f"{name}.bcif.gz")
    assert inspected("--", source) == (0, "")
    [notebook] = served.notebooks
    [cell] = notebook["cells"]
    [given] = [line for line in cell["source"].split("\n") if line.startswith("given = ")]
    names = {"json": json}
    exec(given, names)
    assert names["given"]["chains"] == [[str(source), None, 1]]
    compile(cell["source"], "cell", "exec")


@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_stopped_inspector_leaves_no_temporary_folder(how, status, served):
    """However it is stopped."""
    there = []

    def stopped():
        there.extend(Path(tempfile.gettempdir()).iterdir())
        os.kill(os.getpid(), how)

    served.how = staticmethod(stopped)
    assert inspected("1UBI")[0] == status
    assert len(there) == 1
