"""`esm-explore atlas gallery`: pages from disk, without a network, in a browser."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
from hostile import PIECES, SCRIPT
from typer.testing import CliRunner

import esm_explore as ex
from esm_explore.cli import app
from esm_explore.errors import AtlasError
from esm_explore.export import gallery
from esm_explore.export.card_data import card_data
from esm_explore.export.code_page import code_page
from esm_explore.export.code_table import CodeTable
from esm_explore.export.gallery import CHUNK, write_gallery
from esm_explore.export.index_page import said_of

N_CODES = 512


@pytest.fixture(scope="module")
def atlas(coded, tmp_path_factory):
    """An atlas of three chains, one from a file with a hostile name; 16 codes are used."""
    folder = tmp_path_factory.mktemp("atlas")
    named = folder / f"{SCRIPT.replace('/', '')}{PIECES[0].replace('/', '')}.pdb"
    ex.read_chain("1UBI").to_pdb(named)
    return ex.build_atlas(coded, [str(named), "4AKE", "2HT0"], folder / "atlas")


@pytest.fixture(scope="module")
def written(atlas, coded, tmp_path_factory):
    out = tmp_path_factory.mktemp("gallery") / "gallery"
    assert write_gallery(atlas, coded, out, "PCA") == out / "index.html"
    return out


def most_frequent(atlas) -> int:
    return int(atlas.codes["count"].idxmax())


def data_of(path) -> object:
    """Read what a file of data gives to the page's scripts."""
    text = path.read_text()
    return json.loads(text[text.index("=") + 1 : text.rindex(";")])


@pytest.mark.slow
def test_there_is_a_page_for_every_code_and_nothing_else(written, atlas):
    """Used or not; scripts are there once, and not in pages."""
    pages = {path.name for path in (written / "codes").iterdir()}
    assert pages == {f"{code}.html" for code in range(N_CODES)}
    assert {path.name for path in written.iterdir()} == {
        *("codes", "data", "lib", "gallery.json", "index.html")
    }
    assert max(path.stat().st_size for path in (written / "codes").iterdir()) < 8_000
    assert len(list((written / "data").glob("cards-*"))) == N_CODES / CHUNK


@pytest.mark.slow
def test_every_page_says_of_which_encoder_and_atlas_it_is(written, atlas):
    """And links lead to pages that are there."""
    told = said_of(atlas.manifest)
    assert atlas.manifest["encoder"]["title"] in told
    assert "3 chains, 386 residues" in told
    for path in [written / "index.html", *(written / "codes").iterdir()]:
        text = path.read_text()
        assert told in text
        assert not re.search(r"(src|href)=[\"']?(https?:|//)", text)
        for link in re.findall(r"<a [^>]*href=\"([^\"#]+)", text):
            assert (path.parent / link).is_file(), (path, link)


@pytest.mark.slow
def test_a_page_says_what_the_card_says(written, atlas):
    """Its numbers, and its exemplars' places to a hundredth of an Å."""
    code = most_frequent(atlas)
    card, text = atlas.code(code), (written / "codes" / f"{code}.html").read_text()
    assert f"<h1>Code {code}</h1>" in text
    assert f"{card.count:,}" in text
    for token, count in zip(card.borders["token"], card.borders["count"], strict=True):
        assert f'<a href="{token}.html">{token}</a> {count:,} ' in text
    for row in card.after.rename(columns={"count": "n"}).itertuples():
        assert f'<a href="{row.token}.html">{row.token}</a> {row.n:,} ' in text
        assert f"{row.n / card.count:.0%}, {row.lift:,.0f}x" in text
    assert f"<dt>families</dt><dd>{card.families:,}</dd>" in text
    for row in card.spread().itertuples():
        if row.relative_position:
            assert f"<dt>{row.relative_position:+d}</dt><dd>{row.spread:.1f}</dd>" in text
    data = data_of(written / "data" / f"cards-{code // CHUNK}.js")[str(code)]
    found = data["exemplars"]
    assert [one["relative"] for one in found] == [
        one.relative_positions.tolist() for one in card.exemplars
    ]
    assert found[0]["ca"] == [round(100 * x) for x in card.exemplars[0].ca.ravel().tolist()]
    assert len(found[0]["backbone"]) == card.medoid_backbone.size
    frame = card.to_frame()
    assert [row[0] for row in data["rows"]] == frame["count"].tolist()
    np.testing.assert_allclose([row[2] for row in data["rows"]], frame["enrichment"], rtol=1e-2)
    kinds = data_of(written / "data" / "kinds.js")
    assert sum(len(kind["names"]) for kind in kinds) == len(frame)
    unused = (written / "codes" / f"{N_CODES - 1}.html").read_text()
    assert "not used" in unused
    assert "structure" not in unused


@pytest.mark.slow
def test_a_page_leads_to_synonyms_and_says_what_the_decoder_draws():
    """Of the bundled atlas; both can be chosen to color the map."""
    atlas = ex.open_atlas()
    card = atlas.code(int(atlas.synonym_clusters()["codes"][0][0]))
    text = code_page(card, "", len(atlas.codes), 0)
    assert card.synonyms
    for code in card.synonyms:
        assert f'<a href="{code}.html">{code}</a>' in text[text.index("<h2>Synonyms") :]
    assert f"{card.decoder_rmsd:.1f} Å RMSD" in text
    table = CodeTable()
    table.add(card)
    numbers = {each["key"]: each["values"] for each in table.data(np.zeros((1, 2)), "")["numbers"]}
    assert numbers["synonyms"] == [len(card.synonyms)]
    assert numbers["decoder"] == [pytest.approx(card.decoder_rmsd, abs=1e-3)]


@pytest.mark.slow
def test_texts_of_files_are_shown_and_not_obeyed(written):
    """The name of a file is a structure's name, and stands on pages and in data."""
    pages = "".join(path.read_text() for path in (written / "codes").iterdir())
    assert "&lt;script&gt;" in pages
    assert "<script>" not in pages
    assert "<img" not in pages
    assert "<" not in "".join(path.read_text() for path in (written / "data").iterdir())


@pytest.mark.slow
def test_what_breaks_off_leaves_the_gallery_that_was_there(
    atlas, coded, written, tmp_path, monkeypatch
):
    """Whole, and nothing beside it; the next one replaces it."""
    out = shutil.copytree(written, tmp_path / "gallery")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def break_off(card):
        if card.code == 40:
            raise KeyboardInterrupt
        return card_data(card)

    monkeypatch.setattr(gallery, "card_data", break_off)
    for folder in (out, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt):
            write_gallery(atlas, coded, folder, "PCA")
    assert list(tmp_path.iterdir()) == [out]
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    monkeypatch.undo()
    (out / "codes" / "0.html").write_text("old")
    write_gallery(atlas, coded, out, "PCA")
    assert (out / "codes" / "0.html").read_bytes() == before[out / "codes" / "0.html"]


def test_what_is_no_gallery_is_not_replaced(atlas, coded, tmp_path, monkeypatch):
    """A file, a folder with other things, a gallery with a file of somebody in it."""
    file, mine, out = tmp_path / "file", tmp_path / "mine", tmp_path / "gallery"
    file.write_text("x")
    mine.mkdir()
    (mine / "notes.txt").write_text("x")
    (out / "lib").mkdir(parents=True)
    (out / "lib" / "own.js").write_text("x")
    (out / "gallery.json").write_text('{"format": "esm_explore gallery 1"}')
    for folder, said in (
        (file, "is a file"),
        (mine, "holds what is not of a gallery (notes.txt)"),
        (out, "holds what is not of a gallery (lib/own.js)"),
        (atlas.path, "holds what is not of a gallery"),
        (tmp_path / "none" / "new", "There is no directory"),
    ):
        with pytest.raises(AtlasError, match=re.escape(said)):
            write_gallery(atlas, coded, folder, "PCA")
    with pytest.raises(AtlasError, match="placing 't-SNE'.*UMAP, PCA"):
        write_gallery(atlas, coded, tmp_path / "new", "t-SNE")
    (out / "lib" / "own.js").unlink()
    monkeypatch.chdir(out / "lib")
    with pytest.raises(AtlasError, match="is where you are"):
        write_gallery(atlas, coded, out, "PCA")


def test_the_command_takes_the_atlas_and_its_encoder_alone(atlas, tmp_path):
    """Another encoder's codes would lie elsewhere on the map."""
    out = tmp_path / "gallery"
    told = CliRunner(env={"COLUMNS": "400"}).invoke(
        app, ["atlas", "gallery", "-o", str(out), "--atlas", str(atlas.path), "--map", "pca"]
    )
    assert told.exit_code == 3
    assert "is of the encoder unnamed encoder" in told.output
    assert "and not of mini" in told.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_gallery_of_the_bundled_atlas_is_below_60_mb():
    """Pages and neighborhoods of every 64th of its 4096 codes, times 64, and what is there once."""
    atlas = ex.open_atlas()
    told, step = said_of(atlas.manifest), 64
    size = 0
    for code in range(0, len(atlas.codes), step):
        card = atlas.code(code)
        size += len(code_page(card, told, len(atlas.codes), 0).encode())
        size += len(json.dumps(card_data(card), separators=(",", ":")))
    once = sum(
        (gallery.files("esm_explore") / "static" / name).stat().st_size
        for name in gallery._THREEDMOL
    )
    assert step * size + once + len(gallery.get_plotlyjs()) < 57e6  # 3 MB are left for the index


@pytest.mark.browser
def test_it_opens_from_disk_on_a_phone_and_in_the_dark(written, atlas):
    """Search, sort, colors, the map, a code in 3D, keys: nothing fails and nothing is fetched."""
    from lab import FLAGS, require_chromium
    from playwright.sync_api import sync_playwright

    chromium, code = require_chromium(), most_frequent(atlas)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for width, scheme in ((390, "dark"), (1280, "light")):
            context = browser.new_context(
                viewport={"width": width, "height": 720}, color_scheme=scheme, offline=True
            )
            page = context.new_page()
            page.set_default_timeout(60_000)
            asked, errors = [], []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            look_around(page, written, atlas, code)
            color = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (color == "rgb(255, 255, 255)") == (scheme == "light")
            assert errors == []
            assert page.evaluate("window.hacked") is None
            assert {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}
            context.close()
        browser.close()


def look_around(page, folder, atlas, code: int) -> None:
    """Do what a reader does, first in the index and then on a page."""
    page.goto((folder / "index.html").as_uri())
    rows = page.locator("#codes tbody tr")
    assert rows.count() == 100
    page.get_by_role("button", name="Show more").click()
    assert rows.count() == 200
    page.get_by_role("button", name="residues").click()
    assert rows.first.inner_text().split()[0] == str(code)
    page.keyboard.press("/")
    page.keyboard.type("unused nothing")
    page.get_by_text(f"0 of {N_CODES} codes").wait_for()
    page.get_by_role("button", name="Reset", exact=True).click()
    page.get_by_label("Residues, at least").fill("20")
    found = int((atlas.codes["count"] >= 20).sum())
    page.get_by_text(f"{found} of {N_CODES} codes").wait_for()
    assert rows.count() == found
    page.locator("#map").scroll_into_view_if_needed()
    for color, title in (("count", "residues"), ("share-0", "DSSP: H")):
        page.get_by_label("Color").select_option(color)
        page.locator(f"#map[data-drawn='{title}']").wait_for()
    page.reload()  # what was asked for stands in the address
    page.get_by_text(f"{found} of {N_CODES} codes").wait_for()
    assert not sticks_out(page)
    page.get_by_label("Search").fill(str(code))
    page.get_by_label("Search").press("Enter")
    page.wait_for_url(f"**/codes/{code}.html")
    exemplars = len(atlas.code(code).exemplars)
    assert page.locator("table.bars tr").count() == len(atlas.code(code).to_frame())
    page.locator(f"#structure[data-drawn='{exemplars}'] canvas").wait_for()
    assert page.locator("#exemplars input").count() == exemplars
    page.locator("#exemplars input").first.press("Space")
    assert not sticks_out(page)
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/codes/{code + 1}.html")
    page.get_by_role("link", name="all codes").click()
    page.locator("#codes tr.picked").wait_for()


def sticks_out(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")
