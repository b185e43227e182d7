"""An atlas as a folder of pages: one a code, and an index, to be opened from disk."""

from __future__ import annotations

import json
import os
import re
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from plotly.offline import get_plotlyjs
from torch import nn
from tqdm.auto import tqdm

from esm_explore.arguments import check_kind, not_among
from esm_explore.atlas.folders import not_of, place_refusal
from esm_explore.atlas.reading import Atlas
from esm_explore.encoders.identity import encoder_info
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import AtlasError
from esm_explore.escaping import for_script
from esm_explore.export.card_data import card_data, kinds_data
from esm_explore.export.code_page import code_page
from esm_explore.export.code_table import CodeTable, places
from esm_explore.export.index_page import index_page, said_of
from esm_explore.findings import some
from esm_explore.outputs import put, said, unfinished

FORMAT, VERSION = "esm_explore gallery", 1
PLACINGS = ("UMAP", "PCA")
# Codes in a file of data: some 150 kB, which a page reads in no time.
CHUNK = 32
_ABOUT, _INDEX = "gallery.json", "index.html"
_SCRIPTS = ("gallery.css", "index.js", "map.js", "code.js")
_THREEDMOL, _PLOTLY = ("3Dmol-min.js", "3Dmol.LICENSE"), "plotly.min.js"
_OWN = {
    "codes": re.compile(r"\d+\.html"),
    "data": re.compile(r"(codes|kinds|cards-\d+)\.js"),
    "lib": re.compile("|".join(map(re.escape, (*_SCRIPTS, *_THREEDMOL, _PLOTLY)))),
}


def write_gallery(atlas: Atlas, encoder: nn.Module, out: Path, placing: str = "UMAP") -> Path:
    """Write a page a code, and an index with a search, a table and a map of all codes.

    Pages open from disk and fetch nothing. ``codes/1234.html`` is the address of code 1234, for as
    long as the encoder is the same.

    Parameters
    ----------
    atlas : Atlas
    encoder : torch.nn.Module
        The atlas's, for the codes' vectors, of which the map is made.
    out : Path
        A folder: a new one, an empty one, or a gallery, which is replaced when the new one is
        complete.
    placing : {"UMAP", "PCA"}
        How codes are placed on the map.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    AtlasError
        If it is an atlas of another encoder, or there is no such `placing`; if `out` holds
        something else, or cannot be written; if this installation has no 3Dmol.js.
    TraceError
        If it is no atlas.
    """
    check_kind(atlas, Atlas, "atlas", "what ex.open_atlas gives")
    refusal = not_among("placing", placing, PLACINGS)
    if refusal:
        raise AtlasError(refusal)
    _check_encoder(atlas, encoder)
    out = _checked(out)
    codebook = modules_of(encoder).codes.detach().cpu().numpy()
    placed = places(codebook, placing)
    try:
        with unfinished(out) as folder:
            new = folder / out.name
            _write(atlas, new, placed)
            put(new, out)
    except OSError as error:
        raise AtlasError(f"{out} could not be written ({said(error)}).") from error
    return out / _INDEX


def _check_encoder(atlas: Atlas, encoder: nn.Module) -> None:
    known, info = atlas.manifest["encoder"], encoder_info(encoder)
    if not info.digest or info.digest != known["digest"]:
        raise AtlasError(
            f"This atlas is of the encoder {known['title']} [{known['digest'][:8]}], and not of "
            f"{info.title} [{info.fingerprint or 'no digest'}]: the map needs the vectors of its "
            "codes. Give the atlas's encoder."
        )


def _checked(out: Path) -> Path:
    """See whether a gallery can be written to a folder; give where links lead."""
    try:
        out = Path(os.path.expanduser(out)).resolve()
        refusal = _refusal(out)
    except (OSError, RuntimeError) as error:
        raise AtlasError(f"{out} cannot be written to ({said(error)}).") from error
    if refusal:
        raise AtlasError(refusal)
    return out


def _refusal(out: Path) -> str:
    if refusal := place_refusal(out):
        return refusal
    if not out.exists():
        return ""
    if not out.is_dir():
        return f"{out} is a file; a gallery is a folder: give another name."
    others = not_of(out, _ABOUT, FORMAT, _OWN, re.compile(_INDEX))
    if others:
        return (
            f"{out} holds what is not of a gallery ({some(others)}), and is left as it is: give a "
            "new or empty folder, or a gallery to replace."
        )
    return ""


def _write(atlas: Atlas, folder: Path, placed: tuple) -> None:
    for name in _OWN:
        (folder / name).mkdir(parents=True)
    _copy_scripts(folder / "lib")
    told, table = said_of(atlas.manifest), CodeTable()
    numbers, chunk = atlas.codes["token"].tolist(), {}
    for code in tqdm(numbers, unit="code", desc="pages"):
        card = atlas.code(code)
        table.add(card)
        page = code_page(card, told, len(numbers), code // CHUNK)
        (folder / "codes" / f"{code}.html").write_text(page, "utf-8")
        chunk[code] = card_data(card)
        if code == numbers[-1] or len(chunk) == CHUNK:
            _write_data(folder, f"cards-{code // CHUNK}", "CARDS", chunk)
            chunk = {}
    _write_data(folder, "kinds", "KINDS", kinds_data(card))
    _write_data(folder, "codes", "CODES", table.data(*placed))
    (folder / _INDEX).write_text(index_page(atlas.manifest, told), "utf-8")
    about = {
        "format": f"{FORMAT} {VERSION}",
        **{name: atlas.manifest[name] for name in ("encoder", "counts")},
        "versions": {"esm_explore": version("esm_explore")},
    }
    (folder / _ABOUT).write_text(json.dumps(about, indent=1), "utf-8")


def _write_data(folder: Path, name: str, variable: str, data: object) -> None:
    """Write data as a script: a page that is opened from disk may not read JSON."""
    text = for_script(json.dumps(data, separators=(",", ":"), allow_nan=False))
    (folder / "data" / f"{name}.js").write_text(f"window.{variable}={text};\n", "utf-8")


def _copy_scripts(lib: Path) -> None:
    pages, static = files("esm_explore") / "export", files("esm_explore") / "static"
    for name in _SCRIPTS:
        (lib / name).write_bytes((pages / name).read_bytes())
    for name in _THREEDMOL:
        source = static / name
        if not source.is_file():
            raise AtlasError(
                "3Dmol.js is not in this installation, and pages without a network need it: "
                "install esm_explore again, with a network."
            )
        (lib / name).write_bytes(source.read_bytes())
    (lib / _PLOTLY).write_text(get_plotlyjs(), "utf-8")
