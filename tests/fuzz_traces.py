"""Trace mutated structures and compare with esm: ``python tests/fuzz_traces.py [chains] [seed]``.

Real chains, cut, shifted, turned, scaled, shaken, with gaps, missing atoms, repeated and falling
residue numbers, insertion codes, and arrays of other dtypes, byte and memory orders. Each is
refused with a `TraceError`, or its tokens are those of esm's own ``encode`` on the same inputs. A
token may differ only where rounding decides: where its two nearest codes are equally near to 1e-4.
Anything else is a failure: status 1, and the number that makes the same chain again.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from esm.utils.structure.protein_chain import ProteinChain
from scipy.spatial.transform import Rotation

import esm_explore as ex

NEAR = 1e-4
NAMES = ("1UBI", "1EJG", "5PTI", "4ZHL", "1A8O", "1AS5", "2HT0", "1AKE")
Change = Callable[[ProteinChain, np.random.Generator], ProteinChain]


def moved(chain: ProteinChain, positions: np.ndarray) -> ProteinChain:
    mask = np.isfinite(positions).all(-1)
    return replace(chain, atom37_positions=positions, atom37_mask=mask)


def cut(chain, rng):
    """A stretch, from one residue to all."""
    a, b = sorted(rng.integers(0, len(chain) + 1, size=2))
    kept = np.arange(a, max(b, a + 1))[: len(chain)]
    return chain[kept[kept < len(chain)]]


def shift(chain, rng):
    """Up to 9,000 Å from the origin."""
    return moved(chain, chain.atom37_positions + rng.uniform(-1, 1, 3) * 10 ** rng.uniform(0, 3.9))


def turn(chain, rng):
    """Any rotation."""
    turned = chain.atom37_positions @ Rotation.random(random_state=rng).as_matrix().T
    return moved(chain, turned.astype(np.float32))


def scale(chain, rng):
    """From nm to ten times Å."""
    return moved(chain, chain.atom37_positions * np.float32(10 ** rng.uniform(-1, 1)))


def shake(chain, rng):
    """Each atom by up to 2 Å."""
    noise = rng.normal(0, 10 ** rng.uniform(-3, 0.3), chain.atom37_positions.shape)
    return moved(chain, (chain.atom37_positions + noise).astype(np.float32))


def lose(chain, rng):
    """Atoms, whole residues, or all but a few."""
    positions = chain.atom37_positions.copy()
    positions[rng.random(positions.shape[:2]) < rng.choice([0.01, 0.1, 0.6])] = np.nan
    positions[rng.random(len(positions)) < 0.1] = rng.choice([np.nan, np.inf])
    return moved(chain, positions)


def gap(chain, rng):
    """Residues taken out of the middle."""
    return chain[np.flatnonzero(rng.random(len(chain)) < 0.8)]


def number(chain, rng):
    """Numbers that jump, fall, repeat or are negative, with insertion codes."""
    numbers = chain.residue_index + rng.integers(-5_000, 5_000)
    kind = rng.integers(0, 4)
    if kind == 0:
        numbers = numbers[::-1]
    elif kind == 1:
        numbers = rng.integers(-100, 100, len(chain))
    elif kind == 2:
        numbers = numbers // 2
    codes = rng.choice(["", "A", "BC"], len(chain))
    return replace(chain, residue_index=numbers.copy(), insertion_code=codes)


def store(chain, rng):
    """Arrays in another byte order, memory order or precision."""
    positions = chain.atom37_positions
    stored = [
        positions.astype(">f4"),
        np.asfortranarray(positions),
        positions.astype(np.float64),
        positions[::-1].copy()[::-1],
    ][rng.integers(0, 4)]
    numbers = chain.residue_index.astype(rng.choice(["<i4", ">i8", "<f8"]))
    return replace(chain, atom37_positions=stored, residue_index=numbers)


CHANGES: tuple[Change, ...] = (cut, shift, turn, scale, shake, lose, gap, number, store)


def differences(encoder, chain: ProteinChain) -> str:
    """Trace a chain; say how its tokens differ from esm's, or that it is refused."""
    try:
        trace = ex.trace(encoder, chain)
    except ex.TraceError:
        return "refused"
    inputs = trace.inputs
    with torch.no_grad():
        _, tokens = encoder.encode(inputs.coords[None], residue_index=inputs.residue_index[None])
    other = np.flatnonzero((tokens[0].numpy() != trace.tokens) & trace.has_frame)
    if not len(other):
        return "equal"
    codes = trace.codebook.astype(float)
    for row in other:
        squared = ((trace.pre_vq[row].astype(float) - codes) ** 2).sum(1)
        first, second = np.sort(squared)[:2]
        if second - first > NEAR * max(first, 1.0):
            return f"token {trace.tokens[row]} at {row}, not {int(tokens[0, row])}"
    return "equal but for near-ties"


def main(chains: int, seed: int) -> int:
    """Trace that many mutated chains with mini and the full size; 1 if one is not as esm's."""
    warnings.simplefilter("ignore")
    originals = [ex.read_chain(name) for name in NAMES]
    failed = 0
    for name, share in (("mini", 1.0), ("untrained", 0.1)):
        encoder, outcomes = ex.load_encoder(name), Counter()
        for number in range(seed, seed + int(chains * share)):
            rng = np.random.default_rng(number)
            chain = originals[number % len(originals)]
            for change in rng.choice(CHANGES, size=rng.integers(1, 4)):
                chain = change(chain, rng) if len(chain) else chain
            try:
                outcome = differences(encoder, chain)
            except Exception as error:
                outcome = f"{type(error).__name__}: {error}"
            known = outcome in ("equal", "equal but for near-ties", "refused")
            outcomes[outcome if known else "failed"] += 1
            if not known:
                print(f"{name}, chain {number}: {outcome}", flush=True)
        print(f"{name}: {dict(outcomes)}", flush=True)
        failed += outcomes["failed"]
    return int(failed > 0)


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]] + [100, 0][len(sys.argv) - 1 :]
    sys.exit(main(*arguments))
