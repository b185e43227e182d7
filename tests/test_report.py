"""`ex.export.report`: one page, for people without Python."""

from __future__ import annotations

import html
import re
import subprocess
import sys

import pytest
from hostile import IMAGE, SCRIPT, hostile_trace
from lab import require_chromium
from playwright.sync_api import sync_playwright

import esm_explore as ex
from esm_explore.errors import ChainError, TraceError

SECTIONS = ["What could make these tokens misleading", "The stages", "The codes", "The residues"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """1EJG with mini, by the command."""
    folder = tmp_path_factory.mktemp("report")
    command = "from esm_explore.cli import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", command, "report", "1EJG", "-o", "report.html"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "report of 1EJG to report.html"
    return folder / "report.html"


@pytest.mark.slow
def test_it_has_a_row_for_each_residue_and_each_code(page):
    """All 46 residues; codes with what the atlas of the same encoder says."""
    trace = ex.trace(ex.load_encoder(), ex.read_chain("1EJG"))
    _, codes, residues = page.read_text().rsplit("<h2>", 2)[-3:]
    tokens = [int(cells[4]) for cells in rows_of(residues)]
    assert tokens == trace.tokens.tolist()
    described = {int(cells[0]): html.unescape(cells[3]) for cells in rows_of(codes)}
    assert sorted(described) == sorted(set(tokens))
    assert described[tokens[0]] == ex.open_atlas().code(tokens[0]).description
    assert page.stat().st_size < 15e6


def rows_of(section: str) -> list[list[str]]:
    rows = re.findall(r"<tr>\s*(<td>.*?)</tr>", section, re.DOTALL)
    return [re.findall(r"<td>(.*?)</td>", row) for row in rows]


@pytest.mark.browser
def test_it_opens_from_disk_without_network(page):
    """Chromium, offline: the inspector answers, the sections stand below, nothing is asked for."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=require_chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
        tab, asked, errors = context.new_page(), [], []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(page.as_uri())
        tab.wait_for_selector(".esm-explore-sentence b")
        assert tab.locator(".esm-explore-report h2").all_inner_texts() == SECTIONS
        assert tab.evaluate("document.documentElement.scrollWidth") <= 1280
        # In the dark, rows are not light under light letters.
        tab.emulate_media(color_scheme="dark")
        row = tab.locator(".esm-explore-report tbody tr:nth-child(odd)").first
        ground = row.evaluate("row => getComputedStyle(row).backgroundColor")
        assert float(ground.rstrip(")").split(",")[3]) < 0.5
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        assert errors == []
        browser.close()


@pytest.mark.slow
def test_hostile_names_are_text(toy_encoder, ubiquitin, tmp_path):
    """And codes of an encoder without an atlas are not described by another's."""
    text = ex.export.report(hostile_trace(toy_encoder, ubiquitin), tmp_path / "x.html").read_text()
    assert IMAGE not in text
    assert SCRIPT not in text
    assert "The bundled atlas is of mini" in text
    assert "what it means" not in text


def test_bad_input_writes_nothing(toy_encoder, ubiquitin, tmp_path):
    """A chain that is not there, a file of somebody else."""
    with pytest.raises(ChainError, match="Chain 'Z' is not a protein chain of 1UBI"):
        ex.export.report("1UBI", tmp_path / "x.html", chain_id="Z")
    with pytest.raises(TraceError, match="could not be written"):
        ex.export.report("no such structure", tmp_path / "no" / "x.html")
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(TraceError, match="is not of this program and stays"):
        ex.export.report(ex.trace(toy_encoder, ubiquitin), tmp_path / "mine.html")
    assert (tmp_path / "mine.html").read_text() == "mine"
