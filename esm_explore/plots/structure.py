"""What static 3D structures are made of."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable

import numpy as np
import py3Dmol
from biotite.structure import AtomArray
from biotite.structure.io.pdbx import CIFFile, set_structure
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.arguments import check_kind, whole_number
from esm_explore.chains.residues import three_letters
from esm_explore.escaping import for_html, for_script, without_formulas
from esm_explore.plots.legend import legend_html
from esm_explore.plots.still import AXES as AXES
from esm_explore.plots.still import LINE as LINE
from esm_explore.plots.still import ChainStill
from esm_explore.plots.structure_scripts import MANNERS
from esm_explore.plots.threedmol import load_3dmol
from esm_explore.tracing.traces import Trace

_HEIGHT = 420
_BACKBONE = {"N": 0, "CA": 1, "C": 2, "O": 4}

# The 3D view covers it; it is what is seen without JavaScript, without WebGL and while it loads.
_UNDER = '<img alt="{}" src="data:image/png;base64,{}" style="position: absolute; width: 100%">'


class Viewer(py3Dmol.view):
    """A viewer whose commands, which stand in a script block, cannot end it."""

    startjs: str
    updatejs: str

    def __getattr__(self, name: str) -> Callable[..., object]:
        command = super().__getattr__(name)

        def give(*args: object, **kwargs: object) -> object:
            before = len(self.startjs), len(self.updatejs)
            result = command(*args, **kwargs)
            self.startjs, self.updatejs = (
                js[:n] + for_script(js[n:])
                for js, n in zip((self.startjs, self.updatejs), before, strict=True)
            )
            return result

        return give


def new_viewer() -> py3Dmol.view:
    """Make an empty viewer for a `StructurePicture`, which gives it its width."""
    viewer = Viewer(width="100%", height=_HEIGHT)
    viewer.startjs += MANNERS
    return viewer


class StructurePicture:
    """A structure in 3D; Jupyter shows it, ``print`` says what is on it.

    Attributes
    ----------
    viewer : py3Dmol.view
        To change or add to the picture before it is shown. In it residues are numbered from 1 in
        the order of the chain; hovering shows their numbers in the file. Pictures without
        JavaScript do not have what is added.
    """

    def __init__(
        self,
        viewer: py3Dmol.view,
        still: ChainStill,
        lines: list[str],
        legend: list[tuple[str, str]] | None = None,
        bar: dict | None = None,
    ):
        self.viewer = viewer
        self._still, self._lines = still, lines
        self._legend, self._bar = legend or [], bar

    def __repr__(self) -> str:
        return "\n".join(self._lines)

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_png_(self) -> bytes:
        return self.png()

    def png(self, width: int = 640, *, how: bool = True) -> bytes:
        """Draw it without JavaScript, with its caption, as wide as this in pixels.

        `how` says below how it comes to life.
        """
        # matplotlib is loaded when a picture is drawn.
        from esm_explore.plots.still_page import StillParts, draw_still

        return draw_still(StillParts(**self._parts(width, how)))

    def svg(self, width: int = 640) -> bytes:
        """Draw it as `png` does, in lines and areas, for print."""
        from esm_explore.plots.still_page import StillParts, draw_still_svg

        return draw_still_svg(StillParts(**self._parts(width, how=False)), repr(self))

    def _parts(self, width: int, how: bool) -> dict:
        title, encoder, *more = self._lines
        said = {"title": title, "encoder": encoder.removeprefix("Encoder: ")}
        if not how:
            said["how"] = ""
        colors = {"legend": self._legend, "bar": self._bar}
        size = {"width": width, "height": _HEIGHT + 80}
        return {"chains": [self._still], "sentence": " ".join(more), **said, **colors, **size}

    def html(self, width: int = 640) -> str:
        """Write the picture, as wide as this in pixels, and its caption."""
        script, note = load_3dmol()
        swatches = [legend_html(self._legend, self._bar)] if self._legend else []
        caption = "<br>".join([*map(for_html, self._lines), *swatches, *note])
        size = f"width: {width}px; height: {_HEIGHT}px"
        # matplotlib is loaded when a picture is drawn.
        from esm_explore.plots.still_page import StillParts, draw_still

        still = draw_still(StillParts("", "", [self._still], width=width, height=_HEIGHT))
        under = _UNDER.format(for_html(self._lines[0]), base64.b64encode(still).decode())
        # Where scripts are not run, py3Dmol's warning would stay and lie over the picture.
        drawn = re.sub('<p id="3dmolwarning_.*?</p>', "", self.viewer.write_html(), flags=re.DOTALL)
        return without_formulas(
            f'{script}<div style="position: relative; {size}">{under}{drawn}'
            f'</div><p style="font-size: 85%; margin: 4px 0">{caption}</p>'
        )


def point(position: np.ndarray) -> dict[str, float]:
    """Write a place, shape=(3,), as 3Dmol.js has it."""
    return dict(zip("xyz", position.tolist(), strict=True))


def backbone_cif(trace: Trace, coords: np.ndarray | None = None) -> str:
    """Write N, CA, C and O with residues numbered from 1: 3Dmol.js knows no insertion codes.

    Parameters
    ----------
    trace : Trace
    coords : ndarray, shape=(L, 37, 3), optional
        Where the atoms are drawn, in Å, if that is not where they are.
    """
    return chain_cif(trace.chain, trace.chain.atom37_positions if coords is None else coords)


def chain_cif(chain: ProteinChain, positions: np.ndarray) -> str:
    """Write a chain as `backbone_cif`, its atoms at positions, shape=(L, 37, 3), Å."""
    names, slots = list(_BACKBONE), list(_BACKBONE.values())
    present = chain.atom37_mask[:, slots] & np.isfinite(positions[:, slots]).all(-1)
    residue, slot = np.nonzero(present)
    atoms = AtomArray(len(residue))
    atoms.coord = positions[:, slots][present]
    atoms.chain_id[:] = "A"
    atoms.res_id = residue + 1
    atoms.res_name = np.array([three_letters(letter) for letter in chain.sequence])[residue]
    atoms.atom_name = np.array(names)[slot]
    atoms.element = np.array([name[0] for name in names])[slot]
    file = CIFFile()
    set_structure(file, atoms)
    text = io.StringIO()
    file.write(text)
    return text.getvalue()


class Beside:
    """Structures beside each other; Jupyter shows them, ``print`` says what is on them.

    Parameters
    ----------
    *pictures : StructurePicture
    width : int
        Of each, in pixels; on a narrow page they wrap.

    Raises
    ------
    TraceError
        If something else than structures is given, or no width.
    """

    def __init__(self, *pictures: StructurePicture, width: int = 400):
        for picture in pictures:
            check_kind(picture, StructurePicture, "One of pictures", "what view and its like make")
        self._pictures = pictures
        self._width = whole_number(width, "width", 1)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._pictures))

    def _repr_png_(self) -> bytes:
        colors = [color for picture in self._pictures for color, _ in picture._legend]
        # matplotlib is loaded when a picture is drawn.
        from esm_explore.plots.still_page import draw_beside

        return draw_beside([picture.png(self._width) for picture in self._pictures], colors)

    def _repr_html_(self) -> str:
        cells = [
            f'<div style="width: {self._width}px">{picture.html(self._width)}</div>'
            for picture in self._pictures
        ]
        return f'<div style="display: flex; flex-wrap: wrap; gap: 12px">{"".join(cells)}</div>'
