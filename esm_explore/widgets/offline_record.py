"""What Python would have answered, written down for each residue and step: data of a saved page."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from esm_explore.escaping import for_plotly
from esm_explore.experiments.comparing import match_residues
from esm_explore.plots.picture import source_of
from esm_explore.plots.residue_colors import color_by_stage, color_together
from esm_explore.tracing.stages import Attention
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.code_answer import CodeAnswers
from esm_explore.widgets.controls import BY_STEP, Controls, StepBar
from esm_explore.widgets.map_panel import MapPanel
from esm_explore.widgets.offline_tabs import TabRecorder
from esm_explore.widgets.panel_contents import of_residue
from esm_explore.widgets.plot_view import PlotView, plain
from esm_explore.widgets.selection import Selection
from esm_explore.widgets.sequence_view import SequenceView
from esm_explore.widgets.stage_figures import TERMS
from esm_explore.widgets.stage_lines import drawn_around
from esm_explore.widgets.structure_view import StructureView, color_bytes
from esm_explore.widgets.table_view import TableView
from esm_explore.widgets.tabs import TabBar

# What Python alone can answer.
_LEFT_OUT = {"arrangement", "pin", "linked_by", "help", "next"}
_FIND = {"hint": "A residue, a range, or a token", "example": "57, 50-60, token 1234"}
_DIGITS = 4


class Recorder:
    """Writes down all that a page says.

    Parameters
    ----------
    selection : Selection
        The traces, and what is chosen at first.
    answers : CodeAnswers
        Of the "code" tab.
    """

    def __init__(self, selection: Selection, answers: CodeAnswers):
        self._tabs = TabRecorder(answers)
        self._now, self._traces = selection, selection.traces
        self._stages = self._traces[0].stages

    def saved(self, coords: list[np.ndarray | None], shown: dict[str, object]) -> dict:
        """Give it as JSON's types; parameters are those of `offline_page.write_page`."""
        traces = self._traces
        bar, controls, tabs = StepBar(self._stages), Controls(traces, lambda *_: None), TabBar()
        for tools, name in ((bar, "step"), (controls, "color"), (tabs, "tab")):
            tools.put(name, shown[name])
        controls.items = [
            item | (_FIND if item["name"] == "find" else {})
            for item in controls.items
            if item["name"] not in _LEFT_OUT
        ]
        pairs = len(traces) == 2
        with tqdm(total=sum(map(len, traces)), unit="residue", desc="page") as progress:
            chains = [self._chain(*each, progress) for each in zip(traces, coords, strict=True)]
        if any(place is not None for place in coords):
            for chain in chains:
                chain["structure"]["group"] = "pair"  # one camera for both
        saved = {
            "chains": chains,
            "stages": len(self._stages),
            **{"chain": self._now.chain, "selected": self._now.selected},
            **{"selection": list(self._now.selection), **shown},
            "colors": self._colors(controls),
            "map": self._map(),
            "match": [[self._match(a, b) for b in traces] for a in traces] if pairs else [],
            "source": for_plotly(source_of(traces)),
            "steps": _state(bar),
            "controls": _state(controls),
            **{"tabs": _state(tabs), "why": self._tabs.why},
            "cards": _rounded(plain(self._tabs.cards)),
            "plot": _state(PlotView(lambda _: None, height=0)),
            "table": _state(TableView(lambda _: None)),
        }
        return plain(saved)

    def _chain(self, trace: Trace, coords: np.ndarray | None, progress: tqdm) -> dict:
        structure, sequence = StructureView.of(trace, coords=coords), SequenceView()
        structure.height = 0
        sequence.show(trace, b"")
        # Alike things beside each other, and equal ones once: that takes half the room.
        contents, tables = ([[] for _ in self._stages] for _ in range(2))
        codes = []
        for residue in range(len(trace)):
            opened = trace.neighborhood(residue)
            for stage, *lists in zip(self._stages, contents, tables, strict=True):
                for made, one in zip(lists, self._content(stage, trace, opened), strict=True):
                    made.append(one)
            codes.append(self._tabs.of(trace, residue, coords))
            progress.update()
        first = [tables.index(one) for one in tables]
        return {
            "title": trace.title,
            "labels": trace.labels,
            "tokens": np.where(trace.has_frame, trace.tokens, -1),
            "structure": _state(structure),
            "sequence": _state(sequence),
            "contents": contents,
            "tables": [one if first[i] == i else [] for i, one in enumerate(tables)],
            "table_of": first,
            "codes": _rounded(codes),
        }

    def _content(self, stage: Any, trace: Any, opened: Any) -> tuple[dict, dict]:
        """Give what is said of a residue at a stage, and its table."""
        said = of_residue(stage, trace, opened, None, TERMS[0])
        figure = {"base": said.figure.data, "axes": said.axes}
        content = {
            "sentence": said.sentence,
            "source": for_plotly(said.source),
            "figure": {
                **{"traits": _rounded(plain(figure))},
                **{"residues": said.figure.residues, "codes": said.figure.codes},
            },
            "space": {
                **_rounded(asdict(drawn_around(stage, opened, None))),
                "zoomed": isinstance(stage, Attention),
            },
        }
        return content, _rounded(plain(asdict(said.table)))

    def _colors(self, controls: Controls) -> dict:
        keys = [option["value"] for item in controls.items if item["name"] == "color"
                for option in item["options"]]  # fmt: skip
        colored = {
            f"step {i}": color_by_stage(self._traces, stage) for i, stage in enumerate(self._stages)
        } | {key: color_together(self._traces, key) for key in keys if key != BY_STEP}
        return {
            key: {
                "colors": [base64.b64encode(color_bytes(part)).decode() for part in one.hexes],
                **{"legend": one.legend, "bar": one.bar},
            }
            for key, one in colored.items()
        }

    def _map(self) -> dict:
        panel, stages = MapPanel(self._now, lambda _: None), []
        panel.paint(color_by_stage(self._traces, self._stages[0]))
        for number, stage in enumerate(self._stages, start=1):
            panel.place(stage, "PCA", number)
            panel.draw()
            dots = dict(panel.figure.base[0])
            stages.append({"x": dots.pop("x"), "y": dots.pop("y"), "axes": panel.figure.axes})
        rings = [panel.figure.overlay[layer]["marker"] for layer in (0, -1)]
        return _rounded(plain({"rows": panel.rows, "stages": stages, "dots": dots, "rings": rings}))

    def _match(self, a: Trace, b: Trace) -> list[int]:
        return match_residues(a, b, self._now.linked_by).tolist()


def _state(view: Any) -> dict:
    """Give what the page knows of a view, but for colors, which it gets anew."""
    state = {name: getattr(view, name) for name in view.keys if name != "colors"}
    return {name: value for name, value in state.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    try:
        json.dumps(plain(value))
    except TypeError:
        return False
    return True


def _rounded(value: object) -> object:
    """Round numbers to as many digits as can be seen."""
    match value:
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list():
            return [_rounded(item) for item in value]
        case float():
            return float(f"{value:.{_DIGITS}g}")
        case _:
            return value
