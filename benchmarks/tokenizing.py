"""What `tokenize` saves: time, memory and neighbor search, side by side with esm's encode.

Times are medians of runs in turn in one process; a ratio is the median of the ratios of
neighboring runs, because the speed of a shared machine changes from one minute to the next.
``--quick`` leaves out what takes long; ``--clock cpu`` times one thread's CPU seconds, for a
machine that others use at the same time.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import torch
from esm.utils.misc import knn_graph
from esm.utils.structure.protein_chain import ProteinChain
from tracing import peak_gigabytes, repeated

import esm_explore as ex
from esm_explore.encoders.inputs import chain_inputs
from esm_explore.encoders.neighbors import nearest_edges

CASP14 = Path(__file__).parent.parent.parent / "shared" / "data" / "casp14"
WIDTHS = 26, 14, 14, 7, 14
clock = time.perf_counter


def esm_encode(encoder, chain: ProteinChain):
    coords, _, residue_index = chain.to_structure_encoder_inputs()
    with torch.no_grad():
        return encoder.encode(coords, residue_index=residue_index)


def in_turn(repeats: int, **runs: Callable[[], object]) -> dict[str, np.ndarray]:
    """Give the seconds of each run; a first one does not count, unless it is the only."""
    times = {name: [] for name in runs}
    warm_up = repeats > 1
    for i in range(repeats + warm_up):
        for name, run in runs.items():
            start = clock()
            run()
            if i >= warm_up:
                times[name].append(clock() - start)
    return {name: np.array(values) for name, values in times.items()}


def row(*cells: str) -> None:
    print("  ".join(cell.ljust(w) for cell, w in zip(cells, WIDTHS, strict=False)), flush=True)


def chain_of(length: int) -> ProteinChain:
    """Cut a real chain, or make one of copies of a real one 80 Å apart."""
    whole = ex.read_chain("3ENL")
    return whole[:length] if length <= len(whole) else repeated(whole, length)


def short_chains(count: int) -> list[ProteinChain]:
    """Cut pieces of 20 to 60 residues from the bundled examples."""
    random = np.random.default_rng(0)
    wholes = [ex.read_chain(name) for name in ex.examples().index]
    wholes = [whole for whole in wholes if len(whole) > 60]
    found = []
    for i in range(count):
        whole, length = wholes[i % len(wholes)], int(random.integers(20, 61))
        start = int(random.integers(0, len(whole) - length))
        found.append(whole[start : start + length])
    return found


def casp14() -> list[ProteinChain]:
    return [ex.read_chain(path) for path in sorted(CASP14.glob("*.pdb.gz"))]


def speed(encoder, quick: bool) -> None:
    """Compare with a loop of encode."""
    cases = [(f"{n:,} residues", [chain_of(n)], 9 if n < 1000 else 5) for n in (100, 371, 1000)]
    if not quick:
        # The ratio does not depend on how many: at full size 2,000 take 20 minutes.
        count = 2_000 if ex.encoder_info(encoder).d_model < 512 else 200
        cases += [
            ("2,166 residues", [chain_of(2166)], 3),
            (f"{count:,} chains of 20 to 60", short_chains(count), 1),
        ]
        if CASP14.is_dir():
            cases.append(("CASP14, 34 chains", casp14(), 1))
        else:
            print(f"no chains of CASP14 in {CASP14}: left out")
    row("", "esm", "tokenize", "ratio", "(from, to)")
    for name, chains, repeats in cases:
        found = in_turn(
            repeats,
            esm=lambda chains=chains: [esm_encode(encoder, chain) for chain in chains],
            us=lambda chains=chains: list(ex.tokenize(encoder, chains, progress=False)),
        )
        n = sum(map(len, chains))
        per = [f"{1e3 * median(found[who]) / n:.2f} ms/res." for who in ("esm", "us")]
        ratios = found["esm"] / found["us"]
        row(name, *per, f"{median(ratios):.2f}x", f"({ratios.min():.2f} to {ratios.max():.2f})")


def throughput(encoder) -> float:
    """Compare with torch.mm on the shapes that a chunk needs alone; gives the share."""
    info = ex.encoder_info(encoder)
    d, hidden, wide = (
        info.d_model,
        encoder.transformer.blocks[0].ffn[3].in_features,
        3 * info.v_heads,
    )
    n, nodes = 128, 128 * 16
    shapes = [  # (rows, from, to), in the order in which two blocks need them
        (nodes, wide, d),
        (nodes, wide, 2 * hidden),
        (nodes, hidden, d),
        (n, d, 2 * wide),
        (nodes, d, 3 * wide),
        (n, wide, d),
        (n, d, 2 * hidden),
        (n, hidden, d),
        (n, d, info.d_code),
        (n, info.d_code, info.n_codes),
    ]
    factors = [(torch.randn(r, a), torch.randn(b, a), torch.empty(r, b)) for r, a, b in shapes]
    chain = chain_of(4 * n)
    found = in_turn(
        7,
        mm=lambda: [torch.mm(x, w.t(), out=y) for _ in range(4) for x, w, y in factors],
        us=lambda: list(ex.tokenize(encoder, [chain])),
    )
    work = 4 * sum(2e-9 * r * a * b for r, a, b in shapes)
    rates = {name: work / median(seconds) for name, seconds in found.items()}
    share = median(found["mm"] / found["us"])
    print(
        f"torch.mm at the same shapes: {rates['mm']:.0f} GFLOP/s; tokenize, all included: "
        f"{rates['us']:.0f} GFLOP/s, {share:.0%}"
    )
    return share


def memory_and_growth(name: str, quick: bool) -> None:
    """Print memory over the loaded encoder, and how time grows with length."""
    lengths = (500, 2_000, 5_000) if quick else (500, 2_000, 5_000, 20_000)
    times = []
    for length in lengths:
        # A process each: what others gave back is not asked for again, and would not be seen.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            seconds, memory = pool.submit(time_and_memory, name, length).result()
        times.append(seconds)
        row(f"{length:,} residues", f"{seconds:.1f} s", f"{memory:.2f} GB")
    exponent = np.polyfit(np.log(lengths), np.log(times), 1)[0]
    print(f"time grows as length to the power {exponent:.2f}", flush=True)


def time_and_memory(name: str, length: int) -> tuple[float, float]:
    """Give the seconds of a run, after one that does not count, and the gigabytes of that one."""
    warnings.simplefilter("ignore")
    encoder, chain = ex.load_encoder(name), chain_of(length)
    memory = peak_gigabytes(lambda: list(ex.tokenize(encoder, [chain], progress=False)))
    start = time.perf_counter()
    list(ex.tokenize(encoder, [chain], progress=False))
    return time.perf_counter() - start, memory


def neighbor_search(encoder, length: int = 10_000) -> None:
    """Compare with knn_graph, once each: it takes long."""
    inputs = chain_inputs(chain_of(length), "file")
    mask = inputs.has_frame[None]
    found = {}

    def by_esm() -> None:
        found["esm"] = knn_graph(
            inputs.coords[None, :, 1], mask, ~mask, torch.zeros_like(mask).long(), no_knn=16
        )[0][0]

    def by_us() -> None:
        found["us"] = nearest_edges(encoder, inputs)

    memory = {"us": peak_gigabytes(by_us), "esm": peak_gigabytes(by_esm)}
    found_in = in_turn(1, esm=by_esm) | in_turn(5, us=by_us)
    times = {name: median(seconds) for name, seconds in found_in.items()}
    equal = torch.equal(found["esm"], found["us"])
    print(
        f"neighbors of {length:,} residues: esm {times['esm']:.1f} s, {memory['esm']:.2f} GB; "
        f"here {times['us']:.3f} s, {memory['us']:.2f} GB: {times['esm'] / times['us']:.0f}x; "
        f"{'the same edges' if equal else 'DIFFERENT edges'}"
    )


def exactness(encoder) -> None:
    """List every token that differs from encode's, on the examples and CASP14."""
    chains = [ex.read_chain(name) for name in ex.examples().index]
    chains += casp14() if CASP14.is_dir() else []
    worst, total, codes = 0.0, 0, encoder.codebook.embeddings.numpy()
    for chain, found in zip(chains, ex.tokenize(encoder, chains, progress=False), strict=True):
        latents = []
        hook = encoder.pre_vq_proj.register_forward_hook(
            lambda *call, latents=latents: latents.append(call[2])
        )
        _, tokens = esm_encode(encoder, chain)
        hook.remove()
        pre_vq = latents[0][0].numpy()
        worst, total = max(worst, np.abs(found.pre_vq - pre_vq).max()), total + len(chain)
        for i in np.flatnonzero(found.tokens != tokens[0].numpy()):
            ours, esms = codes[[found.tokens[i], tokens[0, i]]].astype(float)
            z = pre_vq[i].astype(float)
            nearest, other = ((z - esms) ** 2).sum(), ((z - ours) ** 2).sum()
            unit = np.spacing(np.float32((z**2).sum()))
            print(
                f"  {chain.id} row {i}: esm {tokens[0, i]}, here {found.tokens[i]}; exact squared "
                f"distances {nearest:.7f} and {other:.7f} apart by {(other - nearest) / unit:.1f} "
                "float32 roundings of |z|²"
            )
    print(f"{len(chains)} chains, {total:,} residues: latents differ by {worst:.1e} at most")


def half_precision(encoder) -> None:
    """Time bfloat16, and count the tokens that it changes."""
    chain = chain_of(371)
    found = in_turn(
        3,
        esm=lambda: esm_encode(encoder, chain),
        us=lambda: list(ex.tokenize(encoder, [chain], precision="bfloat16")),
    )
    (exact,), (rough,) = (ex.tokenize(encoder, [chain], precision=p) for p in ("exact", "bfloat16"))
    has_bf16 = torch.cpu._is_avx512_bf16_supported()
    print(
        f"bfloat16 ({'with' if has_bf16 else 'WITHOUT'} instructions for it): "
        f"{median(found['esm'] / found['us']):.2f}x esm, "
        f"{(exact.tokens != rough.tokens).mean():.1%} of tokens differ from the exact ones"
    )


def main() -> None:
    """Print tables for the encoders."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options.add_argument("--encoders", nargs="+", default=["untrained", "mini"])
    options.add_argument(
        "--parts",
        nargs="+",
        default=["speed", "throughput", "memory", "neighbors", "exactness", "bfloat16"],
    )
    given = options.parse_args()
    # A process each: how fast esm is depends on what the process had in memory before.
    for name in given.encoders:
        child = get_context("spawn").Process(target=measure, args=(name, given))
        child.start()
        child.join()
        if child.exitcode:
            sys.exit(child.exitcode)


def measure(name: str, given: argparse.Namespace) -> None:
    """Print the tables of one encoder."""
    global clock
    warnings.simplefilter("ignore")
    if given.clock == "cpu":
        clock = time.process_time
        torch.set_num_threads(1)
    encoder = ex.load_encoder(name)
    print(
        f"\n{ex.encoder_info(encoder)}\nPython {platform.python_version()}, "
        f"torch {torch.__version__}, esm {version('esm')}; {processor()}, "
        f"{torch.get_num_threads()} threads, {given.clock} seconds",
        flush=True,
    )
    parts = {
        "speed": lambda: speed(encoder, given.quick),
        "throughput": lambda: throughput(encoder),
        "memory": lambda: memory_and_growth(name, given.quick),
        "neighbors": lambda: neighbor_search(encoder),
        "exactness": lambda: exactness(encoder),
        "bfloat16": lambda: half_precision(encoder),
    }
    for part in given.parts:
        if part != "neighbors" or name == given.encoders[0]:
            parts[part]()


def processor() -> str:
    """Name the processor."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
