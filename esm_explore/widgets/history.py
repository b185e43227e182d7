"""What was chosen before: back and forward, as in a browser."""

from __future__ import annotations

from esm_explore.widgets.selection import Selection


class History:
    """Remembers each choice of a selection.

    Parameters
    ----------
    selection : Selection
    """

    def __init__(self, selection: Selection):
        self._selection = selection
        self._choices = [selection.choice]
        self._at = 0
        selection.observe(self._remember, "choice")

    @property
    def has_past(self) -> bool:
        """Whether there is something to go back to."""
        return self._at > 0

    @property
    def has_next(self) -> bool:
        """Whether there is something to go forward to."""
        return self._at < len(self._choices) - 1

    def move(self, by: int) -> None:
        """Go to an earlier choice (-1) or a later one (1), if there is one."""
        if 0 <= self._at + by < len(self._choices):
            self._at += by
            self._selection.choose(*self._choices[self._at])

    def _remember(self, change: dict) -> None:
        # What history itself chose is there already.
        if change["new"] != self._choices[self._at]:
            self._choices[self._at + 1 :] = [change["new"]]
            self._at += 1
