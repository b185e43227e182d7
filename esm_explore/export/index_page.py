"""The first page of a gallery: a search, a map and a table of all codes."""

from __future__ import annotations

from esm_explore.atlas.describing import SS_WORDS
from esm_explore.escaping import for_html
from esm_explore.export.code_page import page

_SCRIPTS = "".join(
    f'<script defer src="{name}"></script>'
    for name in ("data/codes.js", "lib/map.js", "lib/index.js")
)
_COLUMNS = (
    *(("code", "code"), ("description", ""), ("ss", "DSSP"), ("count", "residues")),
    *(("chains", "chains"), ("margin", "margin")),
)


def said_of(manifest: dict) -> str:
    """Say in HTML of which encoder and atlas pages are."""
    encoder, counts = manifest["encoder"], manifest["counts"]
    built = manifest.get("built_from")
    return (
        f"Encoder: {for_html(encoder['title'])} [{for_html(encoder['digest'][:8])}]. "
        f"Atlas: {counts['chains']:,} chains, {counts['residues']:,} residues"
        f"{f' ({for_html(built)})' if built else ''}."
    )


def index_page(manifest: dict, told: str) -> str:
    """Write the index; `told` is what `said_of` gives."""
    n_codes, title = manifest["encoder"]["n_codes"], f"{manifest['encoder']['title']}: codes"
    ss, letters = (manifest["categories"][kind] for kind in ("ss", "amino_acid"))
    body = f"""
<main class="index"><h1>What codes mean</h1>
<p class="told">{told} <span id="placing"></span></p>
<form id="search" role="search">
<label>Search <input type="search" name="q" placeholder="words, or a code: helix exposed, 1234"
 autocomplete="off"></label>
<label>DSSP, mostly <select name="ss"><option value="">any</option>{_options(ss, SS_WORDS)}</select>
</label>
<label>More of <select name="aa"><option value="">any amino acid</option>{_options(letters)}
</select></label>
<label>Residues, at least <input type="number" name="least" min="0" step="1" value=""></label>
<label>Color <select name="color"></select></label>
<button type="submit" hidden></button><button type="reset">Reset</button></form>
<p id="found" role="status">{n_codes:,} codes; this page needs JavaScript.</p>
<div class="both"><section id="map-part"><h2>Map</h2><div id="map" role="img"
 aria-label="Map of all codes; the table has the same codes"></div>
<p id="picked" aria-live="polite">Click a code.</p></section>
<section id="list"><h2>Codes</h2><table id="codes"><thead><tr>{_heads()}</tr></thead>
<tbody></tbody></table><button id="more" type="button" hidden>Show more</button></section></div>
</main>"""
    return page(title, "", _SCRIPTS, body)


def _options(values: list[str], words: dict[str, str] | None = None) -> str:
    named = [(value, f"{value} {(words or {}).get(value, '')}".strip()) for value in values]
    return "".join(
        f'<option value="{for_html(value)}">{for_html(text)}</option>' for value, text in named
    )


def _heads() -> str:
    return "".join(
        f'<th data-key="{key}" scope="col"><button type="button">{title}</button></th>'
        if title
        else f'<th data-key="{key}" scope="col">description</th>'
        for key, title in _COLUMNS
    )
