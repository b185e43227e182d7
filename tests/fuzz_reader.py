"""Mutate structure files and read them: ``python tests/fuzz_reader.py [files] [seed]``.

Real files in PDB, mmCIF and BinaryCIF, plain and gzipped, with flipped bits, cuts, lines doubled,
dropped and swapped, columns shuffled, and numbers replaced. Each is read or refused with a
`ChainError`; anything else, or a file that takes longer than `TIME_LIMIT`, ends the run with
status 1 and the number that makes the same file again.
"""

from __future__ import annotations

import gzip
import io
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from biotite.structure.io import pdb, pdbx

import esm_explore as ex
from esm_explore.chains import structure_files
from esm_explore.chains.sources import locate

EXAMPLES = Path(ex.__file__).parent / "chains" / "examples"
DATA = Path(__file__).parent / "data"
TIME_LIMIT = 10
EXTREMES = [
    b"-1",
    b"0",
    b"1e30",
    b"nan",
    b"inf",
    b"-99999999",
    b"4294967295",
    b"?",
    b"'",
    b"",
]


def originals() -> list[bytes]:
    """Give small real files in all formats."""
    files = []
    for source in (EXAMPLES / "1as5.bcif.gz", EXAMPLES / "5pti.bcif.gz"):
        atoms = structure_files.read_model(locate(source)).atoms
        for kind in (pdb.PDBFile, pdbx.CIFFile, pdbx.BinaryCIFFile):
            file, stream = kind(), io.BytesIO() if kind is pdbx.BinaryCIFFile else io.StringIO()
            file.set_structure(atoms) if kind is pdb.PDBFile else pdbx.set_structure(file, atoms)
            file.write(stream)
            content = stream.getvalue()
            files.append(content if isinstance(content, bytes) else content.encode())
        # As deposited in it: run-length and delta encodings.
        files.append(gzip.decompress(source.read_bytes()))
    files.append(gzip.decompress((DATA / "3al1.pdb.gz").read_bytes()))
    files.append(gzip.decompress((DATA / "1as5.cif.gz").read_bytes())[:60_000])
    return files


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a file in one or two ways."""
    for _ in range(rng.integers(1, 3)):
        change = rng.choice([flip, cut, lines, columns, numbers, splice])
        content = change(content, rng) or b" "
    return gzip.compress(content, 1) if rng.random() < 0.1 else content


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip bits, half of the time near the start, where a file says how it is made."""
    changed = bytearray(content)
    end = len(changed) if rng.random() < 0.5 else min(len(changed), 4_000)
    for where in rng.integers(0, end, size=rng.integers(1, 20)):
        changed[where] ^= 1 << rng.integers(0, 8)
    return bytes(changed)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """Leave out a stretch, or the end."""
    a, b = sorted(rng.integers(0, len(content) + 1, size=2))
    return content[:a] if rng.random() < 0.5 else content[:a] + content[b:]


def lines(content: bytes, rng: np.random.Generator) -> bytes:
    """Double, drop or swap lines."""
    rows = content.split(b"\n")
    for _ in range(rng.integers(1, 6)):
        i, j = rng.integers(0, len(rows), size=2)
        kind = rng.integers(0, 3)
        if kind == 0:
            rows.insert(i, rows[j])
        elif kind == 1:
            rows[i], rows[j] = rows[j], rows[i]
        elif len(rows) > 1:
            del rows[i]
    return b"\n".join(rows)


def columns(content: bytes, rng: np.random.Generator) -> bytes:
    """Shuffle the characters or fields of some lines."""
    rows = content.split(b"\n")
    for i in rng.integers(0, len(rows), size=rng.integers(1, 10)):
        if rng.random() < 0.5:
            fields = rows[i].split()
            rng.shuffle(fields)
            rows[i] = b" ".join(fields)
        else:
            a = rng.integers(0, 80)
            rows[i] = rows[i][a:] + rows[i][:a]
    return b"\n".join(rows)


def numbers(content: bytes, rng: np.random.Generator) -> bytes:
    """Put extreme numbers in place of some."""
    found = list(re.finditer(rb"-?\d+\.?\d*", content[:200_000]))
    chosen = rng.integers(0, len(found), size=rng.integers(1, 5)) if found else []
    for k in sorted(set(chosen), reverse=True):
        where, value = found[k], EXTREMES[rng.integers(0, len(EXTREMES))]
        content = content[: where.start()] + value + content[where.end() :]
    return content


def splice(content: bytes, rng: np.random.Generator) -> bytes:
    """Copy a stretch to another place."""
    a, b = sorted(rng.integers(0, len(content) + 1, size=2))
    where = rng.integers(0, len(content) + 1)
    return content[:where] + content[a : min(b, a + 5_000)] + content[where:]


def peak() -> float:
    """Give the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def too_long(*_) -> None:
    """End a file that hangs."""
    raise TimeoutError(f"longer than {TIME_LIMIT} s")


def main(files: int, seed: int) -> int:
    """Read that many mutated files; the status is 1 if one did what none may."""
    contents = originals()
    outcomes, slowest, before = Counter(), 0.0, peak()
    signal.signal(signal.SIGALRM, too_long)
    warnings.simplefilter("ignore", ex.ChainWarning)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutated"
        for number in range(seed, seed + files):
            rng = np.random.default_rng(number)
            path.write_bytes(mutated(contents[number % len(contents)], rng))
            start = time.monotonic()
            signal.alarm(TIME_LIMIT)
            try:
                ex.read_chain(path)
                outcomes["read"] += 1
            except ex.ChainError:
                outcomes["refused"] += 1
            except BaseException as error:
                print(f"file {number}: {type(error).__name__}: {error}", flush=True)
                outcomes["failed"] += 1
                if isinstance(error, KeyboardInterrupt):
                    break
            finally:
                signal.alarm(0)
            slowest = max(slowest, time.monotonic() - start)
    print(
        f"{files} files: {outcomes['read']} read, {outcomes['refused']} refused, "
        f"{outcomes['failed']} failed; slowest {slowest:.2f} s; "
        f"memory +{peak() - before:.0f} MB, peak {peak():.0f} MB"
    )
    return int(outcomes["failed"] > 0)


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]] + [300, 0][len(sys.argv) - 1 :]
    sys.exit(main(*arguments))
