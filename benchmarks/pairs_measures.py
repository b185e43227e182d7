"""What `pairs.py` measures: AUROCs, flips, calibration, and StructTokenBench's sensitivity."""

from __future__ import annotations

import numpy as np
import pandas as pd
from biotite.sequence import Alphabet, GeneralSequence
from biotite.sequence.align import SubstitutionMatrix, align_optimal
from pairs_data import Tokenizer, matrix_3di
from pairs_reading import Pairs
from scipy.stats import pearsonr, spearmanr
from tqdm.auto import tqdm

from esm_explore.experiments.calibration import FALSE_ALARMS
from esm_explore.experiments.conformations import MOVED, STILL

COLUMNS = {"token": "changed", "code": "code", "latent": "latent"}
FOLDS = 5
# Shares of still residues at which the curves are kept.
LEVELS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, *np.arange(0.1, 1, 0.05), 0.99]
# Of cosines times 100, and of Foldseek's matrix, as its authors use it.
GAP, FOLDSEEK_GAP = -10, (-10, -1)


def aurocs(table: pd.DataFrame, draws: np.ndarray) -> list[tuple]:
    """Tell moved from still residues, of all pairs together and as the mean of single pairs.

    The mean is over the pairs that have both kinds. Intervals come from resampling pairs.
    """
    found = []
    for score, column in COLUMNS.items():
        known = table[np.isfinite(table[column])]
        moved, still = known[known["neighborhood"] > MOVED], known[known["neighborhood"] < STILL]
        wins, n_moved, n_still = won(moved, still, column, draws.shape[1])
        with np.errstate(invalid="ignore"):
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
            "still, the last neighbor alone changed": still["changed"][still["last"]],
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


def held_out(table: pd.DataFrame, draws: np.ndarray) -> list[tuple]:
    """Calibrate the latents' distance on some pairs, and say what it does on the others.

    In each of `FOLDS` parts of the pairs the threshold is the distance that `FALSE_ALARMS` of the
    still residues of the other parts exceed. Intervals come from resampling pairs.
    """
    n = draws.shape[1]
    fold = np.random.default_rng(0).permutation(n) % min(FOLDS, n)
    known = table[np.isfinite(table["latent"])]
    still = known["neighborhood"] < STILL
    threshold = np.full(n, np.nan)
    for part in range(FOLDS):
        others = known["latent"][still & (fold[known["pair"]] != part)]
        if len(others):
            threshold[fold == part] = np.quantile(others, 1 - FALSE_ALARMS)
    return beyond(known, threshold, draws, "beyond, held-out pairs")


def beyond(
    known: pd.DataFrame, threshold: np.ndarray, draws: np.ndarray, measure: str
) -> list[tuple]:
    """Give the shares of still and moved residues whose latents are farther apart, (pairs,)."""
    found, n = [], draws.shape[1]
    far = known["latent"].to_numpy() > threshold[known["pair"]]
    states = {"still": known["neighborhood"] < STILL, "moved": known["neighborhood"] > MOVED}
    for state, chosen in states.items():
        pair = known["pair"][chosen]
        hits, total = np.bincount(pair, far[chosen], n), np.bincount(pair, minlength=n)
        with np.errstate(invalid="ignore"):
            value, again = hits.sum() / total.sum(), (draws @ hits) / (draws @ total)
        low, high = np.nanquantile(again, [0.025, 0.975])
        found.append((measure, state, value, low, high, total.sum(), (total > 0).sum()))
    return found


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
            for kind in (*sorted(pairs.table["kind"].unique()), "all"):
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
