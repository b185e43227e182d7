"""3Dmol.js for a page: from this package where it can be, so that views work offline."""

from __future__ import annotations

import base64
import gzip
from functools import cache
from importlib.resources import files
from inspect import signature

import py3Dmol

# Where a widget without the bundled script looks: where py3Dmol does, for the ES module.
CDN = (
    signature(py3Dmol.view.__init__)
    .parameters["js"]
    .default.replace("3Dmol-min.js", "3Dmol.es6-min.js")
)

# py3Dmol waits for window.$3Dmolpromise, and fetches the script only where there is none.
_LOADER = """<script>
if (!window.$3Dmolpromise) window.$3Dmolpromise = (async () => {
  const bytes = Uint8Array.from(atob("%s"), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const module = {exports: {}};
  new Function("module", "exports", await new Response(stream).text())(module, module.exports);
  window.$3Dmol = module.exports;
})();
</script>"""


@cache
def load_3dmol() -> tuple[str, list[str]]:
    """Make the HTML that puts 3Dmol.js into a page that does not have it yet.

    Returns
    -------
    script : str
        "" where this installation has no 3Dmol.js: py3Dmol then fetches it from the internet.
    note : list of str
        What to tell the reader about that; empty where it is in the package.
    """
    source = files("esm_explore") / "static" / "3Dmol-min.js"
    if not source.is_file():
        return "", ["3Dmol.js is not in this installation: the picture needs internet."]
    packed = gzip.compress(source.read_bytes(), mtime=0)
    return _LOADER % base64.b64encode(packed).decode(), []
