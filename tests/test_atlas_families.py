"""Families: in what is said of codes, each counts as one chain."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import esm_explore as ex
from esm_explore.atlas import building
from esm_explore.atlas.categories import KINDS
from esm_explore.atlas.families import families_of
from esm_explore.atlas.statistics import correlation, usage_effect
from esm_explore.errors import AtlasError, ChainWarning, TraceError

NAMES = ["1UBI", "4AKE", "2HT0", "5PTI"]


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Two more files of 4AKE, which are read last and so are in another part."""
    folder = tmp_path_factory.mktemp("copies")
    chain = ex.read_chain("4AKE")
    for name in ("copy.pdb", "again.pdb"):
        chain.to_pdb(folder / name)
    return folder


@pytest.fixture(scope="module")
def once(coded, tmp_path_factory):
    return ex.build_atlas(coded, NAMES, tmp_path_factory.mktemp("atlas") / "once")


@pytest.fixture(scope="module")
def thrice(coded, copies, tmp_path_factory):
    """The same with 4AKE three times, in several parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "_GROUP", 100)
        out = tmp_path_factory.mktemp("atlas") / "thrice"
        return ex.build_atlas(coded, [*NAMES, copies], out)


@pytest.mark.slow
def test_a_family_given_three_times_changes_no_card(once, thrice):
    """But for the counts of residues and chains; only the copies' coordinates are rounded."""
    assert len(thrice._parts) > 2
    assert thrice.manifest["families"]["families"] == once.manifest["families"]["families"] == 4
    for code in np.flatnonzero(once.codes["count"]):
        first, second = once.code(code), thrice.code(code)
        frames = [card.to_frame().drop(columns="count") for card in (first, second)]
        pd.testing.assert_frame_equal(*frames, rtol=1e-5, check_dtype=False)
        for name in ("share", "share_low", "share_high", "margin"):
            assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-3)
        assert (first.families, first.description) == (second.families, second.description)
        for name in ("borders", "before", "after"):
            pd.testing.assert_frame_equal(
                getattr(first, name), getattr(second, name), rtol=1e-3, atol=1e-6
            )
        assert first.synonyms == second.synonyms
        shown = [[one.distance for one in card.exemplars] for card in (first, second)]
        np.testing.assert_allclose(*shown, atol=0.01)
    counts = [atlas.codes.set_index("token")["count"] for atlas in (once, thrice)]
    assert (counts[1] >= counts[0]).all()
    assert counts[1].sum() == counts[0].sum() + 2 * 214


@pytest.mark.slow
def test_families_are_kept_and_can_be_given(once, thrice, coded, copies, tmp_path):
    """By a mapping or a CSV file; chains not named are of one family by their sequence."""
    table = pq.read_table(thrice.path / "codes" / "families.parquet").to_pandas()
    assert table["structure"].tolist() == ["1UBI", "4AKE", "2HT0", "5PTI", "again", "copy"]
    assert table["family"].nunique() == 4
    assert table.groupby("family")["structure"].agg(list).map(len).max() == 3
    given = {"1UBI_A": "small", "5PTI_A": "small"}
    csv = tmp_path / "families.csv"
    csv.write_text("chain,family\n1UBI_A,small\n5PTI_A,small\n")
    for families in (given, csv, str(csv)):
        parts = thrice._parts
        found, about = families_of(parts, building.given_families(families))
        assert len(found) == about["families"] == 3
        assert about["chains_given_a_family"] == 2
    atlas = ex.build_atlas(coded, NAMES, tmp_path / "atlas", families=given)
    assert atlas.manifest["families"]["families"] == 3
    # The same rows, of other families.
    assert atlas.residues()["token"].equals(once.residues()["token"])


def test_families_that_fit_nothing_are_told(coded, thrice, tmp_path):
    """Chains that are not there, columns that are not, a chain twice, no file, no mapping."""
    with pytest.warns(ChainWarning, match="chains that are not in the atlas: 9ZZZ_A"):
        families_of(thrice._parts, {"9ZZZ_A": "x"})
    csv = tmp_path / "families.csv"
    for text, said in (
        ("a,b\n1,2\n", "has columns a, b; it has to have chain"),
        ("chain,family\n1UBI_A,x\n1UBI_A,y\n", "names chains twice: 1UBI_A"),
        ("", "is no CSV file of families"),
    ):
        csv.write_text(text)
        with pytest.raises(AtlasError, match=said):
            ex.build_atlas(coded, "1UBI", tmp_path / "atlas", families=csv)
    with pytest.raises(AtlasError, match="is no CSV file of families"):
        ex.build_atlas(coded, "1UBI", tmp_path / "atlas", families=tmp_path / "none.csv")
    for wrong in (5, {"1UBI_A": 3}):
        with pytest.raises(TraceError, match="families is .*; it has to be a mapping"):
            ex.build_atlas(coded, "1UBI", tmp_path / "atlas", families=wrong)
    assert not (tmp_path / "atlas").exists()


def test_the_correlation_of_families_that_were_made_so_is_found():
    """Half of a family's residues copy one draw, the rest are drawn alone: 0.25 of pairs agree."""
    random = np.random.default_rng(0)
    n_codes, n_families, size = 40, 60, 8
    common = random.random((n_codes, n_families, 1)) < 0.3
    own = random.random((n_codes, n_families, size)) < 0.3
    copies = random.random((n_codes, n_families, size)) < 0.5
    per_family = np.where(copies, common, own).sum(-1).astype(float)
    counts = np.stack([per_family, size - per_family], -1)
    total = np.full(n_codes, float(n_families * size))
    families = np.full(n_codes, n_families)
    squares = np.full(n_codes, float(n_families * size**2))
    same = (counts**2 / size).sum(1)
    found = correlation(total, counts.sum(1), families, squares, same)
    np.testing.assert_allclose(found, 0.25, atol=0.04)
    one = correlation(total, counts.sum(1), np.ones(n_codes, int), squares, same)
    np.testing.assert_array_equal(one, 1)


def test_a_code_that_comes_in_runs_has_a_wider_interval():
    """Alone in each of many families it is as if drawn alone; all in one family, it is one."""
    sizes = np.full(1000, 100.0)
    counts, with_size = np.array([500.0, 500.0]), np.array([50_000.0, 50_000.0])
    squares = np.array([500.0, 500 * 50.0])  # 500 families of one; ten of fifty
    effect = usage_effect(counts, squares, with_size, sizes)
    assert effect[0] == pytest.approx(1, abs=0.01)
    assert effect[1] == pytest.approx(50, rel=0.02)
    assert usage_effect(counts, squares, with_size, np.array([1e5])).tolist() == [1e5, 1e5]


def test_shares_of_categories_are_weighed_by_family(thrice):
    """As the rows have them, each with one over the chains of its family."""
    rows = pq.read_table(thrice.path / "residues").to_pandas()
    rows = rows[rows["has_frame"]]
    weight = np.where(rows["structure"].isin(["4AKE", "copy", "again"]), 1 / 3, 1)
    code = int(thrice.codes["share"].idxmax())
    own = (rows["token"] == code).to_numpy()
    card = thrice.code(code).to_frame().set_index(["kind", "category"])
    for letter in "AGLV":
        chosen = (rows["amino_acid"] == letter).to_numpy()
        row = card.loc["amino_acid", letter]
        share = weight[own & chosen].sum() / weight[own].sum()
        assert row["share"] == pytest.approx(share, rel=1e-5)
        assert row["background"] == pytest.approx(weight[chosen].sum() / weight.sum(), rel=1e-5)
        assert row["count"] == (own & chosen).sum()
    assert thrice.codes["share"].sum() == pytest.approx(1)


def test_relative_positions_and_contact_order_are_those_of_the_neighbors(once):
    """From the rows' own lists of neighbors."""
    rows = pq.read_table(once.path / "residues").to_pandas()
    start = np.arange(len(rows)) - rows["index"].to_numpy()
    code = int(once.codes["count"].idxmax())
    has, order = [], []
    for i in np.flatnonzero(rows["has_frame"] & (rows["token"] == code)):
        number = rows["number"].to_numpy()
        relative = number[start[i] + rows["neighbors"][i]] - number[i]
        has.append([(relative == 4).any(), ((relative >= -16) & (relative <= -9)).any()])
        order.append(np.abs(relative[relative != 0]).mean())
    card = once.code(code).to_frame().set_index(["kind", "category"])
    right = np.sum(has, 0)
    assert card.loc["relative_position", "+4"]["count"] == right[0]
    assert card.loc["relative_position", "-16 to -9"]["count"] == right[1]
    classes = np.bincount(np.digitize(order, [15, 40]), minlength=3)
    assert card.loc["contact_order"]["count"].tolist() == classes.tolist()
    assert set(card.index.get_level_values(0)) == set(KINDS)
    assert json.loads((once.path / "manifest.json").read_text())["least"] == 20


def test_shares_are_told_of_cards_and_pictures_by_what_families_weigh(once, thrice):
    """A code of 20 residues that are three times the same seven has counts, and no shares."""
    found = [
        code
        for code in np.flatnonzero(thrice.codes["count"] >= 20)
        if not thrice.code(code).has_shares
    ]
    assert found
    for code in found:
        assert not once.code(code).has_shares
        with pytest.raises(TraceError, match=r"of \d families; shares are of at least 20 residues"):
            ex.plots.enrichments(thrice.code(code))
    told = next(code for code in np.flatnonzero(once.codes["count"]) if once.code(code).has_shares)
    assert str(told) in ex.plots.enrichments(thrice.code(told)).what
