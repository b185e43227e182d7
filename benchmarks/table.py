"""One table of ratios, compared with the stored one: ``python benchmarks/table.py``, 4 minutes.

A ratio that is worse than the stored one by more than 20 % is named, and the status is 1 then if
machine and versions are those of the stored table.
``--store`` keeps the table in ``table.json`` beside this file; ``--clock cpu`` counts one thread's
CPU seconds, for a machine that others use at the same time.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from statistics import median

import tokenizing
import torch
from tokenizing import chain_of, esm_encode, in_turn, short_chains
from tracing import peak_gigabytes

import esm_explore as ex
from esm_explore.tokens.chunks import ChunkedEncoder
from esm_explore.tokens.exact_tokens import CALIBRATION

STORED = Path(__file__).parent / "table.json"
WORSE = 0.2
# Rows where less is better; of the others more is.
LESS = ("GB", "ms", "x esm's time")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def main() -> int:
    """Print the table; 1 if a row is worse than stored."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options.add_argument("--store", action="store_true")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    if given.clock == "cpu":
        tokenizing.clock = time.process_time
        torch.set_num_threads(1)
    machine = {
        "processor": tokenizing.processor(),
        "flags": ", ".join(flag for flag in FLAGS if flag in flags()),
        "seconds": f"{given.clock}, {torch.get_num_threads()} threads",
        **{name: version(name) for name in ("torch", "esm")},
        "Python": platform.python_version(),
    }
    print("; ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    before = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    same = before.get("machine") == machine
    found, worse = {}, []
    for name, unit, value in rows():
        found[name] = {"value": round(value, 4), "unit": unit}
        was = before.get("rows", {}).get(name, {}).get("value")
        print(
            f"{name:52} {value:9.3g} {unit:14}" + (f" (was {was:.3g})" if was else ""), flush=True
        )
        if was and is_worse(unit, value, was):
            worse.append(name)
    if before and not same:
        print(f"The stored table is of another machine or other versions: {before['machine']}")
    for name in worse:
        print(f"WORSE by more than {WORSE:.0%}: {name}")
    if given.store:
        table = json.dumps({"machine": machine, "rows": found}, indent=1, ensure_ascii=False)
        STORED.write_text(table + "\n", encoding="utf-8")
    return int(bool(worse) and same)


def is_worse(unit: str, value: float, was: float) -> bool:
    """Say whether a value is worse than it was by more than a fifth."""
    return value > was * (1 + WORSE) if unit in LESS else value < was / (1 + WORSE)


def rows():
    """Give name, unit and value of each row, as they are measured."""
    mini, full = ex.load_encoder("mini"), ex.load_encoder("untrained")
    one = chain_of(100)
    run = ChunkedEncoder(mini)
    calls = in_turn(9, make=lambda: ChunkedEncoder(mini), prepare=lambda: run.prepare(one))
    yield "mini, a call", "ms", 1e3 * median(calls["make"])
    yield "mini, checks and neighbors of 100 residues", "ms", 1e3 * median(calls["prepare"])
    for n, repeats in ((100, 9), (371, 5), (1000, 3)):
        yield f"mini, {n:,} residues", "x esm", ratio(mini, [chain_of(n)], repeats)
    yield "mini, 200 chains of 20 to 60 residues", "x esm", ratio(mini, short_chains(200), 2)
    yield "mini, share of torch.mm at the same shapes", "", tokenizing.throughput(mini)
    yield "ESM3's size, 100 residues", "x esm", ratio(full, [chain_of(100)], 3)
    yield "ESM3's size, 371 residues", "x esm", ratio(full, [chain_of(371)], 3)
    yield "ESM3's size, share of torch.mm at the same shapes", "", tokenizing.throughput(full)
    both = ChunkedEncoder(full, precision="tokens")
    list(both.encode([both.prepare(chain_of(CALIBRATION + 128))]))
    rough = ratio(full, [chain_of(371)], 3, precision="tokens")
    yield "ESM3's size, 371 residues, exact tokens", "x esm", rough
    if both.precision == "tokens":
        yield "... of these encoded again", "of all", both.encoded_again()
    yield "ESM3's size, trace, 371 residues", "x esm's time", 1 / traced(full, chain_of(371))
    for n in (5_000, 20_000):
        # In this process: what mini keeps for its next call does not count.
        chain = chain_of(n)
        memory = peak_gigabytes(
            lambda chain=chain: list(ex.tokenize(mini, [chain], progress=False))
        )
        yield f"mini, memory for {n:,} residues", "GB", memory


def ratio(encoder, chains, repeats: int, precision: str = "exact") -> float:
    """Compare with a loop of esm's encode."""
    found = in_turn(
        repeats,
        esm=lambda: [esm_encode(encoder, chain) for chain in chains],
        us=lambda: list(ex.tokenize(encoder, chains, progress=False, precision=precision)),
    )
    return median(found["esm"] / found["us"])


def traced(encoder, chain) -> float:
    """Compare a trace with esm's encode."""
    found = in_turn(2, esm=lambda: esm_encode(encoder, chain), us=lambda: ex.trace(encoder, chain))
    return median(found["esm"] / found["us"])


def flags() -> set[str]:
    """Read what instructions the processor has."""
    if sys.platform != "linux":
        return set()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split())
    return set()


if __name__ == "__main__":
    sys.exit(main())
