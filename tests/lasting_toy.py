"""A structure that outlives its kernel; tests import it, and notebooks of tests run its text."""

from esm_explore.plots.still_page import StillParts, draw_still
from esm_explore.widgets.lasting import Lasting
from esm_explore.widgets.structure_still import chain_still
from esm_explore.widgets.structure_view import StructureView


class LastingStructure(Lasting, StructureView):
    def __repr__(self):
        return self.caption

    def still(self):
        title, encoder = self.caption.split("\nEncoder: ")
        return draw_still(StillParts(title, encoder, [chain_still(self)]))
