"""ESM3's real weights, where they are: our tokens are those that others made with them.

``make test-real`` runs this. ``ESM3_WEIGHTS`` is the path of the weights, if they are not in the
hub's cache; ``FERRITIN_PARITY`` that of ferritin's file, ``ESMDIFF_EXAMPLES`` of a folder of
esmdiff's.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import try_to_load_from_cache
from real_weights import Encoded, disagreements, mean_codes, read_esmdiff, read_ferritin
from safetensors.numpy import save_file

import esm_explore as ex
from esm_explore.encoders.hub import FILE, REPOSITORIES

REFERENCE = json.loads((Path(__file__).parent / "data" / "esm3_1itu_A.json").read_text())
EXPECTED = np.array(REFERENCE["mean_z_q_first_98"])
# One token of 369 that rounding turns over moves the average of a code's numbers by less.
TOLERANCE = 0.02


def asked_for(name: str, what: str) -> Path:
    """Give the path that an environment variable has, or skip with a sentence."""
    if name not in os.environ:
        pytest.skip(f"{name} is not set; it can be the path of {what}")
    return Path(os.environ[name]).expanduser()


@pytest.fixture(scope="module")
def real_encoder():
    if "ESM3_WEIGHTS" in os.environ:
        return ex.load_encoder(os.environ["ESM3_WEIGHTS"])
    if not any(isinstance(try_to_load_from_cache(r, FILE), str) for r in REPOSITORIES):
        pytest.skip(
            "ESM3's weights are not in the hub's cache: ex.load_encoder('esm3') fetches them; or "
            "set ESM3_WEIGHTS to the path of esm3_structure_encoder_v0.pth"
        )
    return ex.load_encoder("esm3")


@pytest.mark.real
def test_the_98_numbers_of_the_notebook_that_this_began_with(real_encoder):
    """1ITU chain A, downloaded: the mean of the codes, in one of the ways that it can be taken."""
    try:
        chain = ex.read_chain("1ITU", "A")
    except ex.ChainError as error:
        pytest.skip(f"1ITU chain A has to be downloaded once: {error}")
    assert chain.sequence == REFERENCE["sequence"]
    off = {w: np.abs(m[:98] - EXPECTED).max() for w, m in mean_codes(real_encoder, chain).items()}
    print(off)
    assert min(off.values()) < TOLERANCE, off


@pytest.mark.real
def test_the_parity_file_of_ferritin(real_encoder):
    """1BC8 chain C, 93 residues."""
    given = read_ferritin(asked_for("FERRITIN_PARITY", "ferritin's esm3_structure_parity file"))
    assert len(given.tokens) == 93
    assert disagreements(real_encoder, given)[1] == 0


@pytest.mark.real
def test_the_examples_of_esmdiff(real_encoder):
    """All files of a folder."""
    folder = asked_for("ESMDIFF_EXAMPLES", "a folder of esmdiff's .pth files")
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.pth"))
    assert files, f"no .pth in {folder}"
    assert {path.name: disagreements(real_encoder, read_esmdiff(path))[1] for path in files} == {
        path.name: 0 for path in files
    }


@pytest.fixture
def made(toy_encoder, ubiquitin) -> Encoded:
    """1UBI as somebody else would have encoded it, here with a narrow encoder."""
    coords, _, numbers = ubiquitin.to_structure_encoder_inputs()
    tokens = toy_encoder.encode(coords, residue_index=numbers)[1]
    # safetensors writes what is in memory, in whatever order.
    xyz = np.ascontiguousarray(coords[0, :, :3].numpy())
    return Encoded(xyz, tokens[0].numpy(), numbers[0].numpy())


def test_a_file_laid_out_like_ferritins_is_read(made, toy_encoder, tmp_path):
    """Encoded without numbers: all tokens agree, and one that is changed does not."""
    arrays = {
        "backbone_coords": made.coords,
        "structure_tokens": made.tokens.astype(np.uint32),
    }
    save_file(arrays, tmp_path / "parity.safetensors")
    given = read_ferritin(tmp_path / "parity.safetensors")
    assert disagreements(toy_encoder, given) == (0, 0)
    given.tokens[4] = (given.tokens[4] + 7) % 512
    assert disagreements(toy_encoder, given) == (1, 1)


@pytest.mark.slow
def test_a_file_laid_out_like_esmdiffs_is_read(made, toy_encoder, ubiquitin, tmp_path):
    """With weights_only; tokens have a first and a last one more, coordinates have not."""
    held = {
        "sequence": ubiquitin.sequence,
        "coordinates": torch.from_numpy(ubiquitin.atom37_positions),
        "structure_tokens": torch.tensor([513, *made.tokens, 514], dtype=torch.int16),
        "residue_index": torch.from_numpy(made.residue_index),
    }
    torch.save(held, tmp_path / "1ubi.pth")
    given = read_esmdiff(tmp_path / "1ubi.pth")
    np.testing.assert_array_equal(given.tokens, made.tokens)
    np.testing.assert_array_equal(given.coords, ubiquitin.atom37_positions[:, :3])
    # Where the chain lies is not the same as when it was encoded: rounding may decide a tie.
    assert disagreements(toy_encoder, given)[1] == 0


@pytest.mark.slow
def test_an_average_of_codes_is_known_again(toy_encoder, ubiquitin):
    """Each way has its own; the reference has as many numbers as were printed."""
    means = mean_codes(toy_encoder, ubiquitin)
    np.testing.assert_allclose(
        means["file numbers"], ex.trace(toy_encoder, ubiquitin).z_q.mean(0), atol=1e-5
    )
    assert np.abs(means["no numbers"] - means["no numbers, empty rows"]).max() > 1e-3
    assert (len(EXPECTED), len(REFERENCE["sequence"])) == (98, REFERENCE["n_residues"])
