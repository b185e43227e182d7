"""What codes mean beside each other: pairs in chains, synonyms, other alphabets, the decoder."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import poisson

import esm_explore as ex
from esm_explore.atlas.crosswalk import crosswalk_of
from esm_explore.atlas.meanings import change_of_meaning
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import AtlasError

NAMES = ["1UBI", "4AKE", "2HT0", "5PTI"]


@pytest.fixture(scope="module")
def built(coded, tmp_path_factory):
    return ex.build_atlas(coded, NAMES, tmp_path_factory.mktemp("atlas") / "atlas")


@pytest.fixture(scope="module")
def rows(built):
    table = pq.read_table(built.path / "residues").to_pandas()
    return table[table["has_frame"]].reset_index(drop=True)


@pytest.fixture(scope="module")
def trace():
    return ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))


def test_what_follows_is_compared_with_chance(built, rows):
    """Lift from the rows' pairs; q of a Poisson test of families, over all pairs of codes."""
    after = rows.groupby("structure")["token"].shift(-1)
    pairs = rows.assign(after=after)[rows["psi"].notna() & after.notna()]
    code = int(built.codes["count"].idxmax())
    card = built.code(code)
    first, then = pairs["token"].value_counts(), pairs["after"].value_counts()
    assert len(card.after) == 5
    for row in card.after.to_dict("records"):
        own = pairs[(pairs["token"] == code) & (pairs["after"] == row["token"])]
        expected = first[code] * then[row["token"]] / len(pairs)
        assert row["count"] == len(own)
        assert row["families"] == own["structure"].nunique()
        assert row["lift"] == pytest.approx(len(own) / expected, rel=1e-5)
        p = poisson.sf(row["families"] - 1, expected)
        assert p - 1e-9 <= row["q"] <= 1
    assert f"{card.after['token'][0]} ({card.after['count'][0]:,}, " in str(card)


def test_perplexity_is_of_families_that_were_held_out(built, rows):
    """The first of ten is: pairs of 1UBI are guessed from those of the others."""
    after = rows.groupby("structure")["token"].shift(-1)
    pairs = rows.assign(after=after)[rows["psi"].notna() & after.notna()]
    held = pairs["structure"] == "1UBI"
    seen, new = pairs[~held], pairs[held]
    single = (np.bincount(seen["after"].astype(int), minlength=512) + 1) / (len(seen) + 512)
    logs = []
    for old, then in zip(new["token"], new["after"].astype(int), strict=True):
        own = seen[seen["token"] == old]["after"]
        left = own.nunique()
        chance = single[then]
        if len(own):
            chance = ((own == then).sum() + left * chance) / (len(own) + left)
        logs.append((np.log(single[then]), np.log(chance)))
    right = np.exp(-np.mean(logs, 0))
    found = built.manifest["perplexity"]
    np.testing.assert_allclose([found["unigram"], found["bigram"]], right, rtol=1e-4)


def test_near_codes_are_those_of_the_codebook(built, coded, rows):
    """Distances, exchanges and divergences are those of the codes and the rows."""
    codes = modules_of(coded).codes.numpy()
    code = int(built.codes["count"].idxmax())
    found = built.synonyms(code)
    used = np.flatnonzero(built.codes["count"])
    apart = np.linalg.norm(codes[used] - codes[code], axis=1)
    order = used[np.argsort(apart)][1:11]
    assert found["token"].tolist() == order.tolist()
    np.testing.assert_allclose(found["distance"], np.sort(apart)[1:11], rtol=1e-3)
    for row in found.itertuples():
        pair = rows[rows["token"].isin([code, row.token])]
        other = np.where(pair["token"] == code, row.token, code)
        assert row.exchanged == pytest.approx((pair["runner_up"] == other).mean(), abs=1e-3)
        if pair["token"].value_counts().min() >= 20:
            shares = [
                pd.crosstab(pair["token"], pair["ss"], normalize="index").loc[token]
                for token in (code, row.token)
            ]
            plain = jensenshannon(*shares, base=2) ** 2
            assert row.divergence >= 0
            # At least that of secondary structure, less what chance makes of 20 residues.
            assert row.divergence >= plain - 8 / (8 * np.log(2)) * 2 / 20 - 1e-3
        else:
            assert np.isnan(row.divergence)
    with pytest.raises(AtlasError, match="no code 512"):
        built.synonyms(512)


@pytest.mark.slow
def test_synonyms_of_the_bundled_atlas_are_mutual():
    """Any two of a cluster are near, alike and exchanged, each seen from the other."""
    atlas = ex.open_atlas()
    clusters = atlas.synonym_clusters()
    used = (atlas.codes["count"] > 0).sum()
    assert atlas.n_meanings == used - (clusters["size"] - 1).sum()
    assert len(clusters) > 0
    for cluster in clusters.head(20).itertuples():
        assert len(cluster.codes) == cluster.size > 1
        for code in cluster.codes:
            near = atlas.synonyms(code).set_index("token")
            others = [other for other in cluster.codes if other != code]
            assert near.loc[others, "synonym"].all()
            assert (near.loc[others, "divergence"] <= 0.05).all()
            assert (near.loc[others, "exchanged"] >= 0.05).all()
            assert set(atlas.code(code).synonyms) == set(others)
            assert near["synonym"].sum() == len(others)


@pytest.mark.slow
def test_a_change_of_code_is_one_of_meaning_or_not(trace, built, coded):
    """For mini the bundled atlas knows; for others the one that is given; else it is not known."""
    atlas = ex.open_atlas()
    first, second = atlas.synonym_clusters()["codes"][0][:2]
    other = next(code for code in range(4096) if code not in (first, *atlas.code(first).synonyms))
    old, new = np.array([first] * 4), np.array([first, second, other, -1])
    found = change_of_meaning(old, new, trace.encoder_info)
    assert found.tolist() == ["same", "synonym", "another", "not known"]
    info = ex.encoder_info(coded)
    assert change_of_meaning(old[:1], new[1:2], info).tolist() == ["not known"]
    used, unused = built.codes["count"].idxmax(), built.codes["count"].idxmin()
    both = change_of_meaning(np.array([used] * 2), np.array([used, unused]), info, built)
    assert both.tolist() == ["same", "not known"]
    with pytest.raises(AtlasError, match="This atlas is of .* the codes are of mini"):
        change_of_meaning(old, new, trace.encoder_info, built)


def test_crosswalks_count_and_tell_how_much_is_shared(built, rows):
    """DSSP's and 3Di's letters of each code; 3Di's own with DSSP."""
    found = built.crosswalk("dssp")
    right = pd.crosstab(rows["token"], rows["ss"])
    for letter in right:
        assert found.counts[letter].tolist() == right[letter].tolist()
    assert "P-SEA" in repr(found)
    assert 0 < found.information < found.entropy
    assert found.left == found.entropy - found.information
    pytest.importorskip("mini3di")
    found = built.crosswalk("3di")
    assert 0.9 < found.counts.to_numpy().sum() / len(rows) < 1
    other = built.crosswalk("dssp", symbols="3di")
    np.testing.assert_array_equal(other.counts.sum(1), found.counts.sum(0)[other.counts.index])
    with pytest.raises(AtlasError, match="no alphabet 'cath'; it is one of: dssp, 3di"):
        built.crosswalk("cath")
    with pytest.raises(AtlasError, match="no symbols 'x'"):
        built.crosswalk("dssp", symbols="x")


def test_information_of_nothing_is_none_and_of_the_same_is_all():
    """Chance alone gives 4,096 symbols half a bit with ten residues each; that is taken off."""
    random = np.random.default_rng(0)
    chance = random.multinomial(10, [0.4, 0.3, 0.2, 0.1], 4096)
    assert crosswalk_of(pd.DataFrame(chance), "x").information < 0.01
    same = crosswalk_of(pd.DataFrame(np.diag([1000, 1000, 1000, 1000])), "x")
    assert same.information == pytest.approx(2, abs=0.02)
    assert same.entropy == 2


def test_without_mini3di_there_are_no_letters_of_3di(coded, tmp_path, monkeypatch):
    """All else is there; what is missing says what to install."""
    monkeypatch.setitem(sys.modules, "mini3di", None)
    atlas = ex.build_atlas(coded, "1UBI", tmp_path / "atlas")
    assert atlas.manifest["threedi"] == 0
    assert "not known of any residue" in str(atlas.code(int(atlas.codes["count"].idxmax())))
    with pytest.raises(AtlasError, match=r"mini3di was not installed .* \[atlas\]|esm_explore\["):
        atlas.crosswalk("3di")


@pytest.mark.slow
def test_the_local_decoder_draws_minis_codes_and_no_others(built):
    """At the medoid's relative positions; nearer to the medoid than another code's is."""
    atlas = ex.open_atlas()
    cards = [atlas.code(code) for code in range(0, 4096, 256)]
    cards = [card for card in cards if card.count]
    for card in cards:
        drawn = card.decoded
        medoid = card.exemplars[0]
        clipped = medoid.relative_positions.clip(-32, 32)
        np.testing.assert_array_equal(drawn.relative_positions, clipped)
        apart = ((drawn.ca - medoid.ca)[1:] ** 2).sum(1).mean() ** 0.5
        assert card.decoder_rmsd == pytest.approx(apart, rel=1e-5)
        assert f"{apart:.1f} Å off" in str(card)
    others = []
    for card, other in zip(cards, cards[1:] + cards[:1], strict=True):
        asked = card.exemplars[0].relative_positions[1:]
        drawn = ex.decoding.decode_neighborhood(ex.load_encoder(), other.code, asked)
        others.append(((drawn.ca - card.exemplars[0].ca)[1:] ** 2).sum(1).mean() ** 0.5)
    assert np.mean([card.decoder_rmsd for card in cards]) < np.mean(others) / 1.2
    other = built.code(int(built.codes["count"].idxmax()))
    assert other.decoded is None
    assert np.isnan(other.decoder_rmsd)
    assert "decoder" not in str(other)
