"""The atlas of mini's training chains for any encoder: what building it costs, said beforehand."""

from __future__ import annotations

import os
import shutil
import time
from importlib.resources import files
from pathlib import Path

from esm_explore.chains.reading import read_chain
from esm_explore.sources.downloads import cache_folder
from esm_explore.sources.identifiers import pdb_id_and_chain
from esm_explore.tokens.chunks import ChunkedEncoder

# A chain on each line; at most one of a cluster of 30 % sequence identity.
CHAINS = Path(str(files("esm_explore.atlas") / "nr30.txt"))
# Of the pieces that mini was trained on; whole chains have more. The rest is measured on the atlas
# of mini (docs/atlas.md), but for the size of an entry, which is an estimate.
RESIDUES = 2_535_573
_ENTRY, _ROW, _INDEX_ROW = 400_000, 300, 585
_TIMED = "4AKE"


def costs(run: ChunkedEncoder, out: Path) -> list[str]:
    """Say what building the atlas costs on this machine.

    Parameters
    ----------
    run : ChunkedEncoder
        Is timed on a bundled chain.
    out : Path
        Where the atlas goes.

    Returns
    -------
    list of str
        Lines: chains, download, hours, disk.
    """
    chains = _chains()
    entries = {pdb_id_and_chain(chain)[0].lower() for chain in chains}
    folder = cache_folder() / "pdb"
    missing = [entry for entry in entries if not (folder / f"{entry}.bcif").is_file()]
    seconds = RESIDUES * _seconds_a_residue(run)
    free = shutil.disk_usage(_existing(out)).free
    return [
        f"{len(chains):,} chains of {len(entries):,} entries of the PDB, about {RESIDUES:,} "
        f"residues, with {run.info.title}",
        f"download: {len(missing):,} entries, about {len(missing) * _ENTRY / 1e9:.1f} GB, which "
        f"stay in {cache_folder()}",
        f"time: about {seconds / 3600:.1f} hours of encoding on this machine, and the download",
        f"disk: about {RESIDUES * _ROW / 1e9:.1f} GB, and {RESIDUES * _INDEX_ROW / 1e9:.1f} GB for "
        f"the index of latents; there are {free / 1e9:.0f} GB free",
        "It can be ended at any time (Ctrl-C); the same command goes on.",
    ]


def _chains() -> list[str]:
    lines = CHAINS.read_text(encoding="ascii").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _seconds_a_residue(run: ChunkedEncoder) -> float:
    chain = read_chain(_TIMED)
    # The first time, an encoder is made ready.
    for _ in range(2):
        start = time.perf_counter()
        list(run.encode([run.prepare(chain)]))
        spent = time.perf_counter() - start
    return spent / len(chain)


def _existing(path: Path) -> Path:
    path = Path(os.path.abspath(path))
    while not path.exists():
        path = path.parent
    return path
