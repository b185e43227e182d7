"""What static 3D structures need of a page beyond py3Dmol: our ribbon, the wheel, the theme."""

from __future__ import annotations

import json

# 3Dmol.js finds hydrogen bonds of its own and reads none from mmCIF in text; a color by secondary
# structure would then stop in the middle of an arrow.
_RIBBON = """((viewer, letters) => {
  for (const atom of viewer.selectedAtoms({})) {
    const at = atom.resi - 1;
    atom.ss = letters[at] === " " ? "c" : letters[at];
    atom.ssbegin = letters[at] !== letters[at - 1];
    atom.ssend = letters[at] !== letters[at + 1];
  }
})(viewer_UNIQUEID, %s);
"""

# py3Dmol writes another text for each picture where UNIQUEID stands. Listening on the way down to
# the canvas keeps the wheel from 3Dmol.js, so that the page has it.
MANNERS = """((place, viewer) => {
  let clicked = false;
  place.addEventListener("pointerdown", () => { clicked = true; }, true);
  place.addEventListener("pointerleave", () => { clicked = false; });
  place.addEventListener("wheel", (event) => { if (!clicked) event.stopPropagation(); }, true);
  const numbers = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const paint = () => {
    if (!viewer || !place.isConnected) return;
    let [r, g, b] = numbers(getComputedStyle(place).color);
    r = g = b = r + g + b > 384 ? 17 : 255;
    for (let at = place.parentElement; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      const [red, green, blue, alpha = 1] = numbers(color);
      if (color.startsWith("rgb") && alpha > 0.5) { [r, g, b] = [red, green, blue]; break; }
    }
    viewer.setBackgroundColor((r << 16) | (g << 8) | b, 1);
  };
  new ResizeObserver(paint).observe(place);
  const themes = new MutationObserver(() => setTimeout(paint, 100));
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-light", "class"] });
})(document.getElementById("3dmolviewer_UNIQUEID"), viewer_UNIQUEID);
"""


def ribbon_script(letters: str) -> str:
    """Write what makes 3Dmol.js draw a secondary structure, once it has the chain's atoms.

    Parameters
    ----------
    letters : str
        One a residue: h, s, c; a space, where it is not known, is drawn as c.

    Returns
    -------
    str
        For `startjs` of py3Dmol's viewer. Residues are numbered from 1.
    """
    return _RIBBON % json.dumps(letters)
