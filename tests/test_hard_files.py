"""Files that users have are read right: all residues, each chain by itself, every place.

What is right is in `data/hard_files/expected.json`, from the structures that the files were made
of; where two results can be defended, either.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from esm.utils.residue_constants import atom_order

import esm_explore as ex
from esm_explore.errors import ChainError

pytestmark = pytest.mark.lines
FILES = Path(__file__).parent / "data" / "hard_files"
EXPECTED = json.loads((FILES / "expected.json").read_text())
# Å; files have three digits.
CLOSE = 0.002


def chain_named(name: str) -> dict:
    chain = EXPECTED["chains"][name]
    return {**chain_named(chain["of"]), **chain} if "of" in chain else chain


def numbers(chain) -> list[str]:
    """Number and insertion code, apart: 10010 is not 1001 with code 0."""
    codes = np.char.strip(np.asarray(chain.insertion_code, dtype=str))
    return [f"{n}/{c}".rstrip("/") for n, c in zip(chain.residue_index, codes, strict=True)]


def differences(chain, right: dict) -> list[str]:
    """In which ways a chain is not as it should be."""
    labels = numbers(chain)
    found = {
        "id": chain.chain_id,
        "residues": len(chain),
        "first": labels[0],
        "last": labels[-1],
        "frames": chain.atom37_mask[:, :3].all(1).sum(),
        "atoms": chain.atom37_mask.sum(),
    }
    wrong = [
        f"{key}: {found[key]}, not {right[key]}"
        for key in found.keys() & right.keys()
        if found[key] != right[key]
    ]
    if not re.fullmatch(right["sequence"], chain.sequence):
        wrong.append(f"{chain.sequence}, not {right['sequence']}")
    for label, atom, *place in right["places"]:
        if label not in labels:
            wrong.append(f"no residue {label}")
            continue
        at = chain.atom37_positions[labels.index(label), atom_order[atom]]
        if not (np.abs(at - place) <= CLOSE).all():
            wrong.append(f"{atom} {label} at {at}, not {place}")
    return wrong


def misfit(read, right: dict, path: Path) -> list[str]:
    """In which ways what was read, or the error of it, is not one of the right results."""
    if "error" in right:
        if not isinstance(read, ChainError):
            return [f"no error {right['error']!r}"]
        # What a file is called says nothing of what is wrong with it.
        names = "|".join(re.escape(n) for n in (str(path), path.name, path.name.split(".")[0]))
        said = re.sub(rf"(?<!\w)({names})(?!\w)", "", str(read))
        return [] if re.search(right["error"], said) else [f"error {said!r}"]
    if isinstance(read, ChainError):
        return [f"error {str(read)!r}"]
    if len(read) != len(right["chains"]):
        return [f"chains {[chain.chain_id for chain in read]}, not {right['chains']}"]
    return [
        line
        for chain, name in zip(read, right["chains"], strict=True)
        for line in differences(chain, chain_named(name))
    ]


def outcome(reading):
    """Give what was read, or our error; any other error fails the test."""
    try:
        return reading()
    except ChainError as error:
        return error


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_a_hard_file_is_read_right_or_refused_with_the_reason(name):
    """By `read_chains`; where several results are right, one of them whole."""
    path = FILES / name
    read = outcome(lambda: ex.read_chains(path))
    wrong = [misfit(read, right, path) for right in EXPECTED["files"][name]]
    assert [] in wrong, wrong


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_one_chain_of_a_hard_file_is_the_same_as_among_all(name):
    """`read_chain` gives the first without an id, each by its id, and errors as `read_chains`."""
    path = FILES / name
    chains = outcome(lambda: ex.read_chains(path))
    first = outcome(lambda: [ex.read_chain(path)])
    if isinstance(chains, ChainError):
        wrong = [misfit(first, right, path) for right in EXPECTED["files"][name]]
        assert [] in wrong, wrong
        return
    singles = [ex.read_chain(path, chain.chain_id) for chain in chains]
    for chain, single in zip([chains[0], *chains], [*first, *singles], strict=True):
        assert (single.chain_id, single.sequence) == (chain.chain_id, chain.sequence)
        assert numbers(single) == numbers(chain)
        np.testing.assert_array_equal(single.atom37_positions, chain.atom37_positions)
    wrong = [misfit(singles, right, path) for right in EXPECTED["files"][name]]
    assert [] in wrong, wrong


@pytest.mark.slow
def test_the_doctor_knows_plddt_in_the_b_factors_of_a_local_prediction(toy_encoder):
    """Values of 0-100, one a residue, 8 to 11 below 70; nothing in the file's name says so."""
    report = ex.doctor(FILES / "plddt100.pdb", toy_encoder)
    low = [found for found in report if "pLDDT" in found.title and found.residues]
    assert [found.residues for found in low] == [("8", "9", "10", "11")]
    plain = ex.doctor(FILES / "tokenize_dir" / "1ubi.pdb", toy_encoder)
    assert not any("pLDDT" in found.title for found in plain)


def test_every_hard_file_has_an_expectation():
    """No file is there without being read."""
    files = {str(p.relative_to(FILES)) for p in FILES.rglob("*") if p.is_file()}
    assert files - {"README.md", "expected.json"} == set(EXPECTED["files"])
