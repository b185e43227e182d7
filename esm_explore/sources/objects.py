"""Structures that other libraries hold in memory: biotite, gemmi, Biopython and esm."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TypeAlias

from biotite.structure import AtomArray, AtomArrayStack
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.errors import ChainError

_Content: TypeAlias = bytes | AtomArray | AtomArrayStack | list[ProteinChain]


def content_of_object(source: object) -> tuple[str, _Content] | None:
    """Take a structure out of another library's object, which is left as it was.

    Parameters
    ----------
    source : object
        A biotite AtomArray or AtomArrayStack; a gemmi Structure, Model or Chain; a Biopython
        Structure, Model or Chain; esm's ProteinChain, ProteinComplex or ESMProtein.

    Returns
    -------
    name : str
        The structure's, empty where it has none.
    content : bytes, AtomArray, AtomArrayStack or list of ProteinChain
        Bytes are mmCIF. None in place of both if it is something else.

    Raises
    ------
    ChainError
        If its library cannot turn it into that.
    """
    if isinstance(source, AtomArray | AtomArrayStack):
        return "", source
    if isinstance(source, ProteinChain):
        return source.id or "", [source]
    library = type(source).__module__.partition(".")[0]
    known = f"{library} {type(source).__name__}"
    if known not in _TAKEN:
        return None
    try:
        return _TAKEN[known](source)
    # What other libraries raise of objects that are not whole.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ChainError(
            f"No structure could be made of the {type(source).__name__} ({reason})."
        ) from error


def _of_gemmi(structure: Any) -> tuple[str, bytes]:
    # Without entities its mmCIF has no polymers, and no numbers of their residues.
    structure = structure.clone()
    structure.setup_entities()
    return structure.name, structure.make_mmcif_document().as_string().encode()


def _of_gemmi_model(model: Any) -> tuple[str, bytes]:
    import gemmi

    structure = gemmi.Structure()
    structure.add_model(model)
    return _of_gemmi(structure)


def _of_gemmi_chain(chain: Any) -> tuple[str, bytes]:
    import gemmi

    model = gemmi.Model(1)
    model.add_chain(chain)
    return _of_gemmi_model(model)


def _of_biopython(entity: Any) -> tuple[str, bytes]:
    from Bio.PDB.mmcifio import MMCIFIO

    writer, text = MMCIFIO(), io.StringIO()
    writer.set_structure(entity)
    writer.save(text)
    return str(entity.id) if entity.level == "S" else "", text.getvalue().encode()


def _of_complex(chains: Any) -> tuple[str, list[ProteinChain]]:
    return chains.id or "", list(chains.chain_iter())


def _of_esm_protein(protein: Any) -> tuple[str, list[ProteinChain]]:
    if "|" in (protein.sequence or ""):
        return _of_complex(protein.to_protein_complex())
    return "", [protein.to_protein_chain()]


# By library and class: none of these is imported unless the object comes from it.
_TAKEN: dict[str, Callable[..., tuple[str, _Content]]] = {
    "gemmi Structure": _of_gemmi,
    "gemmi Model": _of_gemmi_model,
    "gemmi Chain": _of_gemmi_chain,
    "Bio Structure": _of_biopython,
    "Bio Model": _of_biopython,
    "Bio Chain": _of_biopython,
    "esm ProteinComplex": _of_complex,
    "esm ESMProtein": _of_esm_protein,
}
