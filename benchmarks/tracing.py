"""What seeing everything costs: tracing against esm's encode, and opening one residue."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import numpy as np
import psutil
import torch
from esm.utils.structure.protein_chain import ProteinChain

import esm_explore as ex

REPEATS = 5


def seconds(run: Callable[[], object]) -> float:
    """Give the median time of some runs, after one that does not count."""
    run()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_gigabytes(run: Callable[[], object]) -> float:
    """Give the most memory that a run needs above what is in use before it."""
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    peak = [before]

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    run()
    done.set()
    watcher.join()
    return (peak[0] - before) / 1e9


def repeated(chain: ProteinChain, length: int) -> ProteinChain:
    """Make a long chain of copies of a real one, each 80 Å from the last."""
    copies = -(-length // len(chain))
    shifts = np.array([[80.0 * i, 0, 0] for i in range(copies)], dtype=np.float32)
    positions = np.concatenate([chain.atom37_positions + shift for shift in shifts])[:length]
    return ProteinChain.from_atom37(
        positions, id="copies", sequence=(chain.sequence * copies)[:length]
    )


def main() -> None:
    """Print a table."""
    encoder = ex.load_encoder("untrained")
    chain = ex.read_chain("1ITU")
    coords, _, residue_index = chain.to_structure_encoder_inputs()

    def encode() -> None:
        with torch.no_grad():
            encoder.encode(coords, residue_index=residue_index)

    trace = ex.trace(encoder, chain)
    by_esm, by_us = seconds(encode), seconds(lambda: ex.trace(encoder, chain))
    residues = iter(range(len(chain)))
    opened = seconds(lambda: trace.neighborhood(next(residues)))
    long_chain = repeated(chain, 5_000)
    memory = peak_gigabytes(lambda: ex.trace(encoder, long_chain))
    print(
        f"{ex.encoder_info(encoder)}; torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    print(f"trace, 369 residues: {by_us:.2f} s; esm's encode {by_esm:.2f} s: {by_us / by_esm:.2f}x")
    print(f"one neighborhood:   {1e3 * opened:.0f} ms (has to be under 100 ms)")
    print(f"trace, 5,000 residues: {memory:.2f} GB over the encoder (has to be under 1.5 GB)")


if __name__ == "__main__":
    main()
