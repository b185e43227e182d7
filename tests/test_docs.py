"""README and docs say what is true: their code runs, their links lead somewhere."""

from __future__ import annotations

import ast
import functools
import os
import re
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

import esm_explore as ex

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "LICENSES/*.md", "benchmarks/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
# A block of Python, and the comment above it that says why it is not run, or what comes first.
BLOCK = re.compile(
    r"(?:^ *<!-- (?P<kind>not run|first): (?P<what>.*?) -->\n)?"
    r"^ *```python\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Written when the documentation is built.
MADE = {"reference.md", "notebooks.md", "house.svg"}


@functools.cache
def blocks(name: str) -> list[dict[str, str]]:
    return [match.groupdict() for match in BLOCK.finditer((ROOT / name).read_text())]


WITH_CODE = [name for name in NAMES if blocks(name)]


def names_of(code: str) -> list[str]:
    """Paths of names below `ex` in a piece of code."""
    found = []
    for node in ast.walk(ast.parse(code)):
        path: list[str] = []
        while isinstance(node, ast.Attribute):
            path.insert(0, node.attr)
            node = node.value
        if path and isinstance(node, ast.Name) and node.id == "ex":
            found.append(".".join(path))
    return found


@pytest.mark.parametrize("name", WITH_CODE)
def test_code_of_a_page_names_what_there_is(name):
    """Also of blocks that are not run: each says why, and its names under `ex` exist."""
    for block in blocks(name):
        for path in names_of(textwrap.dedent(block["code"])):
            value = ex
            for part in path.split("."):
                if not hasattr(value, "__path__") and value is not ex:
                    break  # what a call or a class gives is found out by running
                value = getattr(value, part)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_sentence_exist(name):
    """`ex.experiments.knock_out(trace, "57")` within a line, as in the README's table."""
    text = (ROOT / name).read_text()
    if name == "CHANGELOG.md":  # of 0.1 it names what is gone
        text = text[: text.index("| 0.1 | 0.2 |")]
    for path in re.findall(r"`ex\.(\w+(?:\.\w+)*)", text):
        value = ex
        for part in path.split("."):
            if value is not ex and not hasattr(value, "__path__"):
                break
            assert hasattr(value, part), path
            value = getattr(value, part)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_CODE)
def test_code_of_a_page_runs(name, tmp_path, monkeypatch):
    """From top to bottom, in an empty folder; what a reader has in mind is in a comment."""
    monkeypatch.chdir(tmp_path)
    structure = tmp_path / "given" / "1ubi.pdb"
    structure.parent.mkdir()
    ex.export.residues(_ubiquitin(), structure, "margin")
    space = {"Path": Path, "shutil": shutil, "STRUCTURE": structure, "ex": ex}
    for block in blocks(name):
        if block["kind"] == "not run":
            continue
        if block["kind"] == "first":
            exec(block["what"], space)
        exec(compile(textwrap.dedent(block["code"]), name, "exec"), space)


@functools.cache
def _ubiquitin():
    return ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))


def headings(path: Path) -> set[str]:
    """Anchors of a page, as code hosts make them."""
    lines = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", line.lower()) for line in lines]
    return {line.replace(" ", "-") for line in plain}


@pytest.mark.parametrize("name", NAMES)
def test_links_of_a_page_lead_somewhere(name):
    """Files and pictures beside it, and headings; addresses on the internet are not asked."""
    page = ROOT / name
    for link in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.name in MADE or target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in headings(target), link


@pytest.mark.parametrize("name", ["README.md", "docs/install.md"])
def test_make_targets_that_are_named_exist(name):
    """`make lab`, in code or in a sentence."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / name).read_text()
    named = re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.slow
def test_the_house_is_drawn_from_the_code(monkeypatch):
    """A box for every room, and every line runs down, or there is no drawing."""
    monkeypatch.setattr(sys, "path", [str(ROOT / ".ci"), *sys.path])
    import house_drawing

    rooms = house_drawing.floors()
    drawn = house_drawing.drawing(rooms, house_drawing.imports())
    assert all(f">{room}</text>" in drawn for row in rooms for room in row)


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning(tmp_path):
    """Without the notebooks, which `make docs` adds; where the docs extra is installed."""
    pytest.importorskip("myst_nb", reason="needs the docs extra")
    import subprocess

    command = [sys.executable, ROOT / ".ci" / "docs.py", tmp_path / "docs", "--quick"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "docs" / "docs" / "reference" / "esm_explore.trace.html").is_file()
