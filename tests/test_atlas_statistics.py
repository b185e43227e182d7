"""The numbers of codes: each is compared with one that is made in another way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.stats import binomtest, false_discovery_control

import esm_explore as ex
from esm_explore.atlas import building
from esm_explore.atlas.categories import KINDS, Around, categories_of
from esm_explore.atlas.counting import latents_of
from esm_explore.atlas.describing import describe
from esm_explore.atlas.statistics import LEAST, enrichment, q_of_some, wilson
from esm_explore.experiments.alike import same_token

NAMES = ["1UBI", "1AS5", "5PTI", "4AKE", "1EK9", "2HT0"]


@pytest.fixture(scope="module")
def atlas(coded, tmp_path_factory):
    """An atlas of six examples in several parts, with the few codes of the toy encoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "_GROUP", 100)
        return ex.build_atlas(coded, NAMES, tmp_path_factory.mktemp("atlas") / "atlas")


@pytest.fixture(scope="module")
def traces(coded):
    return [ex.trace(coded, ex.read_chain(name)) for name in NAMES]


@pytest.fixture(scope="module")
def rows(atlas):
    """All residues with a backbone frame, with their latents."""
    table = pq.read_table(atlas.path / "residues")
    latents = latents_of(table["latent"])
    frame = table.drop_columns(["latent"]).to_pandas()
    framed = frame["has_frame"].to_numpy()
    return frame[framed].reset_index(drop=True), latents[framed]


def test_counts_shares_chains_and_margins_are_those_of_the_rows(atlas, rows):
    """Of residues with a frame; codes that none has are rows of zeros."""
    table, codes = rows[0], atlas.codes
    assert codes["token"].tolist() == list(range(512))
    counts = table["token"].value_counts().reindex(range(512), fill_value=0)
    np.testing.assert_array_equal(codes["count"], counts)
    assert len(atlas._parts) > 3
    chains = table.groupby("token")["structure"].nunique().reindex(range(512), fill_value=0)
    np.testing.assert_array_equal(codes["chains"], chains)
    assert (counts == 0).any()
    margin = table.groupby("token")["margin"].mean().reindex(range(512))
    np.testing.assert_allclose(codes["margin"], margin, rtol=1e-5)
    for code in (int(counts.idxmax()), int(counts.idxmin())):
        row = codes.loc[code]
        assert row["share"] == pytest.approx(counts[code] / len(table))
        right = binomtest(int(counts[code]), len(table)).proportion_ci(0.95, "wilson")
        # Residues of one chain are not independent: the interval is never narrower.
        assert row["share_low"] <= right.low + 1e-12
        assert row["share_high"] >= right.high - 1e-12


def test_wilson_is_scipys():
    """Also at no and at all residues."""
    found = np.array([0, 3, 50, 100])
    low, high = wilson(found / 100, np.full(4, 100))
    for i, k in enumerate(found):
        right = binomtest(int(k), 100).proportion_ci(0.95, "wilson")
        assert (low[i], high[i]) == pytest.approx((right.low, right.high), abs=1e-9)


def test_categories_enrichment_and_q_are_those_of_the_rows(atlas, rows):
    """Shares against those of all residues; scipy's binomial test and Benjamini and Hochberg."""
    table = rows[0]
    code = int(atlas.codes["count"].idxmax())
    own = table[table["token"] == code]
    assert len(own) >= LEAST
    card = atlas.code(code).to_frame().set_index(["kind", "category"])
    for kind in ("ss", "amino_acid"):
        for category, value in own[kind].value_counts().items():
            row = card.loc[kind, category]
            assert row["count"] == value
            assert row["background"] == pytest.approx((table[kind] == category).mean())
            right = (own[kind] == category).mean() / (table[kind] == category).mean()
            assert row["enrichment"] == pytest.approx(right)
    for name, (least, most) in {"exposed": (0, 13), "middle": (14, 20), "buried": (21, 99)}.items():
        assert card.loc["burial", name]["count"] == own["burial"].between(least, most).sum()
    known = own.dropna(subset=["phi", "psi"])
    alpha = (known["phi"] < 0) & known["psi"].between(-120, 50, inclusive="left")
    assert card.loc["ramachandran", "alpha"]["count"] == alpha.sum()


def test_q_values_are_those_of_benjamini_and_hochberg():
    """Over all codes and categories; codes below the least count say nothing."""
    counts = np.array([[60, 40], [10, 90], [3, 4], [0, 0]])
    one = np.ones((4, 2))
    share, ratio, q, low, high = enrichment(counts, counts.sum(1), np.array([0.5, 0.5]), one)
    assert np.isnan([share[2:], ratio[2:], q[2:], low[2:], high[2:]]).all()
    np.testing.assert_allclose(share[0], [0.6, 0.4])
    np.testing.assert_allclose(ratio[1], [0.2, 1.8])
    p = [binomtest(k, 100, 0.5).pvalue for k in (60, 40, 10, 90)]
    np.testing.assert_allclose(q[:2].ravel(), false_discovery_control(p), rtol=1e-6)
    few = enrichment(np.full((2, 2), 5), np.full(2, 10), np.array([0.5, 0.5]), one[:2])
    assert np.isnan(few[2]).all()
    some = np.array([0.01, 0.2, 0.03])
    right = false_discovery_control(np.concatenate([some, np.ones(97)]))[:3]
    np.testing.assert_allclose(q_of_some(some, 100), right)


def test_residues_that_count_as_one_make_q_larger_and_intervals_wider():
    """Of four that are alike in a family, a quarter counts: 100 residues are as 25."""
    expected = np.array([0.5, 0.5])
    many, few = np.array([[80, 20]]), np.array([[20, 5]])
    alike = enrichment(many, many.sum(1), expected, np.full((1, 2), 4.0))
    alone = enrichment(few, few.sum(1), expected, np.ones((1, 2)))
    for first, second in zip(alike, alone, strict=True):
        np.testing.assert_allclose(first, second)


def test_a_category_that_no_residue_has_is_no_enrichment():
    """As DSSP's letters in an atlas of P-SEA's."""
    counts, expected = np.array([[30, 0]]), np.array([1.0, 0])
    _, ratio, q, _, _ = enrichment(counts, counts.sum(1), expected, np.ones((1, 2)))
    np.testing.assert_allclose(ratio, [[1, 1]])
    np.testing.assert_allclose(q, [[1, 1]])


def test_residues_are_sorted_into_categories():
    """An alpha helix, a strand, a left-handed turn, glycine's region; what is not known."""
    table = pd.DataFrame(
        {
            "ss": ["H", "E", "T", "S", None],
            "amino_acid": ["A", "V", "N", "G", "X"],
            "phi": [-63, -120, 57, 80, np.nan],
            "psi": [-42, 130, 40, -170, 10],
            "burial": [21, 13, 14, np.nan, 40],
        }
    )
    around = Around(np.array([0, 0, 0, 1, 1, 3]), np.array([-1, 4, 8, -33, 150, 0]))
    found = {
        kind: [[KINDS[kind][i] for i in np.flatnonzero(row[:-1])] for row in marks]
        for kind, marks in categories_of(table, around, np.array([*"ACDE", ""])).items()
    }
    assert found == {
        "ss": [["H"], ["E"], ["T"], ["S"], []],
        "amino_acid": [["A"], ["V"], ["N"], ["G"], []],
        "ramachandran": [["alpha"], ["beta"], ["left"], ["other"], []],
        "burial": [["buried"], ["exposed"], ["middle"], [], ["buried"]],
        "relative_position": [
            *(["-1", "+4", "+5 to +8"], ["-33 or less", "+33 or more"], [], [], []),
        ],
        "contact_order": [["local"], ["distant"], [], ["local"], []],
        "threedi": [["A"], ["C"], ["D"], ["E"], []],
    }


def test_exemplars_are_nearest_to_the_mean_and_of_different_chains(atlas, rows):
    """The medoid first; at most six."""
    table, latents = rows
    for code in atlas.codes.nlargest(5, "count")["token"]:
        own = (table["token"] == code).to_numpy()
        distance = np.linalg.norm(latents[own] - latents[own].mean(0), axis=1)
        nearest = table[own].assign(distance=distance).sort_values("distance")
        nearest = nearest.drop_duplicates("structure").head(6)
        card = atlas.code(code)
        labels = [f"{r.structure} {r.chain} {r.number}" for r in nearest.itertuples()]
        assert [one.label for one in card.exemplars] == labels
        np.testing.assert_allclose(
            [one.distance for one in card.exemplars], nearest["distance"], rtol=1e-4
        )


def test_an_exemplars_neighborhood_is_seen_from_its_query(atlas, traces):
    """As `same_token` sees it, which asks esm for the frames; the backbone to half precision."""
    for code in atlas.codes.nlargest(5, "count")["token"]:
        card, right = atlas.code(code), same_token(traces, int(code))
        for one in card.exemplars:
            i = right.labels.index(one.label)
            np.testing.assert_allclose(one.ca, right.ca[i], atol=0.02)
            np.testing.assert_array_equal(one.relative_positions, right.relative_positions[i])
        np.testing.assert_array_equal(card.medoid_backbone[:, 1], card.exemplars[0].ca)
        n_ca = np.linalg.norm(card.medoid_backbone[:, 0] - card.medoid_backbone[:, 1], axis=1)
        np.testing.assert_allclose(n_ca, 1.46, atol=0.1)


def test_edges_are_the_smallest_margins(atlas, rows):
    """Each of another chain."""
    table = rows[0]
    code = int(atlas.codes["count"].idxmax())
    own = table[table["token"] == code].sort_values("margin").drop_duplicates("structure").head(3)
    assert [margin for _, margin in atlas.code(code).edges] == pytest.approx(own["margin"].tolist())


def test_borders_and_neighbors_in_the_chain_are_counted(atlas, rows):
    """Runner-ups; codes before and after along bonded residues, never over a chain's end."""
    table = rows[0]
    code = int(atlas.codes["count"].idxmax())
    card = atlas.code(code)
    borders = table[table["token"] == code]["runner_up"].value_counts()
    assert card.borders["count"].tolist() == borders.head(5).tolist()
    after = table.groupby("structure")["token"].shift(-1)
    bonded = after[(table["token"] == code) & table["psi"].notna()].value_counts()
    assert card.after["count"].tolist() == bonded.head(5).tolist()
    before = table.groupby("structure")["token"].shift(1)
    bonded = before[(table["token"] == code) & table["phi"].notna()].value_counts()
    assert card.before["count"].tolist() == bonded.head(5).tolist()


@pytest.mark.slow
def test_parts_make_no_difference(atlas, coded, tmp_path):
    """One part or several: the same table of codes, to the last exemplar."""
    whole = ex.build_atlas(coded, NAMES, tmp_path / "whole")
    assert len(whole._parts) == 1
    both = [pq.read_table(one.path / "codes" / "codes.parquet") for one in (atlas, whole)]
    plain = ["count", "chains", "ss", "amino_acid", "burial", "borders", "before", "after"]
    assert both[0].select(plain).equals(both[1].select(plain))
    first, second = (
        [[(e["structure"], e["number"]) for e in row] for row in table["exemplars"].to_pylist()]
        for table in both
    )
    same = [a == b for a, b in zip(first, second, strict=True)]
    assert np.mean(same) > 0.99  # latents differ by rounding, which can turn ties


def shares(kind, **values):
    return np.array([values.get(name, 0.0) for name in KINDS[kind]])


def test_descriptions_follow_rules():
    """Mostly, or of two; sides and burial where they stand out; letters that are sure."""
    nothing = {kind: np.zeros(len(names)) for kind, names in KINDS.items()}
    assert describe(0, nothing, nothing, nothing) == "not used"
    assert describe(1, nothing, nothing, nothing) == "too few to tell: 1 residue"
    assert describe(19, nothing, nothing, nothing) == "too few to tell: 19 residues"
    share = {
        "ss": shares("ss", H=0.93, T=0.07),
        "amino_acid": shares("amino_acid", A=0.3, L=0.3),
        "ramachandran": shares("ramachandran", alpha=1),
        "burial": shares("burial", buried=0.8),
    }
    ratio = {
        **share,
        "amino_acid": shares("amino_acid", A=3.0, L=2.0, W=9.0),
        "burial": shares("burial", buried=2.4),
    }
    q = {"amino_acid": 1 - shares("amino_acid", A=1, L=1, W=0.5)}
    said = describe(100, share, ratio, q)
    assert said == "alpha helix (93%); buried; more A (3.0x), L (2.0x)"
    share["ss"] = shares("ss", E=0.4, C=0.35)
    share["ramachandran"] = shares("ramachandran", left=0.7)
    said = describe(100, share, ratio, q)
    assert said.startswith("strand or coil (40%, 35%); left-handed; buried")
    share["ss"] = np.full(9, np.nan)
    assert describe(100, share, ratio, q).startswith("secondary structure not known")
