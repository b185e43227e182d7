"""Make the atlas that is bundled with mini.

``python -m esm_explore.recipes.mini_atlas --data train_nr30.npz``: all chains of the training
arrays are tokenized into an atlas, and its table of codes, with the manifest, is put into the
package. What breaks off goes on when it is called again.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import torch
import typer

import esm_explore as ex
from esm_explore.atlas.opening import SHIPPED
from esm_explore.atlas.writing import CODES_FILE, MANIFEST
from esm_explore.outputs import put, unfinished


def main(
    data: Annotated[Path, typer.Option()],
    atlas: Annotated[Path, typer.Option()] = Path("build/mini/atlas"),
    out: Annotated[Path, typer.Option()] = SHIPPED,
    threads: int = 2,
) -> None:
    """Write the table of codes of mini, built from arrays of chains."""
    torch.set_num_threads(threads)
    atlas.parent.mkdir(parents=True, exist_ok=True)
    manifest = ex.build_atlas(ex.load_encoder("mini"), data, atlas).manifest
    # Residues are too many for a package.
    manifest["parts"] = {}
    with unfinished(out) as folder:
        new = folder / "new"
        (new / CODES_FILE).parent.mkdir(parents=True)
        shutil.copy(atlas / CODES_FILE, new / CODES_FILE)
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        (new / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
        put(new, out)


if __name__ == "__main__":
    typer.run(main)
