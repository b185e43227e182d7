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
from biotite.sequence import Alphabet, GeneralSequence
from biotite.sequence.align import SubstitutionMatrix, align_optimal
from pairs_data import (
    Pairs,
    Tokenizer,
    encode,
    encode_3di,
    matrix_3di,
    motion_of,
    neighbors_of,
    read_pairs,
    residues,
)
from scipy.stats import pearsonr, spearmanr
from tqdm.auto import tqdm

import esm_explore as ex
from esm_explore.experiments.calibration import CURVES, SCORES
from esm_explore.experiments.conformations import MOVED, STILL

FOLDER = Path(__file__).parent.parent.parent / "shared" / "data" / "conformational_pairs"
COLUMNS = {"token": "changed", "code": "code", "latent": "latent"}
RESULT = ["measure", "score", "value", "low", "high", "residues", "pairs"]
# Shares of still residues at which the curves are kept.
LEVELS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, *np.arange(0.1, 1, 0.05), 0.99]
# Of cosines times 100, and of Foldseek's matrix, as its authors use it.
GAP, FOLDSEEK_GAP = -10, (-10, -1)


def main() -> None:
    """Print the tables, and write them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    options.add_argument("--encoders", nargs="+", default=["mini", "untrained"])
    options.add_argument("--resamples", type=int, default=1_000)
    options.add_argument("--out", type=Path, help="a folder for the tables")
    given = options.parse_args()
    if not (given.folder / "pairs.npz").is_file():
        print(f"no pairs.npz in {given.folder}: left out")
        return
    warnings.simplefilter("ignore")
    pairs = read_pairs(given.folder)
    n = len(pairs.members)
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), given.resamples)
    scores, curves, motion = [], [], None
    for tokenizer in tokenizers(given.encoders, pairs):
        if motion is None:
            motion = motion_of(pairs, tokenizer)
        table = residues(pairs, tokenizer, motion)
        found = aurocs(table, draws) + sensitivity(pairs, tokenizer, draws)
        if tokenizer.chains[0].edges is not None:
            found += flips(table.join(neighbors_of(pairs, tokenizer)))
        own = pd.DataFrame(found, columns=RESULT)
        own = own.assign(encoder=tokenizer.title, digest=tokenizer.digest)
        print(own.drop(columns="digest").round(3).to_string(index=False), flush=True)
        scores.append(own)
        curves.append(curves_of(table).assign(encoder=tokenizer.title, digest=tokenizer.digest))
        if given.out:
            command = (
                f"# python benchmarks/pairs.py FOLDER --encoders {' '.join(given.encoders)} "
                f"--out ...; {n} pairs, {len(motion):,} pairs of residues\n"
            )
            # After each, so that what breaks off leaves what is done.
            write(given.out / SCORES, command, scores)
            write(given.out / CURVES, command, curves)


def write(path: Path, command: str, tables: list[pd.DataFrame]) -> None:
    whole = pd.concat(tables, ignore_index=True)
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


def aurocs(table: pd.DataFrame, draws: np.ndarray) -> list[tuple]:
    """Tell moved from still residues, of all pairs together and as the mean of single pairs.

    The mean is over the pairs that have both kinds. Intervals come from resampling pairs.
    """
    found = []
    for score, column in COLUMNS.items():
        known = table[np.isfinite(table[column])]
        moved, still = known[known["neighborhood"] > MOVED], known[known["neighborhood"] < STILL]
        wins, n_moved, n_still = won(moved, still, column, draws.shape[1])
        value = wins.sum() / (n_moved.sum() * n_still.sum())
        resampled = np.einsum("rp,pq,rq->r", draws, wins, draws, optimize=True)
        with np.errstate(invalid="ignore"):
            resampled = resampled / ((draws @ n_moved) * (draws @ n_still))
        low, high = np.nanquantile(resampled, [0.025, 0.975])
        both = pd.concat([moved, still])
        found.append(("AUROC", score, value, low, high, len(both), both["pair"].nunique()))
        mixed = (n_moved > 0) & (n_still > 0)
        own = np.diag(wins)[mixed] / (n_moved * n_still)[mixed]
        with np.errstate(invalid="ignore"):
            means = draws[:, mixed] @ own / draws[:, mixed].sum(1)
        low, high = np.nanquantile(means, [0.025, 0.975])
        size = int((n_moved + n_still)[mixed].sum())
        found.append(("AUROC, mean of pairs", score, own.mean(), low, high, size, mixed.sum()))
    return found


def won(moved: pd.DataFrame, still: pd.DataFrame, column: str, n: int):
    """Count for each two pairs how often a moved residue of one is beyond a still one of the other.

    Returns
    -------
    ndarray, shape=(n, n), dtype=float64
        A tie counts half.
    ndarray, shape=(n,)
        Moved residues of each pair.
    ndarray, shape=(n,)
        Still ones.
    """
    wins = np.zeros((n, n))
    values = moved[column].to_numpy()
    for pair, rows in still.groupby("pair"):
        below = np.sort(rows[column].to_numpy())
        beyond = (np.searchsorted(below, values) + np.searchsorted(below, values, "right")) / 2
        wins[:, pair] = np.bincount(moved["pair"], beyond, minlength=n)
    counts = (np.bincount(part["pair"], minlength=n) for part in (moved, still))
    return wins, *counts


def flips(table: pd.DataFrame) -> list[tuple]:
    """Say how often tokens flip where little moves, and what of it is the last node's changing."""
    still = table[table["neighborhood"] < STILL]
    moved = table[table["neighborhood"] > MOVED]
    flipped = still[still["changed"] == 1]
    most = table["kept"].max()
    shares = {
        "flips": {
            "still": still["changed"],
            "moved": moved["changed"],
            "still, all neighbors kept": still["changed"][still["kept"] == most],
            "still, one neighbor changed": still["changed"][still["kept"] == most - 1],
        },
        "flips that are only a swap": {
            "still": flipped["swap"],
            "moved": moved["swap"][moved["changed"] == 1],
        },
    }
    return [
        (measure, of, values.mean(), np.nan, np.nan, len(values), table["pair"].nunique())
        for measure, parts in shares.items()
        for of, values in parts.items()
    ]


def sensitivity(pairs: Pairs, tokenizer: Tokenizer, draws: np.ndarray) -> list[tuple]:
    """Align token strings as StructTokenBench does, and correlate the scores with TM-scores.

    Codes are as similar as their cosine, times 100; the alignment is global, a gap costs 10, the
    score is not divided by the length. TM-scores are the mean of both normalizations.
    """
    codes = tokenizer.codes / np.linalg.norm(tokenizer.codes, axis=1, keepdims=True)
    matrices = {"cosine": ((100 * codes @ codes.T).astype(np.int32), GAP)}
    if not tokenizer.digest:
        matrices["Foldseek's matrix"] = matrix_3di(), FOLDSEEK_GAP
    tm, found = pairs.table["tm_align"].to_numpy(), []
    for name, (matrix, gap) in matrices.items():
        raw = np.array(scores_of(pairs, tokenizer, matrix, gap, name))
        lengths = [np.mean([len(pairs.chains[c]) for c in both]) for both in pairs.members]
        for per, values in (("", raw), (" a residue", raw / lengths)):
            for kind in ("apo_holo", "fold_switch", "all"):
                chosen = np.ones(len(raw), bool) if kind == "all" else pairs.table["kind"] == kind
                rows = np.flatnonzero(chosen)
                found += correlations(values, tm, rows, draws, f"{name}{per}, {kind}")
    return found


def correlations(
    scores: np.ndarray, tm: np.ndarray, rows: np.ndarray, draws: np.ndarray, name: str
) -> list[tuple]:
    """Correlate some pairs' scores with their TM-scores; fewer than three have none."""
    found = []
    for measure, of in (("Pearson", pearsonr), ("Spearman", spearmanr)):
        again = []
        for draw in draws[:, rows]:
            some = np.repeat(rows, draw)
            if len(np.unique(some)) > 2:
                again.append(of(scores[some], tm[some]).statistic)
        if not again:
            continue
        value = of(scores[rows], tm[rows]).statistic
        low, high = np.nanquantile(again, [0.025, 0.975])
        found.append((f"sensitivity ({measure})", name, value, low, high, np.nan, len(rows)))
    return found


def scores_of(pairs: Pairs, tokenizer: Tokenizer, matrix, gap, name: str) -> list[int]:
    """Align the two token strings of each pair."""
    alphabet = Alphabet(range(len(matrix)))
    similar = SubstitutionMatrix(alphabet, alphabet, matrix.astype(np.int32))
    found = []
    for members in tqdm(pairs.members, desc=f"alignments, {name}", leave=False):
        strings = []
        for chain in (tokenizer.chains[member] for member in members):
            string = GeneralSequence(alphabet)
            string.code = chain.tokens[chain.has_token]
            strings.append(string)
        found.append(align_optimal(*strings, similar, gap_penalty=gap, max_number=1)[0].score)
    return found


def curves_of(table: pd.DataFrame) -> pd.DataFrame:
    """Give of each score what it detects at which false alarms."""
    parts = []
    for score, column in COLUMNS.items():
        known = table[np.isfinite(table[column])]
        still = known[column][known["neighborhood"] < STILL].to_numpy()
        moved = known[column][known["neighborhood"] > MOVED].to_numpy()
        at = np.unique(np.quantile(still, 1 - np.array(LEVELS), method="inverted_cdf"))
        parts.append(
            pd.DataFrame(
                {
                    "score": score,
                    "threshold": at,
                    "false_alarms": [(still > t).mean() for t in at],
                    "detected": [(moved > t).mean() for t in at],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


if __name__ == "__main__":
    main()
