"""The inspector's menus: color, map, residue, chain, and what links two chains."""

from __future__ import annotations

import ipywidgets as widgets
from traitlets import Int

from esm_explore.analysis.annotations import KEYS
from esm_explore.errors import TraceError
from esm_explore.experiments.comparing import LINKS
from esm_explore.tracing.stages import Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.map_panel import LAYOUTS

BY_STEP = "this step"


def color_keys(traces: list[Trace]) -> list[str]:
    """List what residues can be colored by."""
    return [BY_STEP, *KEYS, *(["chain"] if len(traces) > 1 else [])]


class Controls(widgets.HBox):
    """The row of menus.

    Parameters
    ----------
    traces : list of Trace

    Attributes
    ----------
    color, arrangement, chain, link : Dropdown
    residue : Text
    """

    def __init__(self, traces: list[Trace]):
        keys = [(key.replace("_", " "), key) for key in color_keys(traces)]
        titles = [(trace.title, i) for i, trace in enumerate(traces)]
        self.color = widgets.Dropdown(options=keys, description="color")
        self.arrangement = widgets.Dropdown(options=LAYOUTS, description="map")
        example = traces[0].labels[0]
        self.residue = widgets.Text(
            description="residue",
            placeholder=f"{example} or {traces[0].chain.chain_id}:{example}",
            continuous_update=False,
        )
        self.chain = widgets.Dropdown(options=titles, description="chain")
        self.link = widgets.Dropdown(options=LINKS, description="linked by")
        self.chain.layout.display = "flex" if len(traces) > 1 else "none"
        self.link.layout.display = "flex" if len(traces) == 2 else "none"
        shown = [self.color, self.arrangement, self.residue, self.chain, self.link]
        for control, width in zip(shown, (200, 120, 200, 250, 230), strict=True):
            control.layout.width, control.style.description_width = f"{width}px", "initial"
        super().__init__(shown, layout={"flex_flow": "row wrap", "grid_gap": "12px"})


def find_residue(traces: list[Trace], shown: int, text: str) -> tuple[int, int]:
    """Find what a reader typed: ``57``, ``57A``, ``A:57`` or ``1UBI:57``; the shown chain first.

    Returns
    -------
    chain, residue : int
        Indices.

    Raises
    ------
    TraceError
        If there is no such chain or residue.
    """
    name, colon, number = text.rpartition(":")
    order = sorted(range(len(traces)), key=lambda i: i != shown)
    if colon:
        name = name.strip()
        order = [i for i in order if name in (traces[i].chain.chain_id, str(traces[i].chain.id))]
    if not order:
        names = ", ".join(f"{t.chain.chain_id} (of {t.chain.id})" for t in traces)
        raise TraceError(f"There is no chain {name!r} here; there are: {names}.")
    return order[0], traces[order[0]].index_of(number.strip())


_PACE = 2_000


class StepBar(widgets.HBox):
    """Chooses a step.

    Parameters
    ----------
    stages : list of Stage

    Attributes
    ----------
    value : int
        Which step, from 0.
    """

    value = Int(0)

    def __init__(self, stages: list[Stage]):
        last = len(stages) - 1
        self._back = widgets.Button(
            icon="step-backward", tooltip="one step back (left arrow)", layout={"width": "36px"}
        )
        self._forward = widgets.Button(
            icon="step-forward", tooltip="one step forward (right arrow)", layout={"width": "36px"}
        )
        self._play = widgets.Play(min=0, max=last, interval=_PACE, show_repeat=False)
        self._choices = widgets.ToggleButtons(
            options=[(f"{i} {stage.title}", i - 1) for i, stage in enumerate(stages, start=1)],
            tooltips=[stage.explanation for stage in stages],
            style={"button_width": "auto"},
        )
        self._back.on_click(lambda _: self.move(-1))
        self._forward.on_click(lambda _: self.move(1))
        widgets.link((self, "value"), (self._choices, "value"))
        widgets.link((self, "value"), (self._play, "value"))
        super().__init__([self._back, self._play, self._forward, self._choices])

    def move(self, by: int) -> None:
        """Go forward or back; it stops at either end."""
        self.value = min(max(self.value + by, 0), self._play.max)

    def press(self, key: str) -> None:
        """Obey a key: a number from 1, or a left or right arrow."""
        if key in ("ArrowLeft", "ArrowRight"):
            self.move(-1 if key == "ArrowLeft" else 1)
        elif int(key) <= self._play.max + 1:
            self.value = int(key) - 1
