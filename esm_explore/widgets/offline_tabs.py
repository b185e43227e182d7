"""What the tabs say, written down for the page: cards once a code, the rest by residue."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from esm_explore.errors import TraceError
from esm_explore.escaping import for_html, for_plotly
from esm_explore.experiments.rerunning import framed_index
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.answers import around
from esm_explore.widgets.code_answer import CodeAnswers, of_card, of_residue, without_atlas
from esm_explore.widgets.ghosts import shown_at
from esm_explore.widgets.panel_contents import Contents
from esm_explore.widgets.why_answer import OFFLINE


class TabRecorder:
    """Writes down what the tabs say.

    Parameters
    ----------
    answers : CodeAnswers

    Attributes
    ----------
    cards : dict of int to dict
        What all residues of a code have in common.
    """

    def __init__(self, answers: CodeAnswers):
        self._answers = answers
        self.cards: dict[int, dict] = {}
        self.why = OFFLINE

    def of(self, trace: Trace, index: int, coords: np.ndarray | None) -> dict:
        """Give what the "code" tab says of one residue, its code's card apart."""
        own = {"code": -1, "said": "", "near": around(trace, index), "legend": [], "ghost": []}
        try:
            framed_index(trace, index)
        except TraceError as error:
            return own | {"said": for_html(str(error))}
        atlas = self._answers.atlas_for(trace)
        if atlas is None:
            return own | {"said": without_atlas(trace)}
        code = int(trace.tokens[index])
        card = atlas.code(code)
        if code not in self.cards:
            common = of_card(card, atlas)
            contents = Contents("", common.figure, common.table)
            self.cards[code] = {
                **{"said": common.said, "said_source": common.said_source},
                "figure": {"base": common.figure.data, "axes": contents.axes},
                "table": asdict(common.table),
                "source": for_plotly(f"{trace.source}; {common.source}"),
            }
        said, space, ghost = of_residue(trace, index, card)
        shown = shown_at(trace, coords, ghost)
        return own | {"code": code, "said": said, "legend": space.said, "ghost": shown}
