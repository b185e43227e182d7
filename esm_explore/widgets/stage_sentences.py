"""One sentence on what happened to a residue at a stage, made from the numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from esm_explore.analysis.annotations import residue_values
from esm_explore.analysis.heads import LOCAL
from esm_explore.escaping import for_html
from esm_explore.glossary import TERMS, explain
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import (
    Attention,
    Block,
    Codebook,
    Latent,
    Neighbors,
    Query,
    RelativePosition,
    Stage,
)
from esm_explore.tracing.traces import Trace

# Words of everyday English, which are explained where they head a table.
_PLAIN = {"residue", "distance", "stage", "along the chain", "rank", "bin", "cosine"}
_PLAIN |= {"category", "count", "share"}
_TERM = re.compile(
    r"\b(?:" + "|".join(sorted(set(TERMS) - _PLAIN, key=len, reverse=True)) + r")(?:s|es)?\b", re.I
)


def explained(text: str) -> str:
    """Write a text as HTML in which hovering over a term of the glossary says what it means.

    Examples
    --------
    >>> explained("A margin.").startswith('A <abbr title="')
    True
    """

    def mark(match: re.Match) -> str:
        return f'<abbr title="{for_html(explain(match[0]))}">{match[0]}</abbr>'

    return _TERM.sub(mark, for_html(text))


def tell(stage: Stage, trace: Trace, opened: Neighborhood) -> str:
    """Say in plain text what happened at a stage in the residue that was opened."""
    index = int(opened.edges[0])
    if not trace.has_frame[index]:
        return (
            f"Residue {opened.label} has no backbone frame: its state is set to zero before "
            f"pre_vq, so it gets token {opened.token}, as every residue without a frame does. "
            "That token says nothing about the structure."
        )
    return _tell(stage, trace, opened)


@singledispatch
def _tell(stage: Stage, trace: Trace, opened: Neighborhood) -> str:
    raise NotImplementedError(f"Nothing is told of {type(stage).__name__}.")


def relative_name(relative: int) -> str:
    """Name a node by its relative position, as i, i-4 or i+57.

    Examples
    --------
    >>> relative_name(-4), relative_name(0)
    ('i-4', 'i')
    """
    return f"i{relative:+d}" if relative else "i"


def _node_name(opened: Neighborhood, node: int) -> str:
    """Name a node by its relative position, which between chains is only what numbers say."""
    if opened.foreign[node]:
        return opened.labels[node]
    return relative_name(opened.relative_positions[node])


@_tell.register
def _(stage: Neighbors, trace: Trace, opened: Neighborhood) -> str:
    others = np.flatnonzero(opened.has_frame)[1:]
    local = int((np.abs(opened.relative_positions[others]) <= LOCAL).sum())
    foreign = int(opened.foreign[others].sum())
    text = (
        f"Residue {opened.label} sees {len(others)} others: {local} of them at most {LOCAL} along "
        f"the chain, {len(others) - local - foreign} brought near by the fold"
        + (f", {foreign} of another chain." if foreign else ".")
    )
    if len(others):
        nearest, farthest = others[0], others[-1]
        text += (
            f" The nearest is {opened.labels[nearest]} ({opened.distances[nearest]:.1f} Å away), "
            f"the farthest {opened.labels[farthest]} ({opened.distances[farthest]:.1f} Å)."
        )
    if len(opened) < 16:
        text += f" The chain has fewer than 16 residues, so the neighborhood is {len(opened)}."
    frameless = int((~opened.has_frame).sum())
    if frameless:
        text += f" {frameless} of the nodes have no backbone frame and are attended to by none."
    return text


@_tell.register
def _(stage: RelativePosition, trace: Trace, opened: Neighborhood) -> str:
    relative = opened.relative_positions[1:]
    limit = (trace.relative_position.table.shape[0] - 2) // 2
    clipped = int((np.abs(relative) >= limit).sum())
    before, after = int((relative < 0).sum()), int((relative > 0).sum())
    text = f"{before} of the neighbors come before residue {opened.label} and {after} after it."
    if clipped:
        return text + (
            f" {clipped} are {limit} or more away along the chain: of these the encoder learns "
            "the side, not the distance."
        )
    return text + f" All are less than {limit} away along the chain: none is clipped."


@_tell.register
def _(stage: Attention, trace: Trace, opened: Neighborhood) -> str:
    rows = opened.attention[stage.block, :, 0]
    mean = rows.mean(0)
    others = [node for node in np.argsort(-mean) if node != 0][:3]
    read = [f"{_node_name(opened, n)} ({100 * mean[n]:.0f} %)" for n in others]
    sharpest = int(rows.max(1).argmax())
    target = int(rows[sharpest].argmax())
    text = f"Over its {len(rows)} heads, block {stage.block} keeps {100 * mean[0]:.0f} % on itself"
    if read:
        text += f" and reads mostly {_listed(read)}"
    return text + (
        f". The sharpest head, {sharpest}, puts {100 * rows[sharpest, target]:.0f} % on "
        f"{_node_name(opened, target)} (residue {opened.labels[target]})."
    )


@_tell.register
def _(stage: Block, trace: Trace, opened: Neighborhood) -> str:
    index, block = int(opened.edges[0]), stage.block
    before, after = opened.states[block][0], opened.states[block + 1][0]
    parts = [np.linalg.norm(part[block][index]) for part in (trace.attention_out, trace.ffn_out)]
    more = "attention" if parts[0] > parts[1] else "the feed-forward network"
    cosine = before @ after / (np.linalg.norm(before) * np.linalg.norm(after) + 1e-12)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return (
        f"To a state of length {np.linalg.norm(before):.1f} attention adds {parts[0]:.1f} and the "
        f"feed-forward network {parts[1]:.1f}, so {more} writes more here; the state is then "
        f"{np.linalg.norm(after):.1f} long and turned by {angle:.0f}°."
    )


@_tell.register
def _(stage: Query, trace: Trace, opened: Neighborhood) -> str:
    index = int(opened.edges[0])
    alike = cosine_to(trace, index)
    alike[index] = -np.inf
    best = int(np.nanargmax(np.where(trace.has_frame, alike, -np.inf)))
    same = " The two get the same token." if trace.tokens[best] == opened.token else ""
    return (
        f"In this chain the residue whose query state points most nearly the same way is "
        f"{trace.labels[best]} (cosine {alike[best]:.2f}).{same}"
    )


@_tell.register
def _(stage: Latent, trace: Trace, opened: Neighborhood) -> str:
    index = int(opened.edges[0])
    length = np.linalg.norm(trace.pre_vq[trace.has_frame], axis=1)
    own = float(np.linalg.norm(trace.pre_vq[index]))
    largest = np.argsort(-np.abs(opened.pre_vq))[:3]
    return (
        f"The latent is {own:.1f} long (in this chain {length.min():.1f} to {length.max():.1f}); "
        f"its largest numbers are {_listed([f'{opened.pre_vq[i]:+.1f} at {i}' for i in largest])}."
    )


@_tell.register
def _(stage: Codebook, trace: Trace, opened: Neighborhood) -> str:
    index = int(opened.edges[0])
    framed = np.flatnonzero(trace.has_frame)
    first, second = trace.nearest.codes[index]
    distance = np.sqrt(trace.nearest.squared_distances[index].clip(min=0))
    margin = trace.nearest.margin
    clearer = 100 * (margin[framed] < margin[index]).mean()
    alike = [trace.labels[i] for i in framed if trace.tokens[i] == opened.token and i != index]
    others = (
        f"{len(alike)} other residues here have it: {_listed(alike[:6])}"
        + (" and more" if len(alike) > 6 else "")
        if alike
        else "No other residue here has it"
    )
    return (
        f"Code {first} is nearest ({distance[0]:.2f}), code {second} next ({distance[1]:.2f}): "
        f"a margin of {margin[index]:.2f}, clearer than "
        f"{clearer:.0f} % of this chain's. So the token is {opened.token}. {others}."
    )


def cosine_to(trace: Trace, index: int) -> np.ndarray:
    """Compare the query states of all residues with one's, shape=(L,), from -1 to 1."""
    length = np.linalg.norm(trace.query, axis=1)
    return trace.query @ trace.query[index] / np.maximum(length * length[index], 1e-12)


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def summarize(trace: Trace, selection: Sequence[int]) -> str:
    """Sum up some residues as HTML: how many, which amino acids, structures and tokens."""
    if not selection:
        return ""
    chosen = np.array(selection)
    framed = chosen[trace.has_frame[chosen]]
    letters = Counter(np.array(list(trace.chain.sequence))[chosen].tolist()).most_common()
    structure = Counter(residue_values(trace, "secondary_structure")[chosen].tolist())
    tokens = Counter(trace.tokens[framed].tolist())
    parts = [
        f"<b>{len(chosen)} residues selected</b>: "
        + " ".join(f"{for_html(letter)}{count}" for letter, count in letters),
        ", ".join(f"{count} {name}" for name, count in structure.most_common()),
    ]
    if tokens:
        most = ", ".join(f"{token} ({count})" for token, count in tokens.most_common(3))
        parts.append(f"{len(tokens)} different tokens, most often {most}")
    if len(framed) < len(chosen):
        parts.append(f"{len(chosen) - len(framed)} without a backbone frame, whose token is none")
    return "; ".join(parts)
