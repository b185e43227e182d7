"""Encoders and chains that several tests share."""

from __future__ import annotations

import copy
import dataclasses
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from biotite.structure.io.pdb import PDBFile
from esm.models.vqvae import StructureTokenEncoder
from services import standing_in

import esm_explore as ex

# Processes beside each other do not share a core's threads.
if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)

SLOW = {"full_encoder", "weights", "fitted"}
# Examples in docstrings cannot be marked.
SLOW_EXAMPLES = (
    *("flip_radius", "build_atlas", "open_atlas", "compare_joint", "compare_conformations"),
    *("doctor", "follow", "load_encoder"),
)


def pytest_collection_modifyitems(items):
    """Passes at full size, checkpoints of it, UMAP and browsers take seconds: they are slow."""
    for item in items:
        example = isinstance(item, pytest.DoctestItem) and item.name.endswith(SLOW_EXAMPLES)
        beyond = item.get_closest_marker("browser") and not item.get_closest_marker("core")
        if example or beyond or SLOW & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    # Last, because while the one browser is open its event loop is the process's, and nothing that
    # runs a loop of its own, such as a notebook, can be run.
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


def mostly_slow(names, *quick):
    """Give parameters of a test, of which `make quick` takes the `quick` ones alone."""
    assert set(quick) <= set(names)
    return [n if n in quick else pytest.param(n, marks=pytest.mark.slow) for n in names]


@pytest.fixture(scope="session")
def toy_encoder() -> StructureTokenEncoder:
    """Esm's own class, so narrow that a pass takes milliseconds; its tokens vary."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = StructureTokenEncoder(
            d_model=64, n_heads=1, v_heads=8, n_layers=2, d_out=16, n_codes=512
        )
        # esm starts from an embedding of 0.02, so that all states are alike.
        encoder.relative_positional_embedding.embedding.weight.data.normal_()
        encoder.codebook.embeddings.normal_(std=0.5)
    return encoder.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def full_encoder() -> StructureTokenEncoder:
    """ESM3's architecture at its full size."""
    return ex.load_encoder("untrained")


@pytest.fixture(scope="session")
def ubiquitin():
    """1UBI, 76 residues."""
    return ex.read_chain("1UBI")


@pytest.fixture
def structures(tmp_path):
    """A directory with 1UBI (76 residues) and, one level down, 2HT0 (96 and 93 residues)."""
    folder, bundled = tmp_path / "structures", Path(ex.__file__).parent / "sources" / "examples"
    (folder / "more").mkdir(parents=True)
    files = ex.examples()["file"]
    shutil.copy(bundled / files["1UBI"], folder / "1ubi.bcif.gz")
    shutil.copy(bundled / files["2HT0"], folder / "more" / "a.bcif")
    (folder / "notes.txt").write_text("not a structure")
    return folder


def with_positions(chain, atom37_positions):
    """Copy a chain with other coordinates; NaN is a missing atom."""
    present = np.isfinite(atom37_positions).all(-1) & chain.atom37_mask
    return dataclasses.replace(chain, atom37_positions=atom37_positions, atom37_mask=present)


def pdb_lines(atoms) -> list[str]:
    """Write atoms in PDB columns."""
    file, text = PDBFile(), io.StringIO()
    file.set_structure(atoms)
    file.write(text)
    return text.getvalue().splitlines()


@pytest.fixture(scope="module")
def coded(toy_encoder):
    """The toy encoder with 16 codes that residues do use, and others far from all of them."""
    encoder = copy.deepcopy(toy_encoder)
    latents = ex.trace(encoder, ex.read_chain("4AKE")).pre_vq
    encoder.codebook.embeddings[:16] = torch.from_numpy(latents[5:213:13])
    encoder.codebook.embeddings[16:] += 100
    return encoder


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests in pages."""
    from lab import open_chromium

    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """One JupyterLab for all tests in notebooks."""
    from lab import Jupyter, lab_server

    folder = tmp_path_factory.mktemp("notebooks")
    with lab_server(folder, tmp_path_factory.mktemp("lab")) as address:
        yield Jupyter(address, folder)


@pytest.fixture(scope="module", autouse=True)
def _few_kernels(request):
    """Kernels that a file's tests have left take memory from the next one's."""
    used = request.getfixturevalue("jupyter") if "jupyter" in request.fixturenames else None
    yield
    if used:
        used.stop_others()


@pytest.fixture(scope="session")
def inspectors(chromium, jupyter):
    """A page with the inspector of one chain and of two, and the tour; with a kernel of its own."""
    from inspectors import CELLS, SCREENSHOTS
    from lab import errors_in, lab_page, open_notebook, run_notebook, write_notebook

    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    write_notebook(jupyter.folder / "inspectors.ipynb", CELLS)
    with lab_page(chromium, jupyter.address, 1280, 720) as page:
        open_notebook(page, "inspectors.ipynb", jupyter.start_kernel())
        assert errors_in(run_notebook(page, "inspectors.ipynb")) == []
        yield page


@pytest.fixture
def page(inspectors):
    """That page on a laptop, with the first inspector in view as it came up.

    No test leaves a complaint.
    """
    from inspectors import AS_AT_FIRST, LIGHT, set_theme, shown
    from lab import run_code

    inspectors.set_viewport_size({"width": 1280, "height": 720})
    set_theme(inspectors, LIGHT)
    inspectors.evaluate("jupyterapp.shell.collapseLeft()")
    run_code(inspectors, AS_AT_FIRST)
    inspectors.mouse.move(3, 3)
    shown(inspectors, 0)
    yield inspectors
    complaints = [*inspectors.console_errors, *inspectors.left_loopback]
    inspectors.console_errors.clear()
    inspectors.left_loopback.clear()
    assert complaints == []


@pytest.fixture
def service(monkeypatch, tmp_path):
    """A stand-in for the PDB, and an empty cache."""
    with standing_in(monkeypatch, tmp_path / "cache") as server:
        yield server
