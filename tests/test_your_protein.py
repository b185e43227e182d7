"""Every notebook runs to its end for another protein than its own."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest
from pages import stored

import esm_explore as ex

FOLDER = Path(__file__).parent.parent / "notebooks"
# 10 is of many structures, 12 of two.
NOTEBOOKS = sorted(path for n in ("0[0-9]", "11", "13") for path in FOLDER.glob(f"{n}_*.ipynb"))
NAMED = re.compile(r'^SOURCE = ".*".*\nCHAIN = ".*".*$', re.MULTILINE)


def cells_of(path: Path, source: str) -> list[str]:
    """Give a notebook's code with another protein; fail where its first cell names none."""
    cells = [c.source for c in stored(path).cells if c.cell_type == "code"]
    cells[0], named = NAMED.subn(f'SOURCE, CHAIN = "{source}", None', cells[0])
    assert named == 1, cells[0]
    return cells


@pytest.mark.slow
@pytest.mark.parametrize("source", ["4ZHL", "1AS5"])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_it_runs_to_its_end_for_another_protein(path, source, monkeypatch):
    """4ZHL has insertion codes; 1AS5 has 24 residues, and no residue 100."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.chdir(FOLDER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile("\n".join(cells_of(path, source)), path.name, "exec"), {})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no_such.pdb", "There is no file no_such.pdb: check its name, and its folder"),
        ("1ITUU", "not a bundled example .*1ITU.*, not a PDB id .such as 1UBQ."),
        ("empty.pdb", "empty.pdb is empty: was it written, or downloaded, to its end"),
    ],
)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_what_cannot_be_read_ends_in_one_error_that_says_what_to_do(
    path, source, said, monkeypatch, tmp_path
):
    """In the first cell: no later one is met with what was not read."""
    monkeypatch.chdir(tmp_path)
    Path("empty.pdb").touch()
    with pytest.raises(ex.ChainError, match=said):
        exec(compile(cells_of(path, source)[0], path.name, "exec"), {})
