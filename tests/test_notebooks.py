"""What every notebook of this project is like."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from esm.models.vqvae import StructureTokenDecoder
from pages import stored

import esm_explore as ex
from esm_explore.encoders.hub import ESM3_DECODER, ESM3_NAME, REPOSITORIES, file_of
from esm_explore.glossary import FURTHER, TERMS

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return stored(request.param)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    """The tests below would pass on an empty folder."""
    assert NOTEBOOKS


def test_cells_are_short_and_define_nothing(notebook):
    """At most 8 lines; a helper that is needed belongs into the package."""
    for cell in code(notebook):
        assert len(cell.source.splitlines()) <= 8, cell.source
        assert not re.search(r"^\s*(def|class) ", cell.source, re.MULTILINE), cell.source


def test_outputs_are_those_of_one_run_from_top_to_bottom(notebook):
    """Nbval compares with them."""
    assert [cell.execution_count for cell in code(notebook)] == list(
        range(1, len(code(notebook)) + 1)
    )
    kinds = {output.output_type for cell in code(notebook) for output in cell.outputs}
    assert "error" not in kinds


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_of_this_machine_and_no_secret_is_stored(path):
    """No paths, no tokens, no scripts of megabytes; no bar of progress, which would stand still."""
    text = path.read_text("utf-8")
    assert len(text) < 1_500_000
    assert not re.search(r"/(work|root|tmp|home)/|\bhf_[A-Za-z0-9]{20,}", text)
    assert "login(" not in text
    assert "0%|" not in text


def test_it_begins_with_a_title_and_says_what_to_notice(notebook):
    """Prose carries a notebook, code shows that it is true."""
    assert notebook.cells[0].source.startswith("# ")
    assert any("Things to notice" in cell.source for cell in notebook.cells)


def test_links_lead_to_notebooks_and_to_terms_that_are_there(notebook):
    """Each notebook leads to another; a term is one that the glossary has."""
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    links = [link for text in prose for link in re.findall(r"\]\(([^)]+)\)", text)]
    known = {term.lower().replace(" ", "-") for term in TERMS | FURTHER}
    for link in links:
        name, _, anchor = link.partition("#")
        assert (FOLDER / name).is_file(), link
        # The gallery has pages of these alone.
        assert name.endswith(".ipynb") or name.startswith("../docs/"), link
        assert not anchor or anchor in known, link
    assert any(link.endswith(".ipynb") for link in links)


@pytest.mark.parametrize(("before", "after"), list(pairwise(NOTEBOOKS)), ids=lambda p: p.stem[:2])
def test_each_ends_with_the_next(before, after):
    """And the first one lists them all, in order."""
    assert f"]({after.name})" in stored(before).cells[-1].source
    told = re.findall(r"\]\((\d\d_\w+\.ipynb)\)", stored(NOTEBOOKS[0]).cells[-1].source)
    assert told == [path.name for path in NOTEBOOKS[1:]]


@pytest.mark.parametrize("number", range(9))
def test_words_lead_to_the_glossary(number):
    """In those that explain the encoder, each to its own term."""
    path = next(FOLDER.glob(f"{number:02}_*.ipynb"))
    assert "(../docs/glossary.md#" in path.read_text("utf-8")


@pytest.mark.slow
def test_the_round_trip_is_the_same_with_a_pair_in_the_cache(tmp_path):
    """13: its cells run, and what nbval compares does not hang on what this machine has."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        decoder = StructureTokenDecoder(d_model=64, n_heads=1, n_layers=1)
    folder = tmp_path / f"models--{REPOSITORIES[0].replace('/', '--')}"
    snapshot = folder / "snapshots" / ("0" * 40)
    for name, module in ((ESM3_NAME, ex.load_encoder("mini")), (ESM3_DECODER, decoder)):
        path = snapshot / file_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(module.state_dict(), path)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0" * 40)
    given = [
        "-p",
        "nbval.plugin",
        "--nbval",
        "--nbval-current-env",
        "--nbval-sanitize-with",
        ".ci/nbval.cfg",
    ]
    command = [sys.executable, "-m", "pytest", "-q", *given, "notebooks/13_round_trip.ipynb"]
    env = os.environ | {"HF_HUB_CACHE": str(tmp_path), "TQDM_DISABLE": "1"}
    done = subprocess.run(command, cwd=FOLDER.parent, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
