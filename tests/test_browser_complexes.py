"""The sequence panel of a complex, in a page of its own with a model that only keeps values."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")

from esm_explore.widgets.page import FOLDER

pytestmark = pytest.mark.browser

# Chains of 23 and 12 residues, in a page where a row has room for 20.
SHOW = """async ([source, letters]) => {
    const { default: view } = await import("data:text/javascript," + encodeURIComponent(source));
    const labels = [...letters].map((_, i) => (i < 23 ? `A:${i + 1}` : `B:${i - 23}`));
    const held = { letters, labels, hover: labels, colors: new DataView(new ArrayBuffer(0)) };
    Object.assign(held, { selected: 22, hovered: -1, selection: [], caption: "" });
    window.model = { get: (name) => held[name], set: (name, value) => { held[name] = value; } };
    Object.assign(window.model, { save_changes() {}, on() {}, off() {} });
    const el = document.createElement("div");
    el.style.width = "340px";
    document.body.append(el);
    view.render({ model: window.model, el });
}"""


@pytest.mark.core
def test_each_chain_begins_a_row_and_keys_step_over_what_is_between(chromium):
    """Rows of 20 and 3 residues, then 12 of the next chain; from A:23 right is B:1, and back."""
    with chromium.new_context() as context:
        page = context.new_page()
        source = (FOLDER / "sequence_view.js").read_text(encoding="utf-8")
        page.evaluate(SHOW, [source, "A" * 23 + "|" + "C" * 12])
        rows = page.locator(".esm-explore-strip-rows > div").all_inner_texts()
        said = [row.replace("\n", "").replace(" ", "") for row in rows]
        assert said == ["A:1" + "A" * 20, "A:21AAA", "B:1" + "C" * 12]
        page.locator(".esm-explore-strip-rows").focus()
        for key, at in (("ArrowRight", 24), ("ArrowLeft", 22)):
            page.keyboard.press(key)
            assert page.evaluate("window.model.get('selected')") == at
