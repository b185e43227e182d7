"""Do tokens see motion? Pairs of conformations, a residue at a time and a pair at a time.

``python benchmarks/pairs.py FOLDER`` prints tables for a folder with ``pairs.npz`` and
``pairs.csv``; ``--out esm_explore/experiments/pairs`` writes those that the package ships.
"""

from __future__ import annotations

import argparse
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from pairs_data import encode, encode_3di, motion_of, neighbors_of, residues
from pairs_measures import aurocs, beyond, curves_of, flips, held_out, sensitivity
from pairs_reading import Pairs, PairsError, read_pairs

import esm_explore as ex
from esm_explore.experiments.calibration import CURVES, SCORES, curve_of, threshold_of

FOLDER = Path(__file__).parent.parent.parent / "shared" / "data" / "conformational_pairs"
RESULT = ["measure", "score", "value", "low", "high", "residues", "pairs"]


def main() -> None:
    """Print the tables, and write them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?")
    options.add_argument("--encoders", nargs="+", default=["mini", "untrained"])
    options.add_argument("--resamples", type=int, default=1_000)
    options.add_argument("--out", type=Path, help="a folder for the tables")
    given = options.parse_args()
    if given.folder is None and not FOLDER.is_dir():
        print(f"no folder of pairs was given, and there is no {FOLDER}: left out")
        return
    warnings.simplefilter("ignore")
    try:
        pairs = read_pairs(given.folder or FOLDER)
    except PairsError as error:
        options.error(str(error))
    n = len(pairs.members)
    residue_pairs = sum(len(i) for i, _ in pairs.paired)
    print(f"{n} pairs, {residue_pairs:,} pairs of residues")
    for said in pairs.left_out:
        print(f"left out: {said}")
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), given.resamples)
    scores, curves, motion = [], [], None
    for tokenizer in tokenizers(given.encoders, pairs):
        if motion is None:
            motion = motion_of(pairs, tokenizer)
        table = residues(pairs, tokenizer, motion)
        found = aurocs(table, draws) + sensitivity(pairs, tokenizer, draws)
        if tokenizer.chains[0].edges is not None:
            found += flips(table.join(neighbors_of(pairs, tokenizer))) + held_out(table, draws)
        own = pd.DataFrame(found, columns=RESULT)
        shown = [own, pd.DataFrame(bundled(table, tokenizer.digest, draws), columns=RESULT)]
        print(pd.concat(shown).round(3).to_string(index=False), flush=True)
        named = {"encoder": tokenizer.title, "digest": tokenizer.digest}
        scores.append(own.assign(**named))
        curves.append(curves_of(table).assign(**named))
        if given.out:
            command = (
                f"# python benchmarks/pairs.py FOLDER --out ...; {n} pairs, {residue_pairs:,} "
                "pairs of residues\n"
            )
            # After each, so that what breaks off leaves what is done.
            write(given.out / SCORES, command, scores)
            write(given.out / CURVES, command, curves)


def bundled(table: pd.DataFrame, digest: str, draws: np.ndarray) -> list[tuple]:
    """Try the threshold that the package has of an encoder: what it says of these pairs."""
    curve = curve_of(digest)
    if curve is None:
        return []
    threshold = np.full(draws.shape[1], threshold_of(curve))
    return beyond(table[np.isfinite(table["latent"])], threshold, draws, "beyond, as bundled")


def write(path: Path, command: str, tables: list[pd.DataFrame]) -> None:
    """Write what was measured, and keep what the file has of other tokenizers on these pairs."""
    whole = pd.concat(tables, ignore_index=True)
    if path.is_file() and path.read_text(encoding="utf-8").startswith(command):
        before = pd.read_csv(path, comment="#", dtype={"digest": str})
        others = before[~before["encoder"].isin(whole["encoder"])]
        # In the order that the file had.
        places = {name: place for place, name in enumerate(before["encoder"].unique())}
        whole = pd.concat([others, whole], ignore_index=True)
        rank = whole["encoder"].map(places).fillna(len(places))
        whole = whole.iloc[np.argsort(rank, kind="stable")]
    whole = whole[["encoder", "digest", *whole.columns.drop(["encoder", "digest"])]]
    text = whole.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    path.write_text(command + text, encoding="utf-8")


def tokenizers(names: list[str], pairs: Pairs):
    """Tokenize by each encoder, and by 3Di if it is installed."""
    for name in names:
        start = time.perf_counter()
        tokenizer = encode(ex.load_encoder(name), pairs)
        n = sum(map(len, pairs.chains))
        seconds = time.perf_counter() - start
        print(f"\n{tokenizer.title} [{tokenizer.digest[:8]}]: {n:,} residues in {seconds:.0f} s")
        yield tokenizer
    if find_spec("mini3di") is None:
        print("\n3Di is left out: pip install mini3di")
        return
    yield encode_3di(pairs)


if __name__ == "__main__":
    main()
