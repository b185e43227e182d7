"""MolViewSpec: a scene that Mol* and others open, with the structure inside."""

from __future__ import annotations

import base64

from esm_explore.export.needed import import_needed
from esm_explore.export.structures import CATEGORY, cif
from esm_explore.export.values import ResidueValues


def scene(data: ResidueValues) -> bytes:
    """Write the chain's ribbon in the colors of its residues."""
    molviewspec = import_needed("molviewspec", ".mvsj")
    builder = molviewspec.create_builder()
    address = "data:text/plain;base64," + base64.b64encode(cif(data)).decode()
    structure = builder.download(url=address).parse(format="mmcif").model_structure()
    ribbon = structure.component(selector="polymer").representation(type="cartoon")
    ribbon.color_from_source(schema="auth_residue", category_name=CATEGORY, field_name="color")
    title, encoder = data.said
    return (
        builder.get_state(title=title, description=encoder)
        .model_dump_json(exclude_none=True)
        .encode()
    )
