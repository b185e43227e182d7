"""Motifs of amino acids: `GxGxxG`, `N-{P}-[ST]`, read and looked for in a sequence."""

from __future__ import annotations

import re
from dataclasses import dataclass

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_PLACE = re.compile(r"(?:\[([A-Za-z]+)\]|\{([A-Za-z]+)\}|([A-Za-z]))(\(\d{1,3}(?:,\d{1,3})?\))?")
# All parts of a motif of as many places are looked for in a moment.
_PARTS_OF = 40


class MotifError(ValueError):
    """Something is no motif; it says what."""


@dataclass(frozen=True)
class Motif:
    """A motif.

    Attributes
    ----------
    places : tuple of (str, str)
        How each place is written, and the regular expression that says the same.
    """

    places: tuple[tuple[str, str], ...]

    def find(self, sequence: str) -> list[int]:
        """List the indices of all residues in a match; matches may overlap."""
        pattern = "".join(place for _, place in self.places)
        # Looking ahead finds matches that overlap, too.
        found = re.finditer(f"(?=({pattern}))", sequence)
        return [i for match in found for i in range(match.start(), match.start() + len(match[1]))]

    def longest_part(self, sequence: str) -> tuple[str, int] | None:
        """Give the longest part that is in a sequence, and where it first starts.

        It begins and ends with what is not any amino acid, and has two places at least.
        """
        n = len(self.places)
        for length in range(min(n - 1, _PARTS_OF), 1, -1):
            for start in range(n - length + 1):
                part = Motif(self.places[start : start + length])
                if part.is_open:
                    continue
                if found := part.find(sequence):
                    return "".join(text for text, _ in part.places), found[0]
        return None

    @property
    def is_open(self) -> bool:
        """Whether one end is any amino acid."""
        return any(self.places[end][1].startswith(".") for end in (0, -1))


def read_motif(text: str) -> Motif:
    """Read a motif.

    Parameters
    ----------
    text : str
        ``x`` is any amino acid, ``[ST]`` one of these, ``{P}`` none of these, ``x(2,4)`` two to
        four; dashes between places may be there.

    Returns
    -------
    Motif

    Raises
    ------
    MotifError
        If something in it is none of these, or there are fewer than two places.

    Examples
    --------
    >>> read_motif("GxG").find("AGAGA")
    [1, 2, 3]
    """
    places, at, plain = [], 0, text.replace("-", "").replace(" ", "")
    while at < len(plain):
        place = _PLACE.match(plain, at)
        letters = "".join(place.groups(default="")[:3]).upper() if place else ""
        is_any = place is not None and place[3] is not None and letters == "X"
        if place is None or (
            not is_any and (not letters or set(letters) - set(AMINO_ACIDS + "UO"))
        ):
            raise MotifError(f"{plain[at : at + 12]!r} is not an amino acid, x, [..] or {{..}}")
        times = (place[4] or "").replace("(", "{").replace(")", "}")
        kind = "." if is_any else f"[{'^' if place[2] else ''}{letters}]"
        places.append((place[0], kind + times))
        at = place.end()
    if len(places) < 2 or all(kind.startswith(".") for _, kind in places):
        raise MotifError("it is too short for a motif")
    return Motif(tuple(places))
