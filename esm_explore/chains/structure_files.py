"""What was located to atoms: PDB, mmCIF and BinaryCIF, told apart by content, and AtomArrays."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from biotite.structure import AtomArray, AtomArrayStack
from biotite.structure.io import pdb, pdbx

from esm_explore.chains.binary_cif import parse_binary_cif
from esm_explore.chains.sniffing import is_web_page
from esm_explore.chains.sources import Source
from esm_explore.errors import ChainError

_FIELDS = ["b_factor", "occupancy"]
# The largest have 2.5 million atoms; a run-length encoding can pretend any number.
MAX_ATOMS = 10_000_000


@dataclass(frozen=True)
class Model:
    """The atoms of one model of a file.

    Attributes
    ----------
    atoms : AtomArray
        All atoms, with the author's chain ids and numbers, all alternate locations
        (annotation ``altloc_id``), ``occupancy`` and ``b_factor``. Coordinates in Å.
    n_models : int
        How many models the file has.
    ending : {"", "no END line", "cut off"}
        What is odd about the end of the file.
    """

    atoms: AtomArray
    n_models: int
    ending: str = ""


def read_model(source: Source, model: int = 1) -> Model:
    """Read one model of a structure.

    Parameters
    ----------
    source : Source
        Its content is bytes, an AtomArray or an AtomArrayStack.
    model : int
        Counted from 1.

    Returns
    -------
    Model

    Raises
    ------
    ChainError
        If the content is no structure, is damaged, or has fewer models.
    """
    title, data = source.title, source.content
    if isinstance(model, bool) or not isinstance(model, int | np.integer):
        raise ChainError(f"model is {model!r}; it is a number, counted from 1.")
    if not isinstance(data, bytes):
        return _from_arrays(data, model, title)
    start = data[:4096].lstrip()
    if not start:
        raise ChainError(f"{title} is empty.")
    if is_web_page(start):
        raise ChainError(
            f"{title} is a web page or XML, not a structure: was it saved from a browser, or is "
            "it the message of a failed download?"
        )
    try:
        with warnings.catch_warnings():
            # biotite warns of guessed elements, which nothing here depends on.
            warnings.simplefilter("ignore", UserWarning)
            if b"dataBlocks" in data[:4096]:
                file = parse_binary_cif(data)
                _check_sizes(file, title)
                return _from_cif(file, model, title)
            # Latin-1 reads any byte; outside remarks both formats are ASCII.
            text = data.decode("latin-1")
            if _is_cif(text):
                return _from_cif(pdbx.CIFFile.read(io.StringIO(text)), model, title)
            if _is_pdb(text):
                return _from_pdb(text, model, title)
    except ChainError:
        raise
    # biotite lets through whatever a damaged file trips over in its parsers.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ChainError(
            f"{title} could not be read, it is damaged or cut off ({reason})."
        ) from error
    raise ChainError(
        f"{title} is not a structure: it is neither PDB (no ATOM lines) nor mmCIF (no data_ block) "
        "nor BinaryCIF."
    )


def _check_sizes(file: pdbx.BinaryCIFFile, title: str) -> None:
    """Refuse arrays larger than they can be, before they are unpacked."""
    for block in file.serialize()["dataBlocks"]:
        for category in block["categories"]:
            if category["name"] != "_atom_site":
                continue
            rows = category["rowCount"]
            if not isinstance(rows, int) or rows > MAX_ATOMS:
                raise ChainError(
                    f"{title} says that it has {rows} atoms; raise "
                    "esm_explore.chains.structure_files.MAX_ATOMS if that is what you want."
                )
            sizes = list(_sizes(category["columns"]))
            # Of texts, one offset more than there are rows.
            if not all(isinstance(size, int) and 0 <= size <= rows + 1 for size in sizes):
                raise ChainError(
                    f"{title} is damaged: a column has more rows than there are atoms."
                )


def _sizes(content: object) -> Iterator[object]:
    """Give the sizes of all encoded arrays; a run length without one would unpack to any size."""
    if isinstance(content, dict):
        if "srcSize" in content or content.get("kind") == "RunLength":
            yield content.get("srcSize")
        content = content.values()
    if not isinstance(content, str | bytes) and isinstance(content, Iterable):
        for part in content:
            yield from _sizes(part)


def _is_cif(text: str) -> bool:
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return next(lines, "").lower().startswith("data_")


def _is_pdb(text: str) -> bool:
    return any(line.startswith(("ATOM  ", "HETATM")) for line in text.splitlines())


def _from_cif(file: pdbx.CIFFile | pdbx.BinaryCIFFile, model: int, title: str) -> Model:
    blocks = [name for name in file if "atom_site" in file[name]]
    if not blocks:
        raise ChainError(f"{title} has no atoms: no atom_site category in any data block.")
    if len(blocks) > 1:
        raise ChainError(
            f"{title} holds {len(blocks)} structures ({', '.join(blocks[:5])}); "
            "put the one you want into a file of its own."
        )
    n_models = pdbx.get_model_count(file, data_block=blocks[0])
    _check_model(model, n_models, title)
    present = set(file[blocks[0]]["atom_site"])
    fields = [
        name
        for name, column in (("b_factor", "B_iso_or_equiv"), ("occupancy", "occupancy"))
        if column in present
    ]
    atoms = pdbx.get_structure(
        file,
        model=model,
        data_block=blocks[0],
        altloc="all",
        extra_fields=fields,
        use_author_fields=True,
    )
    return Model(_complete(atoms), n_models)


def _from_arrays(arrays: AtomArray | AtomArrayStack, model: int, title: str) -> Model:
    stack = arrays if isinstance(arrays, AtomArrayStack) else [arrays]
    _check_model(model, len(stack), title)
    atoms = stack[model - 1].copy()
    if "altloc_id" not in atoms.get_annotation_categories():
        atoms.set_annotation("altloc_id", np.full(len(atoms), "."))
    return Model(_complete(atoms), len(stack))


def _from_pdb(text: str, model: int, title: str) -> Model:
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("ATOM  ", "HETATM")):
            lines[number] = _filled(line, number + 1, title)
    file = pdb.PDBFile.read(io.StringIO("\n".join(lines) + "\n"))
    n_models = file.get_model_count()
    _check_model(model, n_models, title)
    atoms = file.get_structure(model=model, altloc="all", extra_fields=_FIELDS)
    return Model(atoms, n_models, _ending(text))


def _ending(text: str) -> str:
    """Look for the record that ends a PDB file; many programs leave it out."""
    lines = text[-2000:].splitlines()
    if any(line.rstrip() in ("END", "ENDMDL") for line in lines[-20:]):
        return ""
    shorter = len(lines) > 1 and len(lines[-1].rstrip()) < len(lines[-2].rstrip())
    cut = not text.endswith(("\n", "\r")) and lines[-1].startswith(("ATOM", "HETATM")) and shorter
    return "cut off" if cut else "no END line"


def _filled(line: str, number: int, title: str) -> str:
    """Fill in blank occupancy, B-factor and element; refuse coordinates that are no numbers."""
    line = line.ljust(80)
    try:
        np.array([line[30:38], line[38:46], line[46:54]], dtype=float)
    except ValueError:
        raise ChainError(
            f"{title}, line {number}: the coordinates {line[30:54].strip()!r} are not three "
            "numbers."
        ) from None
    occupancy = line[54:60] if line[54:60].strip() else "  1.00"
    b_factor = line[60:66] if line[60:66].strip() else "  0.00"
    # Columns 13 and 14 are where an atom's name has its element; biotite 2.0 fails on a blank one.
    element = line[76:78] if line[76:78].strip() else line[12:14]
    return line[:54] + occupancy + b_factor + line[66:76] + element + line[78:]


def _complete(atoms: AtomArray) -> AtomArray:
    """Give occupancy and B-factor to atoms of a file that leaves those columns out."""
    for name, value in (("occupancy", 1.0), ("b_factor", 0.0)):
        if name not in atoms.get_annotation_categories():
            atoms.set_annotation(name, np.full(len(atoms), value))
    return atoms


def _check_model(model: int, n_models: int, title: str) -> None:
    if not 1 <= model <= n_models:
        has = "1 model" if n_models == 1 else f"{n_models} models"
        raise ChainError(f"Model {model} is not in {title}; it has {has}.")
