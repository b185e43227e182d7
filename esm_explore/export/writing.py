"""`residues`: a value of each residue into a file of the format that its name says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from esm_explore.arguments import as_path
from esm_explore.errors import TraceError
from esm_explore.export import (
    chimerax,
    pictures,
    pymol,
    scenes,
    sequences,
    structures,
    tables,
)
from esm_explore.export.values import MARK, ResidueValues, values_of
from esm_explore.outputs import write_own
from esm_explore.tracing.traces import Trace

# A format is a function that gives the file's content; this is where it is registered.
FORMATS: dict[str, Callable[[ResidueValues], bytes]] = {
    ".cxc": chimerax.commands,
    ".defattr": chimerax.attributes,
    ".pml": pymol.commands,
    ".pdb": structures.pdb,
    ".cif": structures.cif,
    ".mvsj": scenes.scene,
    ".fasta": sequences.fasta,
    ".csv": tables.csv,
    ".parquet": tables.parquet,
    ".h5ad": tables.h5ad,
    ".png": pictures.png,
    ".svg": pictures.svg,
}


def residues(
    trace: Trace, path: str | Path, value: str | np.ndarray = "token", *, label: str = "value"
) -> Path:
    """Write a value of each residue for another program.

    Parameters
    ----------
    trace : Trace
    path : str or Path
        Its end chooses the format: ``.defattr`` (an attribute, ChimeraX), ``.cxc`` (colors,
        ChimeraX), ``.pml`` (colors and B factors, PyMOL), ``.pdb``, ``.cif`` (coordinates with the
        value as B factor; mmCIF has all in a category ``_esm_explore_residue``, too), ``.mvsj``
        (a scene in these colors, MolViewSpec), ``.fasta`` (letters; tokens as numbers of equally
        many digits), ``.csv``, ``.parquet``, ``.h5ad`` (AnnData: latents, annotations and maps),
        ``.png`` and ``.svg`` (the chain in these colors). What is there is replaced if it is
        such a file of this program.
    value : str or ndarray, shape=(L,)
        ``"token"``, ``"margin"``, ``"secondary_structure"``, ``"burial"``, ``"amino_acid"``, as
        `view` has them, in the same colors; to ``.fasta`` also ``"3di"`` (Foldseek's letters, by
        the package mini3di). Or numbers or words of your own, such as the scores of a probe or what
        changed between two chains. NaN and "" are residues without a value, as are tokens and
        margins of residues without a backbone frame.
    label : str
        The name of your own values in the file.

    Returns
    -------
    Path

    Raises
    ------
    TraceError
        If there is no such format or value, the format cannot hold it, or the file cannot be
        written or is not of this program; nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = ex.export.residues(trace, f"{folder}/margins.defattr", "margin")
    ...     print(path.read_text().splitlines()[2])
    attribute: esm_margin
    """
    path = as_path(path)
    end = path.suffix.lower()
    if end not in FORMATS:
        ends = ", ".join(FORMATS)
        raise TraceError(f"{str(path)!r} ends in no known format; it has to be one of: {ends}.")
    if isinstance(value, str) and value == "3di":
        if end != ".fasta":
            raise TraceError(f"3Di letters are written to a .fasta, not to a {end}.")
        value, label = sequences.letters_3di(trace), "letter_3di"
    content = FORMATS[end](values_of(trace, value, label))
    write_own(path, _is_ours, lambda part: part.write_bytes(content))
    return path


def _is_ours(path: Path) -> bool:
    """Look for the mark at both ends of a file: tables and pictures have it late."""
    with path.open("rb") as file:
        head = file.read(200_000)
        file.seek(max(0, path.stat().st_size - 200_000))
        return MARK.encode() in head + file.read()
