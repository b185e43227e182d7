"""`open_atlas`: what is asked is answered as the rows say; what is not an atlas is refused."""

from __future__ import annotations

import json
import re
import shutil
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

import esm_explore as ex
from esm_explore.atlas import building
from esm_explore.atlas.opening import SHIPPED
from esm_explore.errors import AtlasError, TraceError

NAMES = ["1UBI", "4AKE", "2HT0"]


@pytest.fixture(scope="module")
def built(coded, tmp_path_factory):
    """An atlas in three parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "_GROUP", 50)
        return ex.build_atlas(coded, NAMES, tmp_path_factory.mktemp("atlas") / "atlas")


@pytest.fixture(scope="module")
def trace(coded):
    return ex.trace(coded, ex.read_chain("4AKE"))


@pytest.fixture
def copied(built, tmp_path):
    """The atlas, to be damaged."""
    return shutil.copytree(built.path, tmp_path / "atlas")


def change(folder, **changed):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def test_opening_gives_what_building_gave(built):
    """By path as text, too; its text names chains, residues, codes and encoder."""
    atlas = ex.open_atlas(str(built.path))
    assert repr(atlas) == repr(built)
    assert re.fullmatch(
        r"Atlas of 3 chains, 386 residues, \d+ of 512 codes; encoder: unnamed encoder \w{8}",
        repr(atlas),
    )


@pytest.mark.slow
def test_the_bundled_atlas_is_of_mini_and_has_a_card_for_every_code():
    """Offline and at once; it holds no residues, and says so."""
    atlas = ex.open_atlas()
    info = ex.encoder_info(ex.load_encoder("mini"))
    assert atlas.manifest["encoder"]["digest"] == info.digest
    assert len(atlas.codes) == 4096
    for code in range(0, 4096, 64):
        card = atlas.code(code)
        assert str(card).startswith(f"Code {code}: ")
        assert card.count == 0 or len(card.exemplars[0].ca) == 16
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*")) < 6e6
    for ask in (atlas.residues, lambda: atlas.neighbors(None, 0)):
        with pytest.raises(AtlasError, match="holds codes alone, no residues: build"):
            ask()


def test_a_card_says_what_it_knows(built):
    """As text, as HTML and as a table; the encoder is named."""
    code = int(built.codes["count"].idxmax())
    card = built.code(code)
    said = str(card)
    assert said.startswith(f"Code {code}: {card.description}\n")
    for text in (
        f"{card.count:,} in {card.chains:,} chains of {card.families:,} families",
        *(f"{card.share:.3%}", card.exemplars[0].label, card.edges[0][0], card.title),
        f"{card.borders['token'][0]} ({card.borders['count'][0]:,})",
    ):
        assert text in said
    html = card._repr_html_()
    assert html.startswith('<div class="mathjax_ignore')
    assert card.description in html
    frame = card.to_frame()
    assert frame.columns.tolist() == [
        *("kind", "category", "count", "share", "background", "enrichment", "q"),
        *("share_low", "share_high"),
    ]
    assert frame[frame["kind"] == "amino_acid"]["count"].sum() == card.count
    rare = built.code(int(built.codes["count"][built.codes["count"] > 0].idxmin()))
    assert "too few to tell" in str(rare)
    assert "secondary structure" not in str(rare)
    unused = built.code(int(built.codes["count"].idxmin()))
    assert (unused.description, unused.exemplars, unused.count) == ("not used", [], 0)
    assert "not used" in unused._repr_html_()


@pytest.mark.slow
def test_a_card_says_how_far_its_exemplars_are_apart():
    """At relative positions of at least two; the query itself is the origin in all."""
    card = ex.open_atlas().code(352)
    spread = card.spread().set_index("relative_position")
    assert (spread["exemplars"] >= 2).all()
    assert spread.loc[0].tolist() == [len(card.exemplars), 0]
    for at in (-1, 3):
        there = [one.ca[one.relative_positions == at] for one in card.exemplars]
        places = np.concatenate(there)
        right = np.sqrt(places.var(0, ddof=1).sum())
        assert spread.loc[at, "spread"] == pytest.approx(right, rel=1e-4)
        assert spread.loc[at, "exemplars"] == len(places)
    own = set(card.exemplars[0].relative_positions.tolist()) - {0}
    assert f"{len(own & set(spread.index))} of the medoid's 15 neighbors are in other" in repr(card)


def test_names_from_files_are_shown_and_not_obeyed(coded, tmp_path):
    """In HTML, where a structure can be called anything."""
    path = tmp_path / "<img src=x onerror=alert(1)>.pdb"
    ex.read_chain("1UBI").to_pdb(path)
    atlas = ex.build_atlas(coded, path, tmp_path / "atlas")
    html = atlas.code(int(atlas.codes["count"].idxmax()))._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html


@pytest.mark.parametrize("code", [512, -1, 1.5, "12", None, True])
def test_an_unknown_code_is_refused(built, code):
    """With those that there are."""
    with pytest.raises(AtlasError, match=r"no code .*; this encoder has 0 to 511"):
        built.code(code)
    if code is not None:
        with pytest.raises(AtlasError, match="no code"):
            built.residues(token=code)


def test_residues_are_chosen_by_token_structure_and_letter(built):
    """All that are given have to hold; without a frame there are none."""
    table = pq.read_table(built.path / "residues").to_pandas()
    table = table[table["has_frame"]]
    code = int(built.codes["count"].idxmax())
    for given in ({"token": code}, {"ss": "H"}, {"amino_acid": "G"}, {"token": code, "ss": "C"}):
        right = table
        for name, value in given.items():
            right = right[right[name] == value]
        found = built.residues(**given)
        assert len(found) == len(right)
        assert found["number"].tolist() == right["number"].tolist()
    assert len(built.residues()) == len(table)
    with pytest.raises(AtlasError, match="There is no ss 'helix'; it is one of: H, G, I"):
        built.residues(ss="helix")


def test_codes_where_ranks_by_enrichment(built):
    """More of each category than all residues have, q below 0.05."""
    found = built.codes_where(ss="H")
    assert len(found)
    assert found["enrichment"].is_monotonic_decreasing
    for row in found.itertuples():
        frame = built.code(row.token).to_frame()
        helix = frame[(frame["kind"] == "ss") & (frame["category"] == "H")].iloc[0]
        assert helix["q"] == row.ss_q < 0.05
        assert helix["enrichment"] == row.enrichment > 1
    both = built.codes_where(ss="H", ramachandran="alpha")
    assert set(both["token"]) <= set(found["token"])
    with pytest.raises(AtlasError, match="Say what codes should have more of: ss, amino_acid"):
        built.codes_where()
    with pytest.raises(AtlasError, match="no burial 'deep'; it is one of: exposed, middle, buried"):
        built.codes_where(burial="deep")


def test_neighbors_are_the_nearest_of_all(built, trace, monkeypatch):
    """As a whole matrix of distances has them; the residue itself comes first, read in pieces."""
    from esm_explore.atlas import asking

    monkeypatch.setattr(asking, "_ROWS", 37)
    table = pq.read_table(built.path / "residues")
    latents = np.array(table["latent"].to_pylist(), np.float32)
    found = built.neighbors(trace, "57", k=20)
    i = trace.index_of("57")
    right = np.linalg.norm(latents - trace.pre_vq[i], axis=1)
    right[~np.array(table["has_frame"])] = np.inf
    order = np.argsort(right, kind="stable")[:20]
    np.testing.assert_allclose(found["distance"], right[order], rtol=1e-5)
    names = list(zip(found["structure"], found["number"], strict=True))
    assert names == [
        (table["structure"][int(j)].as_py(), table["number"][int(j)].as_py()) for j in order
    ]
    assert names[0] == ("4AKE", 57)
    assert len(built.neighbors(trace, 0, k=1000)) == np.isfinite(right).sum()


def test_neighbors_of_another_encoder_are_refused(built, trace):
    """By digest; so are residues that are not there, and what is no trace."""
    other = ex.trace(ex.load_encoder("mini"), ex.read_chain("1UBI"))
    with pytest.raises(AtlasError, match=r"of the encoder unnamed .*, the trace of mini"):
        built.neighbors(other, 0)
    with pytest.raises(TraceError, match="'999' is not in"):
        built.neighbors(trace, "999")
    with pytest.raises(TraceError, match="takes a Trace, not a str"):
        built.neighbors("4AKE", "57")
    with pytest.raises(TraceError, match="k is 0"):
        built.neighbors(trace, "57", k=0)


def test_what_is_no_atlas_is_refused(tmp_path):
    """Nothing, an empty folder, a file, another program's manifest."""
    for path, said in (
        (tmp_path / "none", "There is no atlas at"),
        (tmp_path, r"holds no atlas: there is no manifest.json in it"),
    ):
        with pytest.raises(AtlasError, match=said):
            ex.open_atlas(path)
    for text, said in (
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"format": "other 1"}', "not of an atlas, but of 'other 1'"),
        ('{"format": "esm_explore atlas 3"}', "lacks 'encoder'"),
    ):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(AtlasError, match=said):
            ex.open_atlas(tmp_path)
    with pytest.raises(TraceError, match="path is 5"):
        ex.open_atlas(5)


def test_other_versions_are_refused(copied):
    """A newer one by its name, before anything else is asked of it; an older one too."""
    change(copied, format="esm_explore atlas 4")
    with pytest.raises(AtlasError, match="has schema 4.* reads 3: .*newer one, install that"):
        ex.open_atlas(copied)
    change(copied, format="esm_explore atlas 2")
    with pytest.raises(AtlasError, match="has schema 2.* build it again"):
        ex.open_atlas(copied)


def test_missing_and_foreign_parts_are_named(copied, coded, tmp_path):
    """At opening, not when a question comes to them."""
    part = copied / "residues" / "part-00001.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:-50])
    with pytest.raises(AtlasError, match=r"part part-00001.parquet, or it is broken"):
        ex.open_atlas(copied)
    part.unlink()
    with pytest.raises(AtlasError, match=r"lacks its part part-00001.parquet"):
        ex.open_atlas(copied)
    shutil.copy(copied / "residues" / "part-00000.parquet", part)
    with pytest.raises(AtlasError, match=r"76 rows .*; it has to be 214"):
        ex.open_atlas(copied)
    part.write_bytes(whole)
    change(copied, encoder={"title": "x", "digest": "ab" * 32, "n_codes": 512})
    with pytest.raises(AtlasError, match="it has to be 76 of abababab"):
        ex.open_atlas(copied)
    shutil.rmtree(copied / "codes")
    with pytest.raises(AtlasError, match="lacks its codes/codes.parquet"):
        ex.open_atlas(copied)


def test_sql_without_duckdb_says_what_to_install(built, monkeypatch):
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(AtlasError, match=r'pip install "esm_explore\[atlas\]"'):
        built.sql("select 1")


def test_sql_asks_residues_and_codes(built, copied, tmp_path):
    """Joined, if one likes; a query that is wrong is one error; folders may have quotes."""
    pytest.importorskip("duckdb")
    found = built.sql(
        "select token, count(*) as n, any_value(codes.count) as told from residues "
        "join codes using (token) where has_frame group by token order by token"
    )
    counts = built.codes[built.codes["count"] > 0]
    assert found["token"].tolist() == counts["token"].tolist()
    assert found["n"].tolist() == found["told"].tolist() == counts["count"].tolist()
    latent = built.sql("select latent from residues limit 1")["latent"][0]
    assert len(latent) == 16
    with pytest.raises(AtlasError, match="DuckDB refuses"):
        built.sql("select nothing from nowhere")
    with pytest.raises(TraceError, match="query is 5"):
        built.sql(5)
    odd = copied.rename(tmp_path / "it's")
    assert ex.open_atlas(odd).sql("select count(*) as n from residues")["n"][0] == 386
