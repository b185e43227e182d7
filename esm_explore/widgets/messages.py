"""Small parts that the inspector and the tour share: messages, and taking things down."""

from __future__ import annotations

from collections import Counter

import ipywidgets as widgets

from esm_explore.diagnosis.examination import examine
from esm_explore.encoders.identity import has_changed, one_encoder
from esm_explore.errors import TraceError
from esm_explore.escaping import for_html
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.lasting import Lasting


class Message(widgets.HTML):
    """A place for a message to the reader, which is there only while it says something."""

    def __init__(self) -> None:
        super().__init__(layout={"display": "none"})
        self.add_class("esm-explore-message")

    def say(self, text: str) -> None:
        """Say something; "" takes it away."""
        self.value = for_html(text)
        self.layout.display = "block" if text else "none"


class Whole(Lasting, widgets.VBox):
    """A view of many parts that goes as a whole, and leaves a picture."""

    def close(self) -> None:
        """Take it and all its parts off the page and out of the kernel."""
        _close_below(self)
        super().close()


def _close_below(widget: widgets.Widget) -> None:
    """Close all that is inside a widget, with the layouts and styles that belong to it."""
    for child in getattr(widget, "children", ()):
        _close_below(child)
        child.close()
    for name in ("layout", "style"):
        # A plotly figure's layout is no widget.
        part = getattr(widget, name, None)
        if isinstance(part, widgets.Widget):
            part.close()


def row(name: str, parts: dict[str, widgets.Widget]) -> widgets.Box:
    """Put parts into a box; the style sheet knows all of them by their names."""
    for part, widget in parts.items():
        widget.add_class(f"esm-explore-{part}")
    box = widgets.Box(list(parts.values()))
    box.add_class(f"esm-explore-{name}")
    return box


def find_problem(traces: list[Trace]) -> str:
    """Say why some traces cannot be inspected, "" if they can."""
    if not traces:
        return "There are no traces to inspect."
    try:
        one_encoder(traces)
    except TraceError as error:
        return str(error)
    for trace in traces:
        if trace.encoder is None:
            return (
                f"The trace of {trace.title} has no encoder, which its internals need: "
                "load_trace(path, encoder=...)."
            )
        if has_changed(trace.encoder, trace.encoder_info):
            return (
                f"The encoder has changed since {trace.title} was traced, and its internals would "
                "be another's: trace the chain again."
            )
        if not trace.has_frame.any():
            return f"No residue of {trace.title} has a backbone frame: there is nothing to show."
    return ""


def heading(traces: list[Trace]) -> str:
    """Name chains and encoder, as HTML."""
    titles = " · ".join(for_html(trace.title) for trace in traces)
    return f"<b>{titles}</b> · encoder: <b>{for_html(traces[0].encoder_info.title)}</b>"


def badge(traces: list[Trace]) -> str:
    """Say in short what could make the tokens misleading, as HTML; hovering says it in full."""
    found = [finding for trace in traces for finding in examine(trace)]
    counts = Counter(finding.severity for finding in found)
    if not counts["error"] + counts["warning"]:
        return ""
    said = " and ".join(
        f"{n} {kind}{'s' * (n > 1)}" for kind in ("error", "warning") if (n := counts[kind])
    )
    full = "&#10;".join(
        for_html(f"{finding.severity}: {finding}. {finding.remedy}")
        for finding in found
        if finding.severity != "note"
    )
    return f' <span class="esm-explore-badge" title="{full}">⚠ {said}: ex.doctor(trace)</span>'
