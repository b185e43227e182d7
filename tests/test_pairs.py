"""The benchmark of pairs of conformations, on two bundled pairs; the tables that are shipped."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import esm_explore as ex
from esm_explore.experiments.calibration import (
    FALSE_ALARMS,
    FOLDER,
    calibrated,
    calibrated_encoders,
    false_alarms_at,
    pairs_benchmark,
    threshold_of,
)
from esm_explore.experiments.conformations import compare_conformations

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
ABSENT = -(2**31)


@pytest.fixture(scope="module")
def pairs_script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("pairs")


@pytest.fixture(scope="module")
def measures(pairs_script):
    return sys.modules["pairs_measures"]


@pytest.fixture(scope="module")
def bundled():
    """1AKE and 4AKE; the first two models of 1AS5, as notebook 12 reads them."""
    return [(ex.read_chain("1AKE"), ex.read_chain("4AKE")), tuple(ex.read_frames("1AS5")[:2])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, bundled):
    """The two pairs in the layout of the benchmark's data."""
    path = tmp_path_factory.mktemp("pairs")
    chains = [chain for pair in bundled for chain in pair]
    sizes = np.array([len(chain) for chain in chains])
    starts = np.cumsum(sizes) - sizes
    places = np.concatenate([chain.atom37_positions[:, [0, 1, 2, 4, 3]] for chain in chains])
    numbers = np.concatenate([chain.residue_index for chain in chains])
    xyz = np.where(np.isfinite(places), np.round(places * 1000), ABSENT).astype(np.int32)
    paired = np.concatenate([np.arange(len(a)) for a, _ in bundled])
    lengths = np.array([len(a) for a, _ in bundled])
    np.savez(
        path / "pairs.npz",
        chain=np.array([f"{chain.id}_{chain.chain_id}" for chain in chains]),
        start=starts,
        size=sizes,
        seq=np.frombuffer("".join(c.sequence for c in chains).encode(), dtype=np.int8),
        resnum=numbers.astype(np.int32),
        icode=np.full(len(numbers), 32, dtype=np.int8),
        xyz=xyz,
        pair_id=np.array(["adenylate", "peptide"]),
        chain_a=np.array([0, 2]),
        chain_b=np.array([1, 3]),
        pair_start=np.cumsum(lengths) - lengths,
        pair_size=lengths,
        index_a=paired,
        index_b=paired,
    )
    table = {"pair_id": ["adenylate", "peptide"], "kind": ["apo_holo"] * 2, "tm_align": [0.6, 0.9]}
    pd.DataFrame(table).to_csv(path / "pairs.csv", index=False)
    return path


@pytest.fixture(scope="module")
def compared(pairs_script, folder):
    """Both pairs' residues, as the script has them."""
    pairs = pairs_script.read_pairs(folder)
    tokenizer = pairs_script.encode(ex.load_encoder("mini"), pairs)
    motion = pairs_script.motion_of(pairs, tokenizer)
    table = pairs_script.residues(pairs, tokenizer, motion)
    return table.join(pairs_script.neighbors_of(pairs, tokenizer))


@pytest.mark.slow
def test_the_script_says_of_a_residue_what_compare_conformations_says(compared, bundled):
    """Two ways through the encoder: the fast one of the script, and traces."""
    encoder = ex.load_encoder("mini")
    for number, pair in enumerate(bundled):
        found = compare_conformations(*(ex.trace(encoder, chain) for chain in pair)).residues
        rows = compared[compared["pair"] == number]
        for column in ("neighborhood", "latent", "code"):
            np.testing.assert_allclose(rows[column], found[column], atol=3e-2)
        for column in ("changed", "kept", "swap"):
            assert (rows[column].to_numpy() == found[column].to_numpy()).mean() > 0.98


def test_auroc_is_scikit_learns_and_intervals_hold_it(compared, measures):
    """Of all residues together, ties counting half, though it is counted pair by pair."""
    draws = np.random.default_rng(0).multinomial(2, [0.5, 0.5], 200)
    known = compared[(compared["neighborhood"] < 0.5) | (compared["neighborhood"] > 1)]
    rows = [row for row in measures.aurocs(compared, draws) if row[0] == "AUROC"]
    for _, score, value, low, high, residues, _ in rows:
        column = measures.COLUMNS[score]
        expected = roc_auc_score(known["neighborhood"] > 1, known[column])
        assert value == pytest.approx(expected, abs=1e-12)
        assert low <= value <= high
        assert residues == len(known)


@pytest.mark.slow
def test_similar_strings_score_more_than_dissimilar_ones(pairs_script, measures, folder):
    """A string against itself scores its length times 100, the cosine of a code with itself."""
    pairs = pairs_script.read_pairs(folder)
    tokenizer = pairs_script.encode(ex.load_encoder("mini"), pairs)
    matrix = np.where(np.eye(4096, dtype=bool), 100, -100)
    same = replace(pairs, members=[(0, 0), (2, 2)])
    assert measures.scores_of(same, tokenizer, matrix, -10, "x") == [21_400, 2_400]
    moved = measures.scores_of(pairs, tokenizer, matrix, -10, "x")
    assert moved[0] < 21_400
    assert moved[1] < 2_400


@pytest.mark.slow
def test_the_command_writes_the_tables_that_the_package_reads(
    pairs_script, folder, tmp_path, monkeypatch, capsys
):
    """The same columns as those shipped; the first line says what made them."""
    words = ["pairs.py", str(folder), "--encoders", "mini", "--resamples", "20", "--out"]
    monkeypatch.setattr(sys, "argv", [*words, str(tmp_path)])
    pairs_script.main()
    assert "AUROC" in capsys.readouterr().out
    for name in ("scores.csv", "curves.csv"):
        assert (tmp_path / name).read_text().startswith("# python benchmarks/pairs.py FOLDER")
        own = pd.read_csv(tmp_path / name, comment="#")
        shipped = pd.read_csv(FOLDER / name, comment="#")
        assert list(own.columns) == list(shipped.columns)
    monkeypatch.setattr(sys, "argv", ["pairs.py", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        pairs_script.main()
    assert "There is no pairs.npz in" in capsys.readouterr().err


def test_calibration_is_tried_on_pairs_that_it_was_not_made_of(measures):
    """A pair whose still residues all lie far does not make its own threshold."""
    table = pd.DataFrame({"pair": np.repeat(np.arange(5), 40), "neighborhood": 0.1, "latent": 1.0})
    table.loc[table.index % 2 == 1, "neighborhood"] = 2.0
    table.loc[table["pair"] == 3, "latent"] = 9.0
    draws = np.ones((3, 5), dtype=int)
    (_, state, still, low, high, residues, n), (*_, moved, _, _, _, _) = measures.held_out(
        table, draws
    )
    assert (state, residues, n) == ("still", 100, 5)
    assert still == moved == pytest.approx(0.2)
    assert low == high == pytest.approx(0.2)


def changed(folder: Path, to: Path, table: pd.DataFrame | None = None, **arrays) -> Path:
    """Write the two pairs again, with other arrays (None: without it), or another table."""
    to.mkdir(exist_ok=True)
    with np.load(folder / "pairs.npz") as file:
        kept = {**{name: file[name] for name in file.files}, **arrays}
    np.savez(to / "pairs.npz", **{k: v for k, v in kept.items() if v is not None})
    table = pd.read_csv(folder / "pairs.csv") if table is None else table
    table.to_csv(to / "pairs.csv", index=False)
    return to


def test_odd_pairs_are_left_out_and_told(pairs_script, folder, tmp_path):
    """A chain with itself, and one that shares two residues: no movement can be measured there."""
    table = pd.read_csv(folder / "pairs.csv")
    odd = changed(folder, tmp_path / "itself", chain_b=np.array([1, 2]))
    pairs = pairs_script.read_pairs(odd)
    assert pairs.left_out == ["peptide: a chain with itself"]
    assert (len(pairs.chains), pairs.members, len(pairs.table)) == (2, [(0, 1)], 1)
    odd = changed(folder, tmp_path / "short", table[::-1], pair_size=np.array([2, 24]))
    pairs = pairs_script.read_pairs(odd)
    assert pairs.left_out == ["adenylate: 2 paired residues have a backbone in both"]
    assert [chain.id for chain in pairs.chains] == ["1AS5", "1AS5"]
    with pytest.raises(pairs_script.PairsError, match="no pair to measure: adenylate: 2 paired"):
        pairs_script.read_pairs(changed(folder, tmp_path, pair_size=np.array([2, 1])))


def test_a_folder_that_is_none_is_told_what_it_lacks(pairs_script, folder, tmp_path):
    """Files, arrays, columns and rows that are missing; indices that are beyond a chain."""
    table = pd.read_csv(folder / "pairs.csv")
    for said, arrays in (
        ("pairs.npz lacks xyz", {"xyz": None}),
        ("pairs.csv lacks the columns kind", {"table": table.drop(columns="kind")}),
        ("has no row for peptide of pairs.npz", {"table": table[:1]}),
        ("has peptide more than once", {"table": table.iloc[[0, 1, 1]]}),
        ("peptide has a chain or a residue that is not there", {"chain_b": np.array([1, 4])}),
        ("adenylate has a chain or", {"index_a": np.arange(238) + 1}),
    ):
        with pytest.raises(pairs_script.PairsError, match=said):
            pairs_script.read_pairs(changed(folder, tmp_path, **arrays))
    (tmp_path / "pairs.csv").unlink()
    with pytest.raises(pairs_script.PairsError, match="There is no pairs.csv in"):
        pairs_script.read_pairs(tmp_path)
    (tmp_path / "pairs.npz").write_bytes((folder / "pairs.npz").read_bytes()[:5_000])
    with pytest.raises(pairs_script.PairsError, match="damaged or cut off"):
        pairs_script.read_pairs(tmp_path)


def test_mini_is_calibrated_by_its_digest():
    """The shipped mini is the one that was measured; its threshold has the false alarms it says."""
    info = ex.encoder_info(ex.load_encoder("mini"))
    curve = calibrated(info)
    assert info.title in calibrated_encoders()
    assert false_alarms_at(curve, np.array([threshold_of(curve)]))[0] == pytest.approx(
        FALSE_ALARMS, abs=0.002
    )
    assert (np.diff(curve["false_alarms"]) <= 0).all()
    assert (np.diff(curve["detected"]) <= 0).all()


def test_the_latent_sees_far_more_than_its_token():
    """In the shipped tables, for each encoder: intervals of latent and token do not meet."""
    table = pairs_benchmark().to_frame()
    auroc = table[table["measure"] == "AUROC"].set_index(["encoder", "score"])
    for encoder in calibrated_encoders():
        assert auroc.loc[(encoder, "latent"), "low"] > auroc.loc[(encoder, "token"), "high"]
    assert "AUROC of moved against still" in pairs_benchmark().summary()
    assert "benchmarks/pairs.py" in pairs_benchmark().command
