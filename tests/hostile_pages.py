"""What tests do in a page with hostile texts: move the mouse, and look for what they have made."""

from __future__ import annotations

import contextlib
from pathlib import Path

from lab import errors_in

# All that a hostile text would have made in the page, and what is typeset. JupyterLab itself makes
# links of what looks like an address in plain text.
MADE = """() => {
    const found = [];
    const walk = (root) => {
        for (const element of root.querySelectorAll("*")) {
            if (element.shadowRoot) walk(element.shadowRoot);
            if (element.closest(".jp-RenderedText, .jp-InputArea, .cm-editor")) continue;
            const name = element.localName;
            const links = [element.getAttribute("href"), element.getAttribute("src"),
                element.getAttributeNS("http://www.w3.org/1999/xlink", "href")];
            const hostile = element.getAttributeNames().some((name) => /^on/.test(name))
                || links.some((link) => /^(x|javascript:.*|.*x\\.invalid.*)$/.test(link ?? ""))
                || (name === "script" && /^\\s*window\\.hacked/.test(element.textContent))
                || (name === "b" && element.textContent === "bold")
                || ["iframe", "object", "mjx-container"].includes(name);
            if (hostile) found.push(element.outerHTML.slice(0, 200));
        }
    };
    walk(document);
    return found;
}"""
# Where points of a plot are on the page: some of each layer that can be hovered over.
POINTS = """plot => {
    const box = plot.getBoundingClientRect();
    const places = [];
    plot.calcdata.forEach((points, i) => {
        const data = plot._fullData[i];
        const x = plot._fullLayout[(data.xaxis ?? "x").replace("x", "xaxis")];
        const y = plot._fullLayout[(data.yaxis ?? "y").replace("y", "yaxis")];
        if (data.visible !== true || data.hoverinfo === "skip") return;
        const place = {
            heatmap: () => [x._length / 2, y._length / 2],
            bar: (point) => [x.c2p(point.x), y.c2p(point.y) + 2],
            box: (point) => [x.c2p(point.pos + points[0].t.bPos), y.c2p(point.med)],
        }[data.type] ?? ((point) => [x.c2p(point.x), y.c2p(point.y)]);
        const at = data.type === "scattergl"
            ? [...data.x].slice(0, 8).map((value, i) => [x.d2p(value), y.d2p(data.y[i])])
            : points.slice(0, 8).map(place);
        for (const [a, b] of at) {
            if (a >= 0 && b >= 0 && a <= x._length && b <= y._length) {
                places.push([box.left + x._offset + a, box.top + y._offset + b]);
            }
        }
    });
    return places;
}"""


def check(page) -> None:
    """Nothing was run, nothing was made of a text, and nothing left the machine."""
    assert page.evaluate("window.hacked") is None
    assert page.evaluate(MADE) == []
    assert page.dialogs == []
    assert page.left_loopback == []


def watch(page) -> None:
    """Write down dialogs, which a page waits for."""
    page.dialogs = []
    page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))


def run_cell(lab, code: str):
    """Run code in the notebook's only cell; give what is below it."""
    cells = lab.evaluate(
        """async code => {
            const panel = window.panel.content;
            panel.activeCellIndex = 0;
            panel.activeCell.model.sharedModel.setSource(code);
            await window.jupyterapp.commands.execute("notebook:run-cell");
            panel.node.querySelector(".jp-OutputArea-output")?.scrollIntoView();
            return [panel.activeCell.model.toJSON()];
        }""",
        code,
    )
    assert errors_in(cells) == []
    lab.locator(".jp-OutputArea-output:not(.lm-mod-hidden)").first.wait_for()
    lab.wait_for_timeout(500)
    return lab.locator(".jp-OutputArea").first


def hover(page, plot, most: int = 12) -> int:
    """Move the mouse over some points of a plot; give how many hover labels there were."""
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    seen = 0
    for x, y in plot.evaluate(POINTS)[:most]:
        page.mouse.move(x + 40, y + 40)
        page.mouse.move(x, y, steps=3)
        page.wait_for_timeout(120)
        seen += plot.locator(".hoverlayer .hovertext").count()
    return seen


def text_of(output) -> str:
    """Give all text in an output, also that which is only for screen readers or hovering."""
    return output.evaluate(
        """root => [root.innerText, ...[...root.querySelectorAll("*")].flatMap((element) =>
            [element.localName === "text" ? element.textContent : "", element.title,
             element.localName === "option" ? element.textContent : "",
             element.getAttribute("aria-label")])].join(" ")"""
    )


@contextlib.contextmanager
def opened(lab, path: Path):
    """Open a page from disk; afterwards all is checked."""
    page = lab.context.new_page()
    watch(page)
    errors, page.left_loopback = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def stay(route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            page.left_loopback.append(route.request.url)
            route.abort()

    page.route("**/*", stay)
    page.goto(path.as_uri(), timeout=120_000)
    yield page
    check(page)
    assert errors == []
    page.close()
