"""750 files of the kinds that `test_hard_files` has one each of, both sides of every decision.

Made by rewriting lines of bundled structures, with what is right known from those alone; some
results can be defended in two ways, and either is right. Each name says what was done to the file.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from esm.utils.residue_constants import atom_order
from test_hard_files import CLOSE, numbers, outcome

import esm_explore as ex
from esm_explore.errors import ChainError

ARCHIVE = Path(__file__).parent / "data" / "hard_variants.tar.xz"
KINDS = (
    "1 names",
    "2 separation",
    "3 coordinates",
    "4 numbers",
    "5 called damaged",
    "10 pLDDT",
)


@pytest.fixture(scope="module")
def variants(tmp_path_factory) -> tuple[Path, dict]:
    """The files, unpacked, and what is right for each."""
    folder = tmp_path_factory.mktemp("variants")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "files", json.loads((folder / "expected.json").read_text())


def differences(chain, right: dict) -> Iterator[str]:
    """In which ways a chain is not as it should be."""
    labels, places = numbers(chain), chain.atom37_positions
    if chain.chain_id != right.get("id", chain.chain_id):
        yield f"chain {chain.chain_id!r}, not {right['id']!r}"
    if not re.fullmatch(right["sequence"], chain.sequence):
        yield f"{chain.sequence}, not {right['sequence']}"
    if len(labels) != len(right["labels"]):
        yield f"{len(labels)} residues, not {len(right['labels'])}"
        return
    for label, either in zip(labels, right["labels"], strict=True):
        if label not in either.split("|"):
            yield f"number {label}, not {either}"
    missing = [np.nan] * 3
    backbone = np.array([[place or missing for place in residue] for residue in right["bb"]])
    if not np.allclose(places[:, :3], backbone, rtol=0, atol=CLOSE, equal_nan=True):
        yield "other N, CA or C"
    if chain.atom37_mask.sum() != right.get("atoms", chain.atom37_mask.sum()):
        yield f"{chain.atom37_mask.sum()} atoms, not {right['atoms']}"
    for label, atom, place in right.get("places", []):
        if not np.allclose(places[labels.index(label), atom_order[atom]], place, atol=CLOSE):
            yield f"{atom} of {label} is elsewhere"


def misfit(read, right: dict, path: Path) -> list[str]:
    """In which ways what was read, or its error, is not one of the right results."""
    if "error" in right:
        said = re.sub(rf"(?<!\w)({re.escape(str(path))}|{path.stem})(?!\w)", "", str(read))
        refused = isinstance(read, ChainError) and re.search(right["error"], said)
        return [] if refused else [f"no error {right['error']!r}"]
    if isinstance(read, ChainError):
        return [f"error {str(read)!r}"]
    if len(read) != len(right["chains"]):
        return [f"{len(read)} chains, not {len(right['chains'])}"]
    pairs = zip(read, right["chains"], strict=True)
    return [line for chain, wanted in pairs for line in differences(chain, wanted)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::esm_explore.errors.ChainWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_every_variant_of_a_kind_is_read_right_or_refused_with_the_reason(kind, variants):
    """All chains: sequence, numbers with insertion codes, N, CA and C to 0.002 Å, atoms."""
    folder, expected = variants
    of_kind = {name: each for name, each in expected.items() if each["kind"] == kind}
    wrong = {}
    for name, each in of_kind.items():
        path, model = folder / name, each.get("model", 1)
        read = outcome(lambda path=path, model=model: ex.read_chains(path, model=model))
        misfits = [misfit(read, right, path) for right in each["right"]]
        if [] not in misfits:
            wrong[name] = misfits
    assert of_kind
    assert not wrong


@pytest.mark.slow
def test_plddt_is_told_from_b_factors(variants, toy_encoder):
    """Predictions of any program, and experiments whose B-factors look like it."""
    folder, expected = variants
    wrong = {}
    for name, each in expected.items():
        if "doctor" not in each:
            continue
        report = ex.doctor(folder / name, toy_encoder)
        low = [list(found.residues) for found in report if "pLDDT" in found.title]
        if low != ([each["doctor"]] if each["doctor"] else []):
            wrong[name] = low
    assert not wrong


def test_the_kinds_are_all_that_there_are(variants):
    """No file is left out of the test above."""
    folder, expected = variants
    assert {each["kind"] for each in expected.values()} == set(KINDS)
    assert {path.name for path in folder.iterdir()} == set(expected)
