"""Mutate structure files and read them: ``python tests/fuzz_reader.py [files] [seed]``.

Real files in PDB, mmCIF and BinaryCIF, plain, packed and in archives, with flipped bits, cuts,
lines doubled, dropped and swapped, columns shuffled, numbers replaced, loops of mmCIF with other
tags and values, and the values inside BinaryCIF replaced. All chains of each are read or refused
with a `ChainError`; anything else, or a file that takes longer than `TIME_LIMIT`, is a failure:
status 1, and the number that makes the same file again.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import re
import resource
import signal
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgpack
import numpy as np
from biotite.structure.io import pdb, pdbx

import esm_explore as ex
from esm_explore.parsing import structure_files
from esm_explore.sources.locating import locate

EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"
DATA = Path(__file__).parent / "data"
TIME_LIMIT = 10
EXTREMES = [*b"-1 0 1e30 nan inf -99999999 4294967295 ? '".split(), b""]
VALUES = [*EXTREMES, *b". 1e999 27.343(12) 10A 'x_y' # ; data_x loop_ save_".split()]
ODD = [-1, 0, 2**31, 2**63, 1e30, None, True, "", "x", b"", bytes(7), [], {}, [1, 2]]


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
    """Change a file in one or two ways, and pack some."""
    own = binary if b"dataBlocks" in content[:4096] else loops
    for _ in range(rng.integers(1, 3)):
        change = rng.choice([flip, cut, lines, columns, numbers, splice, own, own])
        content = change(content, rng) or b" "
    return packed(content, rng) if rng.random() < 0.2 else content


def loops(content: bytes, rng: np.random.Generator) -> bytes:
    """Change tags of a loop, keywords, and single values; in PDB files lines."""
    rows = content.split(b"\n")
    tags = [i for i, row in enumerate(rows) if row.startswith(b"_")]
    atoms = [i for i, row in enumerate(rows) if row.startswith((b"ATOM", b"HETATM"))]
    if not tags or not atoms:
        return lines(content, rng)
    for _ in range(rng.integers(1, 4)):
        i, j = rng.choice(tags, size=2)
        kind = rng.integers(0, 6)
        if kind == 0:
            rows[i], rows[j] = rows[j], rows[i]
        elif kind == 1:
            rows[i] = rows[i].upper() if rng.random() < 0.5 else rows[j]
        elif kind == 2:
            rows[i] = b""
        elif kind == 3:
            rows = [b"LOOP_ " if row == b"loop_" else row for row in rows]
        else:
            fields = rows[rng.choice(atoms)].split() or [b"ATOM"]
            fields[rng.integers(0, len(fields))] = rng.choice(VALUES)
            rows[rng.choice(atoms)] = b" ".join(fields)
    return b"\n".join(rows)


def binary(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace, drop or exchange values inside BinaryCIF."""
    try:
        tree = msgpack.unpackb(content, strict_map_key=False)
    except Exception:  # it was mutated before
        return flip(content, rng)
    places = list(walk(tree))
    for k in rng.integers(0, len(places), size=rng.integers(1, 4)):
        parent, key = places[k]
        other, name = places[rng.integers(0, len(places))]
        with contextlib.suppress(LookupError):
            if rng.random() < 0.2:
                del parent[key]
            elif rng.random() < 0.4:
                parent[key] = other[name]
            else:
                parent[key] = ODD[rng.integers(0, len(ODD))]
    try:
        return msgpack.packb(tree)
    except (ValueError, RecursionError):  # a tree that holds itself
        return content


def walk(tree) -> Iterator[tuple]:
    """Give every container with a key or index of it."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(pairs):
        yield tree, key
        if isinstance(value, dict | list):
            yield from walk(value)


def packed(content: bytes, rng: np.random.Generator) -> bytes:
    """Compress it, or put it into an archive, and damage some of those."""
    kind = rng.integers(0, 6)
    stream = io.BytesIO()
    if kind < 3:
        content = [gzip.compress, bz2.compress, lzma.compress][kind](content)
    elif kind == 3:
        with zipfile.ZipFile(stream, "w", rng.choice([0, 8])) as archive:
            archive.writestr("a.pdb", content)
        content = stream.getvalue()
    else:
        with tarfile.open(fileobj=stream, mode="w:gz" if kind == 5 else "w") as archive:
            member = tarfile.TarInfo("a.cif")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        content = stream.getvalue()
    return rng.choice([flip, cut])(content, rng) if rng.random() < 0.5 else content


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
    ex.read_chains("1UBI")  # loads torch, esm and the component dictionary
    outcomes, seconds, grown, before = Counter(), {}, {}, peak()
    signal.signal(signal.SIGALRM, too_long)
    warnings.simplefilter("ignore", ex.ChainWarning)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutated"
        for number in range(seed, seed + files):
            rng = np.random.default_rng(number)
            path.write_bytes(mutated(contents[number % len(contents)], rng))
            start, size = time.monotonic(), peak()
            signal.alarm(TIME_LIMIT)
            try:
                ex.read_chains(path)
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
            seconds[number], grown[number] = time.monotonic() - start, peak() - size
    slowest, largest = max(seconds, key=seconds.get), max(grown, key=grown.get)
    print(
        f"{files} files: {outcomes['read']} read, {outcomes['refused']} refused, "
        f"{outcomes['failed']} failed; slowest {seconds[slowest]:.2f} s (file {slowest}); "
        f"memory +{peak() - before:.0f} MB, peak {peak():.0f} MB (most, {grown[largest]:.0f} MB, "
        f"by file {largest})"
    )
    return int(outcomes["failed"] > 0)


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]] + [300, 0][len(sys.argv) - 1 :]
    sys.exit(main(*arguments))
