"""The chain in the colors of its residues, as an image."""

from __future__ import annotations

import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from esm_explore.export.values import MARK, ResidueValues
from esm_explore.plots.structure import StructurePicture
from esm_explore.plots.structure_views import view

_WIDE = 1280


def png(data: ResidueValues) -> bytes:
    """Draw the ribbon, its caption and what the colors mean."""
    drawn = Image.open(io.BytesIO(_picture(data).png(_WIDE, how=False)))
    notes = PngInfo()
    notes.add_text(MARK, "\n".join(data.said))
    sink = io.BytesIO()
    drawn.save(sink, "png", pnginfo=notes)
    return sink.getvalue()


def svg(data: ResidueValues) -> bytes:
    """Draw the same in lines and areas."""
    drawn = _picture(data).svg(_WIDE)
    return drawn.replace(b"<metadata>", b"<!-- %s -->\n <metadata>" % MARK.encode(), 1)


def _picture(data: ResidueValues) -> StructurePicture:
    """Give the 3D view of the same values, in the same colors."""
    return view(data.trace, data.given, label=data.name.replace("_", " "))
