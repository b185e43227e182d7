"""Make the atlas that is bundled with mini.

``python -m esm_explore.recipes.mini_atlas --data train_nr30.npz``: chains of the training arrays
are tokenized into an atlas, and its table of codes, with the manifest, is put into the package.
What breaks off goes on when it is called again.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

import esm_explore as ex
from esm_explore.atlas.arrays import ArrayChains
from esm_explore.atlas.opening import SHIPPED
from esm_explore.atlas.writing import CODES_FILE, FAMILIES_FILE, MANIFEST
from esm_explore.outputs import put, unfinished


def main(
    data: Annotated[Path, typer.Option()],
    atlas: Annotated[Path, typer.Option()] = Path("build/mini/atlas"),
    out: Annotated[Path, typer.Option()] = SHIPPED,
    chains: Annotated[int | None, typer.Option(help="The first so many; all.")] = None,
    threads: int = 2,
) -> None:
    """Write the table of codes of mini, built from arrays of chains."""
    torch.set_num_threads(threads)
    atlas.parent.mkdir(parents=True, exist_ok=True)
    name, names = data.name, ArrayChains(data).names
    n_all = len(names)
    if chains is not None:
        data = _first(data, chains, atlas.parent)
    # Of each cluster of 30 % identity there is one chain at most.
    built = n_all if chains is None else chains
    families = {one: one for one in names[:built]}
    manifest = ex.build_atlas(ex.load_encoder("mini"), data, atlas, families=families).manifest
    # Residues are too many for a package.
    manifest["parts"] = {}
    which = f"the first {built:,} of the {n_all:,}" if built < n_all else f"all {n_all:,}"
    manifest["built_from"] = f"{which} chains of {name}"
    manifest["families"]["of"] = "each chain its own: at most one is of a cluster of 30 % identity"
    with unfinished(out) as folder:
        new = folder / "new"
        (new / CODES_FILE).parent.mkdir(parents=True)
        for file in (CODES_FILE, FAMILIES_FILE):
            shutil.copy(atlas / file, new / file)
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        (new / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
        put(new, out)


def _first(data: Path, n: int, folder: Path) -> Path:
    """Write the first chains to a file of their own."""
    with np.load(data) as file:
        arrays = {name: file[name] for name in file.files}
    end = int(arrays["start"][n - 1] + arrays["size"][n - 1])
    of_chains = {"names", "start", "size", "resnum"}
    path = folder / f"first_{n}_of_{data.name}"
    cut = {name: a[:n] if name in of_chains else a[:end] for name, a in arrays.items()}
    np.savez(path, **cut)
    return path


if __name__ == "__main__":
    typer.run(main)
