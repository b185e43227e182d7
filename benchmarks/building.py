"""What building an atlas costs: residues a second, and how much of the time the encoder takes.

Compared with a loop of reading and esm's encode, on the files of CASP14 and on chains of the arrays
that mini was trained on, as far as those are there. ``--chains`` chooses how many of the latter.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tokenizing import CASP14, esm_encode, row

import esm_explore as ex
from esm_explore.atlas.arrays import ArrayChains
from esm_explore.tokens.chunks import ChunkedEncoder

ARRAYS = CASP14.parent / "train_nr30.npz"


@contextmanager
def encoder_seconds() -> Iterator[list[float]]:
    """Collect the seconds of searching neighbors and of encoding chunks."""
    spent = []
    real = {name: getattr(ChunkedEncoder, name) for name in ("prepare", "_encode_chunk")}

    def timed(function: Callable) -> Callable:
        def run(*args):
            start = time.perf_counter()
            try:
                return function(*args)
            finally:
                spent.append(time.perf_counter() - start)

        return run

    for name, function in real.items():
        setattr(ChunkedEncoder, name, timed(function))
    try:
        yield spent
    finally:
        for name, function in real.items():
            setattr(ChunkedEncoder, name, function)


def first_chains(count: int, folder: Path) -> Path:
    """Write the first chains of the arrays to a file of their own."""
    with np.load(ARRAYS) as file:
        arrays = {name: file[name] for name in file.files}
    end = int(arrays["start"][count - 1] + arrays["size"][count - 1])
    a_chain = {"names", "start", "size", "resnum"}
    path = folder / "chains.npz"
    np.savez(path, **{k: v[:count] if k in a_chain else v[:end] for k, v in arrays.items()})
    return path


def compare(encoder, title: str, sources: list[Path], loop: Callable[[], int]) -> None:
    with tempfile.TemporaryDirectory() as folder, encoder_seconds() as spent:
        start = time.perf_counter()
        atlas = ex.build_atlas(encoder, sources, Path(folder) / "atlas", progress=False)
        built = time.perf_counter() - start
        n = atlas.manifest["counts"]["residues"]
    start = time.perf_counter()
    assert loop() == n
    looped = time.perf_counter() - start
    row(
        title,
        f"{n / looped:,.0f}/s",
        f"{n / built:,.0f}/s",
        f"{looped / built:.1f}x",
        f"{sum(spent) / built:.0%}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default="mini")
    parser.add_argument("--chains", type=int, default=2_000)
    options = parser.parse_args()
    encoder = ex.load_encoder(options.encoder)
    list(ex.tokenize(encoder, [ex.read_chain("1UBI")]))
    row(options.encoder, "loop of encode", "build_atlas", "ratio", "in the encoder")
    files = sorted(CASP14.glob("*.pdb.gz"))
    if files:

        def read_and_encode() -> int:
            chains = map(ex.read_chain, files)
            return sum(esm_encode(encoder, chain)[1].shape[1] for chain in chains)

        compare(encoder, f"{len(files)} files of CASP14", files, read_and_encode)
    if ARRAYS.exists():
        with tempfile.TemporaryDirectory() as folder:
            path = first_chains(options.chains, Path(folder))

            def take_and_encode() -> int:
                arrays = ArrayChains(path)
                chains = (arrays.read(i)[0] for i in range(len(arrays.names)))
                return sum(esm_encode(encoder, chain)[1].shape[1] for chain in chains)

            compare(encoder, f"{options.chains:,} chains of arrays", [path], take_and_encode)


if __name__ == "__main__":
    main()
