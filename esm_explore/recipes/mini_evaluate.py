"""Evaluate the mini encoder: ``python -m esm_explore.recipes.mini_evaluate --data train_nr30.npz``.

Everything is measured on chains that were set aside by name before training, against the same
architecture untrained, with a codebook of the same size, and against 3Di (`mini3di`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from esm_explore.chains.backbone import NODES
from esm_explore.decoding.local import LocalDecoder, load_decoder
from esm_explore.encoders.mini import load_mini
from esm_explore.encoders.modules import modules_of
from esm_explore.recipes.mini_codes import DECODER_STEPS, Encoded, fit_codes, fit_decoder, nearest
from esm_explore.recipes.mini_data import STATES, Backbones, read_backbones, split
from esm_explore.recipes.mini_pass import Neighborhoods, with_own_seed
from esm_explore.recipes.mini_train import SHAKE, SIZES, Trained

TRAINING_CHAINS = 1_500
PROBE_RESIDUES = 100_000


@dataclass(frozen=True)
class Described:
    """One way of describing residues: on training chains, on held-out ones, and shaken."""

    name: str
    n_codes: int
    tokens: tuple[np.ndarray, np.ndarray, np.ndarray]
    latents: tuple[torch.Tensor, torch.Tensor] | None = None
    codes: torch.Tensor | None = None


def lookup_accuracy(described: Described, labels: tuple[np.ndarray, np.ndarray]) -> float:
    """Learn each code's most frequent state on training chains, look it up on the others."""
    counts = np.zeros((described.n_codes, len(STATES)))
    np.add.at(counts, (described.tokens[0], labels[0]), 1)
    counts[counts.sum(1) == 0] = counts.sum(0)
    return float((counts.argmax(1)[described.tokens[1]] == labels[1]).mean())


def information(tokens: np.ndarray, labels: np.ndarray, n_codes: int) -> float:
    """Measure the mutual information of token and state in bits, less that of shuffled states."""

    def bits(states: np.ndarray) -> float:
        joint = np.zeros((n_codes, len(STATES)))
        np.add.at(joint, (tokens, states), 1)
        joint /= joint.sum()
        independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
        seen = joint > 0
        return float((joint[seen] * np.log2(joint[seen] / independent[seen])).sum())

    return bits(labels) - bits(np.random.default_rng(0).permutation(labels))


def probe_accuracy(
    latents: tuple[torch.Tensor, torch.Tensor], labels: tuple[np.ndarray, np.ndarray]
) -> float:
    """Fit a linear reading of the state on training chains, and test it on the others."""
    chosen = np.random.default_rng(0).permutation(len(labels[0]))[:PROBE_RESIDUES]
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, tol=1e-3))
    probe.fit(latents[0][chosen].numpy(), labels[0][chosen])
    return float(probe.score(latents[1].numpy(), labels[1]))


def neighbor_rmsd(encoded: Encoded, predicted: list[torch.Tensor], rows: list) -> float:
    """Compare predicted CA of the 15 neighbors with the real ones, in the query's frame, Å."""
    squares = [
        (ca - encoded.neighborhoods(r).translation[:, 1:]).square().sum(-1).mean()
        for ca, r in zip(predicted, rows, strict=True)
    ]
    return float(torch.stack(squares).mean().sqrt())


def decoded(decoder: LocalDecoder, described: Described, encoded: Encoded, rows: list) -> list:
    """Decode the held-out tokens to neighbors' CA."""
    codes = described.codes[torch.from_numpy(described.tokens[1])]
    return [decoder(codes[r], encoded.neighborhoods(r).bins[:, 1:])[0] for r in rows]


def average_places(encoded: Encoded) -> torch.Tensor:
    """Average each neighbor's place by rank and relative position, shape=(15, 66, 3)."""
    everything: Neighborhoods = encoded.neighborhoods(torch.arange(len(encoded.nodes)))
    bins, places = everything.bins[:, 1:], everything.translation[:, 1:]
    rank = torch.arange(NODES - 1).expand_as(bins)
    total = torch.zeros(NODES - 1, 66, 3).index_put_((rank, bins), places, accumulate=True)
    count = torch.zeros(NODES - 1, 66).index_put_((rank, bins), torch.ones(()), accumulate=True)
    return total / count.clamp(min=1)[..., None]


def describe(name: str, encoder, codes: torch.Tensor | None, data: tuple[Backbones, Backbones]):
    """Encode training and held-out chains, and the held-out ones shaken."""
    training, held_out = Encoded(encoder, data[0]), Encoded(encoder, data[1])
    shaken = Encoded(encoder, data[1], shake=SHAKE)
    if codes is None:
        codes = fit_codes(training.latents, SIZES["n_codes"])
    tokens = [nearest(codes, e.latents) for e in (training, held_out, shaken)]
    described = Described(
        name,
        len(codes),
        tuple(t.numpy() for t in tokens),
        (training.latents, held_out.latents),
        codes,
    )
    return described, training, held_out


def three_di(data: Backbones, *, shake: float = 0.0) -> np.ndarray:
    """Encode chains with mini3di, which places CB itself; residues it masks get state 20."""
    import mini3di

    noise = np.random.default_rng(0)
    encoder = mini3di.Encoder()
    found = []
    for start, size in zip(data.start, data.size, strict=True):
        xyz = data.xyz[start : start + size].astype(np.float64)
        xyz = xyz + shake * noise.standard_normal(xyz.shape)
        n, ca, c = xyz[:, 0], xyz[:, 1], xyz[:, 2]
        states = encoder.encode_atoms(ca=ca, cb=np.full_like(ca, np.nan), n=n, c=c)
        found.append(np.ma.filled(states.astype(np.int64), 20))
    return np.concatenate(found)


@with_own_seed
def main(data: Annotated[Path, typer.Option()], threads: int = 2) -> None:
    """Print the table of the model card."""
    torch.set_num_threads(threads)
    chains = read_backbones(data)
    training, held_out = split(chains.names)
    chosen = np.sort(np.random.default_rng(1).permutation(training)[:TRAINING_CHAINS])
    pair = chains.select(chosen), chains.select(held_out)
    labels = pair[0].dssp, pair[1].dssp
    encoder, (decoder, _) = load_mini(), load_decoder()
    mini, seen, unseen = describe("mini", encoder, modules_of(encoder).codes, pair)
    torch.manual_seed(0)
    untrained, _, _ = describe("untrained + k-means", Trained().encoder.eval(), None, pair)
    folded = [three_di(pair[0]), three_di(pair[1]), three_di(pair[1], shake=SHAKE)]
    rows = list(torch.arange(len(labels[1])).split(4_096))
    # As many steps, and the same start, for both: only what the tokens say differs.
    decoders = {
        d.name: fit_decoder(seen, d.codes[torch.from_numpy(d.tokens[0])], DECODER_STEPS)
        for d in (mini, untrained)
    }
    average = average_places(seen)
    table = []
    for d in (mini, untrained, Described("3Di", 21, tuple(folded))):
        used = np.bincount(d.tokens[1], minlength=d.n_codes)
        share = used[used > 0] / used.sum()
        row = {
            "encoder": d.name,
            "lookup %": 100 * lookup_accuracy(d, labels),
            "bits": information(d.tokens[1], labels[1], d.n_codes),
            "codes used %": 100 * (used > 0).mean(),
            "perplexity": np.exp(-(share * np.log(share)).sum()),
            "survive 0.1 Å %": 100 * (d.tokens[1] == d.tokens[2]).mean(),
        }
        if d.latents is not None:
            row["probe %"] = 100 * probe_accuracy(d.latents, labels)
            row["RMSD Å"] = neighbor_rmsd(unseen, decoded(decoders[d.name], d, unseen, rows), rows)
        table.append(row)
    shipped = decoded(decoder, mini, unseen, rows)
    rank = torch.arange(NODES - 1)
    guess = [average[rank, unseen.neighborhoods(r).bins[:, 1:]] for r in rows]
    print(f"{len(held_out)} held-out chains, {len(labels[1]):,} residues")
    print(pd.DataFrame(table).round(2).to_string(index=False))
    print(f"RMSD of the shipped decoder: {neighbor_rmsd(unseen, shipped, rows):.2f} Å")
    print(f"RMSD of the average neighborhood: {neighbor_rmsd(unseen, guess, rows):.2f} Å")
    print(f"Most frequent state alone: {100 * np.bincount(labels[1]).max() / len(labels[1]):.1f} %")


if __name__ == "__main__":
    typer.run(main)
