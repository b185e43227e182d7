"""What a reader looks for: residues by number, token, motif, structure, or a comparison."""

from __future__ import annotations

import re
from dataclasses import dataclass

from esm_explore.analysis.finding_values import LISTED, WORDS, compared, of_kind, with_token
from esm_explore.analysis.motifs import AMINO_ACIDS, MotifError, read_motif
from esm_explore.arguments import check_kind, whole_number
from esm_explore.chains.residues import plain_labels, three_letters
from esm_explore.errors import TraceError
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace

EXAMPLES = "185, K185, B:185, 50-60, token 1234, GxGxxG, strand, margin < 0.1"
_NUMBER = r"-?\d{1,9}[A-Za-z]?"
_COMPARED = re.compile(r"(?i)(margin|burial)\s*(<=|>=|<|>|=)\s*(-?\d*\.?\d+)")
_TOKEN = re.compile(r"(?i)(?:token|code)\s*(\d{1,9})")
_RANGE = re.compile(rf"({_NUMBER})\s*(?:-|–|to)\s*({_NUMBER})")
_NAMED = re.compile(r"([A-Za-z]{3}|[A-Za-z])\s?(-?\d{1,9}[A-Za-z]?)")
_LETTERS = {three_letters(letter): letter for letter in AMINO_ACIDS}


@dataclass(frozen=True)
class Found:
    """Residues that were looked for.

    Attributes
    ----------
    chain : int
        Number of the trace.
    residues : tuple of int
        Indices, in order; at least one.
    said : str
        How many, for the reader.
    """

    chain: int
    residues: tuple[int, ...]
    said: str


def find_residues(traces: Trace | list[Trace], text: str, shown: int = 0) -> Found:
    """Find residues by what a reader typed.

    Parameters
    ----------
    traces : Trace or list of Trace
        All of one encoder.
    text : str
        - ``185``, ``57A`` (an insertion code), ``K185`` or ``Lys185`` (which is checked),
          ``50-60``, and several of these between commas
        - ``token 1234``: residues with that token
        - ``GxGxxG``, ``N-{P}-[ST]``: a motif; ``x`` is any amino acid, ``[ST]`` one of these,
          ``{P}`` none of these, ``x(2,4)`` two to four. ``G5`` is a residue.
        - ``helix``, ``strand``, ``coil``; ``positive``, ``aromatic`` and the other classes of
          amino acids; ``frameless``: residues without a backbone frame
        - ``margin < 0.1``, ``burial >= 20``

        Before a colon the chain's id, the structure's, or both: ``B:185``, ``1UBI:strand``,
        ``1UBI A:48``; of several models with the number: ``2LZM A model 2:48``.
    shown : int
        Number of the trace that is looked into first; of the others, the first that has some.

    Returns
    -------
    Found

    Raises
    ------
    TraceError
        If there is no such residue, or it is none of the above; the message says what is right.

    Examples
    --------
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    >>> find_residues(trace, "K48, 62-64").residues
    (47, 61, 62, 63)
    >>> find_residues(trace, "LxGG").said
    '4 residues match LxGG'
    """
    traces = traces_of(traces, "find_residues")
    check_kind(text, str, "text", f"what to find, such as {EXAMPLES}")
    shown = whole_number(shown, "shown", 0, len(traces) - 1)
    order = sorted(range(len(traces)), key=lambda i: i != shown)
    name, colon, rest = text.rpartition(":")
    if colon:
        order = _named_chains(traces, order, name.strip())
    wanted = rest.strip()
    if not wanted:
        raise TraceError(f"There is nothing to find; try {EXAMPLES}.")
    refused = {}
    for chain in order:
        try:
            residues = sorted({int(i) for i in _find(traces[chain], wanted)})
            residues = _of_part(traces[chain], residues, name.strip(), wanted)
        except TraceError as error:
            refused[str(error)] = traces[chain].title
            continue
        return Found(chain, tuple(residues), _said(residues, wanted))
    said, *_ = refused
    others = list(refused.values())[1:]
    raise TraceError(said + (f" Nor is there any in {'; '.join(others)}." if others else ""))


def _named_chains(traces: list[Trace], order: list[int], name: str) -> list[int]:
    names = [
        (
            *(str(t.chain.chain_id), str(t.chain.id), t.short_title),
            *(part for own, _ in t.parts for part in (own, f"{t.short_title} {own}")),
        )
        for t in traces
    ]
    # As it is written first: chains a and A are two.
    named = [i for i in order if name in names[i]] or [
        i for i in order if name.lower() in (own.lower() for own in names[i])
    ]
    if not named:
        own = [(t, [part for part, _ in t.parts] or [t.chain.chain_id]) for t in traces]
        there = ", ".join(f"{part} ({t.short_title})" for t, parts in own for part in parts)
        raise TraceError(f"There is no chain {name!r} here; there are: {there}.")
    return named


def _of_part(trace: Trace, residues: list[int], name: str, wanted: str) -> list[int]:
    """Keep those of the chain of a complex that was named."""
    parts = {part for part, _ in trace.parts}
    own = name.removeprefix(trace.short_title).strip()
    part = name if name in parts else own if own in parts else own.upper()
    if part not in parts:
        return residues
    kept = [i for i in residues if trace.chain_ids[i] == part]
    if not kept:
        raise TraceError(f"Chain {part} of {trace.title} has none of {wanted}.")
    return kept


def _said(residues: list[int], wanted: str) -> str:
    return f"{len(residues)} residue{'s match' if len(residues) > 1 else ' matches'} {wanted}"


def _find(trace: Trace, wanted: str) -> list[int]:
    if match := _COMPARED.fullmatch(wanted):
        return compared(trace, match[1].lower(), match[2], float(match[3]))
    if match := _TOKEN.fullmatch(wanted):
        return with_token(trace, int(match[1]))
    if (word := wanted.lower()) in WORDS:
        return of_kind(trace, word)
    parts = [part.strip() for part in wanted.split(",")]
    if all(_is_residue(part) for part in parts):
        return [i for part in parts for i in _residues(trace, part)]
    return _motif(trace, wanted)


def _is_residue(part: str) -> bool:
    return any(re.fullmatch(p, part) for p in (_NUMBER, _RANGE, _NAMED))


def _residues(trace: Trace, part: str) -> list[int]:
    """Find one residue, those that share its number and code, or a range."""
    if match := _RANGE.fullmatch(part):
        return _range(trace, match[1], match[2])
    if re.fullmatch(_NUMBER, part):
        return _labelled(trace, part)
    named = _NAMED.fullmatch(part)
    assert named is not None, part  # what else there is was told apart above
    name, label = named.groups()
    letter = name.upper() if len(name) == 1 else _LETTERS.get(name.upper())
    if letter is None:
        known = ", ".join(sorted(_LETTERS))
        raise TraceError(f"{name!r} is no amino acid; three letters are one of: {known}.")
    found = _labelled(trace, label)
    right = [i for i in found if trace.chain.sequence[i] == letter]
    if not right:
        own = trace.chain.sequence[found[0]]
        raise TraceError(
            f"Residue {label} of {trace.title} is {own} ({three_letters(own)}), not {letter}; "
            f"{_where(trace, letter)}."
        )
    return right


def _where(trace: Trace, letter: str) -> str:
    """Say where an amino acid is."""
    there = [n for n, own in zip(trace.labels, trace.chain.sequence, strict=True) if own == letter]
    more = f" and {len(there) - LISTED} more" if len(there) > LISTED else ""
    return f"{letter} is {', '.join(there[:LISTED]) or 'none of its residues'}{more}"


def _labelled(trace: Trace, label: str) -> list[int]:
    plain = plain_labels(trace.chain)
    label = label[:-1] + label[-1].upper() if label not in plain else label
    found = [i for i, own in enumerate(plain) if own == label]
    return found or [trace.index_of(label)]


def _range(trace: Trace, first: str, last: str) -> list[int]:
    """Take what stands between two residues in the chain; one that it lacks may be an end."""
    labels, (low, high) = trace.labels, map(_place, (first, last))
    unique = labels.count(first) == labels.count(last) == 1
    start, end = (labels.index(first), labels.index(last)) if unique else (0, 0)
    if start > end or (not unique and low > high):
        raise TraceError(f"{first}-{last} runs backward: {last}-{first} would be right.")
    if unique:
        return list(range(start, end + 1))
    residues = zip(plain_labels(trace.chain), trace.breaks, strict=True)
    held = [i for i, (own, gap) in enumerate(residues) if not gap and low <= _place(own) <= high]
    if not held:
        raise TraceError(
            f"No residue of {trace.title} is in {first}-{last}; it has: {labels[0]} to "
            f"{labels[-1]}."
        )
    return held


def _place(label: str) -> tuple[int, str]:
    """Give number and insertion code, which order residues."""
    parts = re.fullmatch(r"(-?\d+)(.*)", label)
    assert parts is not None, label  # labels of traces are made so
    number, code = parts.groups()
    return int(number), code


def _motif(trace: Trace, wanted: str) -> list[int]:
    try:
        motif = read_motif(wanted)
    except MotifError as error:
        raise TraceError(
            f"{wanted!r} is neither a residue nor a motif ({error}); try {EXAMPLES}."
        ) from None
    sequence = trace.chain.sequence
    parts = [rows for _, rows in trace.parts] or [slice(0, len(sequence))]
    if found := [rows.start + i for rows in parts for i in motif.find(sequence[rows])]:
        return found
    said = f"The motif {wanted} is not in the sequence of {trace.title}"
    if part := motif.longest_part(trace.chain.sequence):
        said += f"; its part {part[0]} is, at {trace.labels[part[1]]}"
    # Who typed a word did not mean a motif.
    if len(wanted) > 2 and wanted.isalpha() and "x" not in wanted.lower():
        said += f". Words that are found: {', '.join(WORDS)}"
    raise TraceError(said + ".")
