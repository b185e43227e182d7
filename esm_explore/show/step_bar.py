"""Buttons for the steps: one each, back, forward, and play."""

from __future__ import annotations

import ipywidgets as widgets
from traitlets import Int

from esm_explore.show.steps import Step

_PACE = 2_000


class StepBar(widgets.HBox):
    """Chooses a step.

    Parameters
    ----------
    steps : list of Step

    Attributes
    ----------
    value : int
        Which step, from 0.
    """

    value = Int(0)

    def __init__(self, steps: list[Step]):
        last = len(steps) - 1
        self._back = widgets.Button(
            icon="step-backward", tooltip="one step back (left arrow)", layout={"width": "36px"}
        )
        self._forward = widgets.Button(
            icon="step-forward", tooltip="one step forward (right arrow)", layout={"width": "36px"}
        )
        self._play = widgets.Play(min=0, max=last, interval=_PACE, show_repeat=False)
        self._choices = widgets.ToggleButtons(
            options=[(f"{i} {step.title}", i - 1) for i, step in enumerate(steps, start=1)],
            tooltips=[step.explanation for step in steps],
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
