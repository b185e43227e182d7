"""Make the atlas that is bundled with mini.

``python -m esm_explore.recipes.mini_atlas --data train_nr30.npz``: chains of the training arrays
are tokenized into an atlas, and its tables of codes and families, with the manifest, are put into
the package. What breaks off goes on when it is called again. ``--residues FOLDER`` counts residues
that are there, of an earlier version's atlas, anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import typer

import esm_explore as ex
from esm_explore.atlas.arrays import ArrayChains
from esm_explore.atlas.codes import codes_table
from esm_explore.atlas.opening import SHIPPED
from esm_explore.atlas.origin import Origin, Report
from esm_explore.atlas.writing import CODES_FILE, FAMILIES_FILE, MANIFEST
from esm_explore.encoders.modules import modules_of
from esm_explore.outputs import put, unfinished

# Takes long, and makes a package smaller.
_LEVEL = 15


def main(
    data: Annotated[Path, typer.Option()],
    atlas: Annotated[Path, typer.Option()] = Path("build/mini/atlas"),
    out: Annotated[Path, typer.Option()] = SHIPPED,
    chains: Annotated[int | None, typer.Option(help="The first so many; all.")] = None,
    residues: Annotated[Path | None, typer.Option(help="Parts to count, not to build.")] = None,
    threads: int = 2,
) -> None:
    """Write the table of codes of mini, built from arrays of chains."""
    torch.set_num_threads(threads)
    name, names = data.name, ArrayChains(data).names
    # Of each cluster of 30 % identity there is one chain at most.
    families = {one: one for one in names[:chains]}
    with unfinished(out) as folder:
        new = folder / "new"
        (new / CODES_FILE).parent.mkdir(parents=True)
        if residues is not None:
            manifest, tables = _counted(residues, families)
        else:
            atlas.parent.mkdir(parents=True, exist_ok=True)
            data = data if chains is None else _first(data, chains, atlas.parent)
            built = ex.build_atlas(ex.load_encoder("mini"), data, atlas, families=families)
            manifest = built.manifest
            tables = [pq.read_table(atlas / file) for file in (CODES_FILE, FAMILIES_FILE)]
        for file, table in zip((CODES_FILE, FAMILIES_FILE), tables, strict=True):
            pq.write_table(table, new / file, compression="zstd", compression_level=_LEVEL)
        # Residues are too many for a package.
        manifest["parts"] = {}
        n, n_all = manifest["counts"]["chains"], len(names)
        which = f"the first {n:,} of the {n_all:,}" if n < n_all else f"all {n_all:,}"
        manifest["built_from"] = f"{which} chains of {name}"
        manifest["families"]["of"] = "each chain its own: at most one is of a 30 % cluster"
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        (new / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
        put(new, out)


def _counted(residues: Path, families: dict[str, str]) -> tuple[dict, list[pa.Table]]:
    """Make the manifest and the tables, of codes and of families, of residues that are there."""
    parts = sorted(residues.glob("part-*.parquet"))
    encoder = ex.load_encoder("mini")
    info = ex.encoder_info(encoder)
    others = [
        p
        for p in parts
        if pq.read_schema(p).metadata[b"esm_explore.digest"] != info.digest.encode()
    ]
    if others or not parts:
        raise SystemExit(f"{residues} holds no parts of mini ({len(parts)}, {len(others)} others).")
    *tables, about = codes_table(parts, modules_of(encoder).codes.numpy(), families)
    n_residues = sum(pq.read_metadata(part).num_rows for part in parts)
    report = Report(n_residues=n_residues, n_chains=tables[1].num_rows)
    return {**Origin(info, "file", "float32").manifest(report), **about}, tables


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
