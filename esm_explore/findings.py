"""A finding, and a report of findings as text, as a table and as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, overload

import numpy as np
import pandas as pd

from esm_explore.escaping import for_html, without_formulas

Severity = Literal["error", "warning", "note"]
SEVERITIES = ("error", "warning", "note")
_SHOWN = 8


@dataclass(frozen=True)
class Finding:
    """One thing that could make tokens misleading.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        With an error the tokens mean nothing; with a warning some of them mislead; a note is
        a choice that one should know of.
    title : str
        What was found.
    residues : tuple of str
        Labels (number and insertion code) of the residues that it is about; empty if it is about
        the whole chain.
    why : str
        Why it matters for tokens.
    remedy : str
        What to do.
    """

    severity: Severity
    title: str
    residues: tuple[str, ...]
    why: str
    remedy: str

    @classmethod
    def at(
        cls,
        mask: np.ndarray,
        labels: Sequence[str],
        severity: Severity,
        title: str,
        why: str,
        remedy: str,
    ) -> list[Finding]:
        """Make a finding about the residues where a mask is true; none where it is nowhere."""
        where = tuple(labels[i] for i in np.flatnonzero(mask))
        return [cls(severity, title, where, why, remedy)] if where else []

    def __str__(self) -> str:
        where = f" at {some(self.residues)}" if self.residues else ""
        return f"{self.title}{where}"


class Report(Sequence):
    """Findings, worst first.

    Attributes
    ----------
    title : str
        The chain, and the encoder of what was computed.
    findings : list of Finding
    """

    def __init__(self, title: str, findings: Iterable[Finding]):
        self.title = title
        self.findings = sorted(findings, key=lambda found: SEVERITIES.index(found.severity))

    def __len__(self) -> int:
        return len(self.findings)

    @overload
    def __getitem__(self, index: int) -> Finding: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Finding]: ...

    def __getitem__(self, index: int | slice) -> Finding | Sequence[Finding]:
        return self.findings[index]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    @property
    def worst(self) -> Severity | None:
        """The severity of the first finding; None if there is none."""
        return self.findings[0].severity if self.findings else None

    def to_frame(self) -> pd.DataFrame:
        """Make a table of findings.

        Returns
        -------
        DataFrame
            One row a finding, worst first; columns severity, title, residues (a tuple of labels),
            why and remedy.
        """
        columns = list(Finding.__dataclass_fields__)
        return pd.DataFrame([asdict(found) for found in self], columns=columns)

    def _header(self) -> str:
        counts = [sum(found.severity == kind for found in self) for kind in SEVERITIES]
        parts = [f"{n} {k}{'s' * (n > 1)}" for n, k in zip(counts, SEVERITIES, strict=True) if n]
        return f"{self.title}: {', '.join(parts) or 'nothing found'}"

    def __repr__(self) -> str:
        lines = [self._header()]
        for found in self:
            lines += ["", f"{found.severity}: {found}", f"  why: {found.why}"]
            lines.append(f"  what to do: {found.remedy}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{found.severity}</td>"
            + "".join(
                f"<td style='text-align:left'>{for_html(text)}</td>"
                for text in (found.title, some(found.residues), found.why, found.remedy)
            )
            + "</tr>"
            for found in self
        )
        names = ("", "found", "residues", "why it matters for tokens", "what to do")
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in names)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        header = f"<p>{for_html(self._header())}</p>"
        return without_formulas(header + (table if len(self) else ""))


def some(labels: Sequence[str]) -> str:
    """Name up to eight residues, and say how many more there are."""
    shown = ", ".join(labels[:_SHOWN])
    return f"{shown} and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else shown


def in_short(findings: Iterable[Finding]) -> list[str]:
    """Say each in a line, for a warning: what, where, and what to do."""
    return [f"{found}: {found.remedy.rstrip('.')}" for found in findings]
