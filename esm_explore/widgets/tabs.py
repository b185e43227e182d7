"""The inspector's tabs: what happened at a step, what the code means, why it is this one."""

from __future__ import annotations

import ipywidgets as widgets

from esm_explore.widgets.tools import Tools, option

STEP, CODE, WHY = "step", "code", "why"
TABS = {
    STEP: "What happened to the residue at the step that is chosen above",
    CODE: "What the residue's code means: its card in the atlas, and the residue against the "
    "code's medoid",
    WHY: "Why it has this code: each neighbor taken away, each head silenced",
}


class TabBar(Tools):
    """Chooses what is said of the residue; its value is one of `TABS`."""

    def __init__(self) -> None:
        tabs = [option(name, name, hint=hint) for name, hint in TABS.items()]
        item = {"kind": "tabs", "name": "tab", "text": "What is said of the residue"}
        super().__init__(item["text"], [{**item, "options": tabs}])


def tabbed(bar: TabBar, panel: widgets.Box) -> widgets.VBox:
    """Put a bar over what it chooses the contents of."""
    panel.add_class("esm-explore-tabpanel")
    box = widgets.VBox([bar, panel])
    box.add_class("esm-explore-tabbed")
    return box
