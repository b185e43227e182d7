"""The page that `inspector.to_html` writes, opened from disk in a browser without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from inspectors import SCREENSHOTS
from pages import PLACE, SEEN, VIEW, canvas_of, drawn

import esm_explore as ex

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def trace(toy_encoder, ubiquitin):
    return ex.trace(toy_encoder, ubiquitin)


@pytest.fixture(scope="module")
def saved(chromium, trace, tmp_path_factory):
    path = ex.inspect(trace).to_html(tmp_path_factory.mktemp("saved") / "page.html")
    with open_offline(chromium, path) as context:
        yield context.pages[0]


@pytest.fixture
def page(saved):
    """At step 1 with residue 39; whatever a test does, nothing fails and nothing is asked for."""
    saved.get_by_role("radio").first.click()
    find(saved, "39")
    sentence(saved).get_by_text("Residue 39 sees").wait_for()
    yield saved
    complaints(saved)


def open_offline(chromium, path: Path):
    """Open a file in a window without a network that writes down what goes wrong."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.errors, page.asked = [], []
    page.on("console", lambda said: said.type == "error" and page.errors.append(said.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    page.locator(".esm-structure-canvas canvas").first.wait_for(state="attached")
    page.locator(".esm-explore-map .js-plotly-plot[data-drawn]").wait_for()
    return context


def complaints(page) -> None:
    """Nothing failed, no other address was asked for, and it does not wait for a kernel."""
    page.wait_for_timeout(600)
    assert page.get_by_text("kernel is busy").filter(visible=True).count() == 0
    assert page.errors == []
    assert [url for url in page.asked if not url.startswith(("file:", "blob:", "data:"))] == []


def sentence(page):
    return page.locator(".esm-explore-answer-0 .esm-explore-sentence")


def find(page, text: str) -> None:
    box = page.get_by_label("find")
    box.fill(text)
    box.press("Enter")


def chosen(page, label: int) -> None:
    """Wait until a residue is marked in the sequence and told about; 1UBI counts from 1."""
    page.locator(f"[data-index='{label - 1}'].esm-explore-selected").wait_for()
    sentence(page).get_by_text(f"Residue {label} ").first.wait_for()


def rows(page) -> list[str]:
    return page.locator(".esm-explore-table-view tbody tr").all_inner_texts()


@pytest.mark.core
def test_a_residue_is_clicked_in_the_sequence_the_structure_and_the_map(page, trace):
    """Each time sentence, table, and the residue's name in 3D are the new one's."""
    page.locator("[data-index='29']").click()
    chosen(page, 30)
    before = rows(page)
    drawn(page)
    there = next(
        each for each in page.locator(".esm-structure-canvas").evaluate(SEEN) if each["index"] != 29
    )
    page.mouse.click(there["x"], there["y"])
    chosen(page, there["index"] + 1)
    assert rows(page) != before
    page.locator(".esm-structure-label.selected", has_text=f"{there['index'] + 1}").wait_for()
    plot = page.locator(".esm-explore-map .js-plotly-plot")
    # The point that lies farthest left has no other on top of it.
    point = plot.evaluate("plot => { const x = [...plot._fullData[0].x];"
                          " return x.indexOf(Math.min(...x)); }")  # fmt: skip
    place = plot.evaluate(PLACE, [0, point])
    page.mouse.move(*place)
    page.wait_for_timeout(300)
    page.mouse.click(*place)
    chosen(page, int(trace.has_frame.nonzero()[0][point]) + 1)
    page.screenshot(path=SCREENSHOTS / "offline_clicked.png")


def test_its_table_is_what_python_says(page, trace):
    """The nodes of residue 39, nearest first, with their distances."""
    opened = trace.neighborhood(38)
    cells = [row.split("\t") for row in rows(page)]
    assert [cell[1].split()[1] for cell in cells] == list(opened.labels)
    assert [float(cell[3]) for cell in cells] == pytest.approx(opened.distances, abs=0.051)


def test_buttons_and_keys_walk_through_all_steps(page):
    """Each has a sentence of its own; the last button ends there, keys 1 to 9 go anywhere."""
    radios = page.get_by_role("radiogroup", name="step").get_by_role("radio")
    said = [sentence(page).inner_text()]
    assert radios.count() == 9
    for step in range(1, 9):
        page.get_by_role("button", name="one step forward").click()
        assert radios.nth(step).get_attribute("aria-checked") == "true"
        said.append(sentence(page).inner_text())
    assert len(set(said)) == 9
    page.get_by_role("button", name="one step forward").click()
    page.get_by_role("button", name="one step back").click()
    assert sentence(page).inner_text() == said[-2]
    page.keyboard.press("3")
    assert sentence(page).inner_text() == said[2]
    drawn(page)
    page.screenshot(path=SCREENSHOTS / "offline_step_3.png")
    page.keyboard.press("ArrowRight")
    assert sentence(page).inner_text() == said[3]


def test_rows_of_the_table_are_clicked_and_sorted(page, trace):
    """By their numbers; Enter on a row is a click, and arrows go from row to row."""
    opened = trace.neighborhood(38)
    heading = page.locator("th", has_text="Å")
    for order in ("ascending", "descending"):
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == order
    found = [float(row.split("\t")[3]) for row in rows(page)]
    assert found == sorted(found, reverse=True)
    first = page.locator(".esm-explore-table-view tbody tr").first
    first.click()
    chosen(page, int(opened.labels[-1]))
    nodes = rows(page)
    page.locator("tbody tr[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    chosen(page, int(nodes[1].split("\t")[1].split()[1]))


def test_the_table_marks_what_is_selected_and_what_is_pointed_at(page, trace):
    """As in the live one: residue 39 is its own first node; a node under the pointer is marked."""
    lines = page.locator(".esm-explore-table-view tbody tr")
    # In whatever order a reader put them.
    own = [line.inner_text() for line in lines.all() if line.get_attribute("aria-current")]
    assert len(own) == 1
    assert "ASP 39" in own[0]
    nodes = trace.neighborhood(38).edges.tolist()
    page.locator(f"[data-index='{nodes[3]}']").hover()
    page.wait_for_timeout(300)
    marked = "rows => rows.filter(r => r.className.includes('hovered')).map(r => r.innerText)"
    (text,) = lines.evaluate_all(marked)
    assert trace.labels[nodes[3]] in text.split()
    page.mouse.move(3, 3)
    page.wait_for_timeout(300)
    assert not any(lines.evaluate_all("rows => rows.map(row => row.className)"))


def test_keys_in_the_sequence_and_escape(page):
    page.locator("[data-index='38']").click()
    for key, label in (("ArrowRight", 40), ("ArrowLeft", 39), ("End", 76), ("Home", 1)):
        page.keyboard.press(key)
        chosen(page, label)
    page.keyboard.press("Escape")
    sentence(page).get_by_text("No residue is selected.").wait_for()
    assert page.locator(".esm-explore-selected").count() == 0
    assert rows(page) == []


def test_what_is_typed_is_found_or_said_to_be_wrong(page):
    find(page, "50")
    chosen(page, 50)
    assert page.get_by_label("find").input_value() == "50"
    page.locator("[data-index='38']").click()
    chosen(page, 39)
    assert page.get_by_label("find").input_value() == ""
    find(page, "10-12")
    page.locator("[data-index='11'].esm-explore-chosen").wait_for()
    assert page.locator(".esm-explore-chosen").count() == 3
    find(page, "<b>4000</b>")
    message = page.get_by_text("<b>4000</b> is not in 1UBI")
    message.wait_for()
    assert "1 to 76" in message.inner_text()
    chosen(page, 39)


def test_colors_and_the_whole_chain(page):
    """Another coloring changes letters; the view's buttons act."""
    letter = page.locator("[data-index='38']")
    before = letter.evaluate("cell => cell.style.background")
    page.get_by_label("color", exact=True).select_option("amino acid")
    page.wait_for_timeout(300)
    assert letter.evaluate("cell => cell.style.background") != before
    page.get_by_label("color", exact=True).select_option("this step")
    page.get_by_role("button", name="Zoom to the neighborhood").click()
    near = drawn(page)
    page.get_by_role("button", name="Zoom to the neighborhood").click()
    page.wait_for_timeout(600)
    assert drawn(page) != near


def test_two_chains_in_one_file(chromium, trace, tmp_path):
    """A click in one marks its counterpart in the other; they turn together."""
    path = ex.inspect([trace, trace]).to_html(tmp_path / "two.html")
    with open_offline(chromium, path) as context:
        page = context.pages[0]
        page.locator(".esm-explore-sequence-1 [data-index='29']").click()
        for which in (0, 1):
            page.locator(
                f".esm-explore-sequence-{which} [data-index='29'].esm-explore-selected"
            ).wait_for()
            answer = page.locator(f".esm-explore-answer-{which} .esm-explore-sentence")
            answer.get_by_text("Residue 30 sees").wait_for()
        drawn(page, 1)
        page.screenshot(path=SCREENSHOTS / "offline_two.png")
        views = [canvas_of(page, which) for which in (0, 1)]
        before = views[1].evaluate(VIEW)
        box = views[0].bounding_box()
        page.mouse.move(box["x"] + 40, box["y"] + 120)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 150, steps=8)
        page.mouse.up()
        drawn(page, 1)
        assert views[1].evaluate(VIEW) != before
        assert views[1].evaluate(VIEW) == pytest.approx(views[0].evaluate(VIEW), abs=1e-2)
        complaints(page)
