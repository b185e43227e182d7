"""A guided tour of one residue through the encoder."""

from __future__ import annotations

import ipywidgets as widgets
from traitlets import Int, validate

from esm_explore.escaping import for_html
from esm_explore.plots.residue_colors import color_by_stage
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.chain_pane import ChainPane
from esm_explore.widgets.controls import StepBar, follow
from esm_explore.widgets.libraries import prepare_page
from esm_explore.widgets.messages import Message, Whole, find_problem, row
from esm_explore.widgets.page import Frame
from esm_explore.widgets.selection import Selection, check_is_one_of
from esm_explore.widgets.stage_sentences import explained


def step_through(trace: Trace, residue: int | str = 0) -> Tour:
    """Walk with one residue through the encoder, stage by stage.

    Each step says what the encoder does there in general, then what it did in this residue, with
    its numbers and the structure in 3D.

    Parameters
    ----------
    trace : Trace
    residue : int or str
        As in `Trace.index_of`: 0-based index, or residue number as a string (``"57"``).

    Returns
    -------
    Tour

    Raises
    ------
    TraceError
        If it is no trace, or the chain has no such residue.
    """
    check_trace(trace, "step_through")
    prepare_page()
    return Tour(trace, trace.index_of(residue))


class Tour(Whole):
    """One residue's way through the encoder; made by `step_through`.

    Attributes
    ----------
    step : int
        Which step is shown, from 0.
    residue : int
        Index of the residue.
    """

    step = Int(0)
    residue = Int(0)

    def __init__(self, trace: Trace, residue: int):
        self._trace = trace
        self._pane: ChainPane | None = None
        super().__init__()
        self.add_class("esm-explore-inspector")
        problem = find_problem([trace])
        if problem:
            message = Message()
            message.say(problem)
            self.children = [message]
            return
        self.residue = residue
        self._bar = StepBar(trace.stages)
        self._explanation = widgets.HTML()
        # The tour stays with its residue; neighbors are for the inspector to visit.
        selection = Selection([trace])
        selection.select(0, residue)
        pane = self._pane = ChainPane(selection, trace.stages[0], zoomed=True)
        heading = widgets.HTML(
            f"<b>{for_html(f'Residue {trace.labels[residue]} of {trace.title}')}</b> · encoder: "
            f"<b>{for_html(trace.encoder_info.title)}</b>"
        )
        body = row("tour", {"structure-0": pane.structure, "answer-0": pane.panel})
        frame = Frame(repr(self).partition("\n")[0], self._bar.press)
        self.children = [frame, heading, self._bar, self._explanation, body]
        follow(self, self._bar, "step")
        self.observe(lambda _: self._show(), "step")
        self._show()

    def __repr__(self) -> str:
        return (
            f"Tour of residue {self._trace.labels[self.residue]} of {self._trace.title}\n"
            f"Encoder: {self._trace.encoder_info.title}"
        )

    def still(self) -> bytes:
        """Draw what is seen now, as PNG: what a notebook keeps of it."""
        # matplotlib is loaded when a picture is drawn: that is after the live view is seen.
        from esm_explore.widgets.stills import still_of

        title, _, encoder = repr(self).partition("\nEncoder: ")
        panes = [self._pane] if self._pane else []
        return still_of(title, encoder, panes, [], find_problem([self._trace]))

    @validate("step")
    def _is_known(self, proposal: dict) -> int:
        check_is_one_of("step", proposal["value"], range(len(self._trace.stages)))
        return proposal["value"]

    def _show(self) -> None:
        assert self._pane is not None
        stages = self._trace.stages
        stage = stages[self.step]
        self._explanation.value = (
            f"<b>{self.step + 1} of {len(stages)}: {for_html(stage.title)}.</b> "
            f"{explained(stage.explanation)}"
        )
        self._pane.paint(color_by_stage([self._trace], stage))
        self._pane.show(stage)
