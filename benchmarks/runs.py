"""How alike the runs are that `Atlas.find_run` finds: RMSD of the best 10, against two others.

Queries are pieces of the files of CASP14, whose homologs are not among mini's training chains;
the atlas is of chains of the arrays that mini was trained on, or one given with ``--atlas``. Each
query's best 10 are compared with 10 runs by chance, and with the 10 whose 3Di letters (mini3di,
where it is installed) agree with the query's at most places. All are superposed alike.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from biotite.structure import rmsd, superimpose
from building import ARRAYS, first_chains
from tokenizing import CASP14

import esm_explore as ex
from esm_explore.errors import AtlasError, TraceError

BEST = 10
LENGTHS = 9, 13, 21


def letters_of(backbone: np.ndarray) -> np.ndarray:
    """3Di states of a chain; CB is placed by mini3di."""
    import mini3di

    n, ca, c = (backbone[:, i].astype(np.float64) for i in range(3))
    found = mini3di.Encoder().encode_atoms(ca, np.full_like(ca, np.nan), n, c)
    return np.ma.filled(found, 20)


class Chains:
    """Backbones of an atlas, one after the other, with 3Di states."""

    def __init__(self, path: Path):
        table = pq.read_table(path / "residues", columns=["index", "backbone", "has_frame", "psi"])
        flat = table["backbone"].combine_chunks().flatten()
        self.backbone = flat.to_numpy(zero_copy_only=False).reshape(-1, 3, 3)
        self.index = table["index"].to_numpy()
        self.joined = table["has_frame"].to_numpy() & table["psi"].is_valid().to_numpy()
        firsts = np.append(np.flatnonzero(self.index == 0), len(self.index))
        try:
            self.letters = np.concatenate(
                [letters_of(self.backbone[a:b]) for a, b in pairwise(firsts)]
            )
        except ImportError:
            self.letters = None

    def starts(self, n: int) -> np.ndarray:
        """Where runs of n bonded residues begin."""
        whole = np.lib.stride_tricks.sliding_window_view(self.joined, n - 1).all(1)
        return np.flatnonzero(whole[: len(self.index) - n + 1])

    def alike(self, letters: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Find the best runs by agreement of 3Di letters that share no residue."""
        n = len(letters)
        same = sum((self.letters[starts + i] == letters[i]).astype(int) for i in range(n))
        chosen: list[int] = []
        for start in starts[np.argsort(-same, kind="stable")]:
            if all(abs(start - other) >= n for other in chosen):
                chosen.append(int(start))
                if len(chosen) == BEST:
                    break
        return np.array(chosen)

    def rmsds(self, query: np.ndarray, starts: np.ndarray) -> list[float]:
        """Superpose runs on the query."""
        flat = query.reshape(-1, 3)
        found = []
        for start in starts:
            fitted, _ = superimpose(flat, self.backbone[start : start + len(query)].reshape(-1, 3))
            found.append(float(rmsd(flat, fitted)))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--atlas", type=Path)
    parser.add_argument("--chains", type=int, default=200, help="Of the arrays, without --atlas.")
    parser.add_argument("--queries", type=int, default=20, help="Of each length.")
    options = parser.parse_args()
    if not (CASP14.is_dir() and (options.atlas or ARRAYS.exists())):
        print("Neither the files of CASP14 nor the arrays are there: nothing is measured.")
        return
    encoder = ex.load_encoder("mini")
    rng = np.random.default_rng(0)
    traces = [ex.trace(encoder, ex.read_chain(path)) for path in sorted(CASP14.glob("*.pdb.gz"))]
    with tempfile.TemporaryDirectory() as folder:
        if options.atlas:
            atlas = ex.open_atlas(options.atlas)
        else:
            arrays = first_chains(options.chains, Path(folder))
            atlas = ex.build_atlas(encoder, arrays, Path(folder) / "atlas", progress=False)
        chains = Chains(atlas.path)
        print(f"{atlas}\nMedian RMSD of N, CA and C of the best {BEST}, Å, and its quartiles")
        for n in LENGTHS:
            compare(atlas, chains, traces, n, options.queries, rng)


def compare(atlas, chains: Chains, traces: list, n: int, queries: int, rng) -> None:
    starts, found = chains.starts(n), {"latents": [], "3Di": [], "chance": []}
    while len(found["latents"]) < queries:
        trace = traces[rng.integers(len(traces))]
        if len(trace) < n:
            continue
        first = int(rng.integers(len(trace) - n + 1))
        try:
            best = atlas.find_run(trace, first, first + n - 1, k=BEST)
        except (TraceError, AtlasError):  # a gap
            continue
        found["latents"].append(best.runs["rmsd"].median())
        by_chance = rng.choice(starts, BEST, replace=False)
        found["chance"].append(np.median(chains.rmsds(best.query, by_chance)))
        if chains.letters is not None:
            letters = letters_of(trace.coords)[first : first + n]
            alike = chains.alike(letters, starts)
            found["3Di"].append(np.median(chains.rmsds(best.query, alike)))
    cells = [
        "{1:.2f} ({0:.2f} to {2:.2f})".format(*np.quantile(values, [0.25, 0.5, 0.75]))
        if values
        else "no mini3di"
        for values in found.values()
    ]
    print(f"{n} ({queries}): latents {cells[0]}, 3Di letters {cells[1]}, by chance {cells[2]}")


if __name__ == "__main__":
    main()
