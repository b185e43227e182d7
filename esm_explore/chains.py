"""`read_chain`: a file, a bundled example, a PDB id or an AlphaFold id to esm's `ProteinChain`."""

from __future__ import annotations

import os
import warnings
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pandas as pd
from biotite.structure import AtomArray
from biotite.structure.info import one_letter_code
from esm.utils import residue_constants
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.downloads import ALPHAFOLD_ID, PDB_ID, fetch_alphafold, fetch_pdb
from esm_explore.errors import ChainError, ChainWarning
from esm_explore.protein_atoms import most_occupied, protein_chains, residue_starts
from esm_explore.structure_files import read_model

_LETTERS = frozenset("ACDEFGHIKLMNPQRSTVWY")
_BACKBONE = [residue_constants.atom_order[name] for name in ("N", "CA", "C")]


def examples() -> pd.DataFrame:
    """List the bundled structures.

    Returns
    -------
    DataFrame
        One row a structure, indexed by the name that `read_chain` takes; columns chain,
        residues, good_for, file and source.

    Examples
    --------
    >>> int(examples().loc["1ITU", "residues"])
    369
    """
    with (files("esm_explore") / "examples" / "examples.csv").open() as table:
        return pd.read_csv(table, index_col="name")


def read_chain(
    source: str | os.PathLike, chain_id: str | None = None, *, model: int = 1
) -> ProteinChain:
    """Read one protein chain.

    Parameters
    ----------
    source : str or path
        A file (PDB, mmCIF or BinaryCIF, plain or gzipped, told apart by content), the name of a
        bundled example (`examples`), a PDB id (``"1UBQ"``) or an AlphaFold DB id
        (``"AF-P69905"``). Ids are downloaded once, then taken from a cache.
    chain_id : str, optional
        The author's chain id. Without it, the first protein chain.
    model : int
        For structures with several models (NMR), counted from 1.

    Returns
    -------
    ProteinChain
        esm's own class. Residues are those with coordinates, with the author's numbers and
        insertion codes, in the order of the file; modified residues (MSE, HYP) are among them.
        Coordinates in Å, NaN where an atom is missing. Of alternate locations the most occupied
        is taken. ``confidence`` is 1, or pLDDT from 0 to 1 for AlphaFold DB ids.

    Raises
    ------
    ChainError
        If the source is missing, unknown, unreachable or not a structure; if there is no such
        chain or model, no protein, or no residue with N, CA and C; if two residues of the chain
        have the same number.

    Warns
    -----
    ChainWarning
        In one message, what was chosen or left out: other chains, models and alternate
        locations, residues without a backbone frame.

    Examples
    --------
    >>> chain = read_chain("1UBI")
    >>> chain.chain_id, chain.sequence[:10]
    ('A', 'MQIFVKTLTG')
    """
    name, path, predicted = _locate(source, chain_id)
    found = read_model(path, model)
    notes = []
    if found.n_models > 1:
        notes.append(f"model {model} of {found.n_models}")
    chains = protein_chains(found.atoms)
    chain_id = _choose(chain_id, chains, found.atoms, name, notes)
    atoms, alternates = most_occupied(chains[chain_id])
    if alternates:
        notes.append(f"the most occupied of alternate locations at {_some(alternates)}")
    chain = _protein_chain(atoms, name, chain_id, predicted)
    _check_numbers(chain)
    _check_backbone(chain, notes)
    if notes:
        warnings.warn(f"{name} chain {chain_id}: {'; '.join(notes)}", ChainWarning, stacklevel=2)
    return chain


def _locate(source: str | os.PathLike, chain_id: str | None) -> tuple[str, Path, bool]:
    """Give the structure's name, its file, and whether it is a prediction."""
    text = os.fspath(source)
    path = Path(text)
    looks_like_path = isinstance(source, os.PathLike) or path.suffix or len(path.parts) > 1
    if looks_like_path or path.exists():
        if not path.exists() and ALPHAFOLD_ID.fullmatch(text.upper()) is None:
            raise ChainError(f"There is no file {path}.")
        return path.name.split(".")[0], path, False
    bundled = _example(text, chain_id)
    if bundled is not None:
        return *bundled, False
    if PDB_ID.fullmatch(text):
        return text.upper(), fetch_pdb(text), False
    if ALPHAFOLD_ID.fullmatch(text.upper()):
        return text.upper(), fetch_alphafold(text.upper()), True
    raise ChainError(
        f"{text!r} is not a file here, not a bundled example ({', '.join(examples().index)}), "
        "not a PDB id (such as 1UBQ) and not an AlphaFold DB id (such as AF-P69905)."
    )


def _example(text: str, chain_id: str | None) -> tuple[str, Path] | None:
    """Find a bundled example, unless a chain is wanted that was cut away from it."""
    name, _, chain = text.upper().partition("_")
    table = examples()
    if name not in table.index or chain not in ("", table.loc[name, "chain"]):
        return None
    cut = "_" in table.loc[name, "file"]
    if cut and chain_id not in (None, table.loc[name, "chain"]):
        return None
    # The package is installed as plain files, so that the path outlives this context.
    with as_file(files("esm_explore") / "examples" / table.loc[name, "file"]) as path:
        return name, path


def _choose(
    chain_id: str | None,
    chains: dict[str, AtomArray],
    atoms: AtomArray,
    name: str,
    notes: list[str],
) -> str:
    """Pick the chain, and note which others there are."""
    if not chains:
        others = ", ".join(dict.fromkeys(c or "blank" for c in atoms.chain_id.tolist()))
        raise ChainError(f"{name} has no protein chain; its chains are: {others or 'none'}.")
    listing = ", ".join(
        f"{c or 'blank'} ({len(residue_starts(a))} residues)" for c, a in chains.items()
    )
    if chain_id is None:
        chosen = next(iter(chains))
        if len(chains) > 1:
            notes.append(f"the first of the protein chains {listing}")
        return chosen
    if chain_id not in chains:
        raise ChainError(f"Chain {chain_id!r} is not a protein chain of {name}; it has: {listing}.")
    return chain_id


def _protein_chain(atoms: AtomArray, name: str, chain_id: str, predicted: bool) -> ProteinChain:
    starts = residue_starts(atoms)
    residue = np.searchsorted(starts, np.arange(len(atoms)), side="right") - 1
    names = np.where((atoms.res_name == "MSE") & (atoms.atom_name == "SE"), "SD", atoms.atom_name)
    slot = np.array([residue_constants.atom_order.get(n, -1) for n in names.tolist()])
    known = slot >= 0
    positions = np.full((len(starts), residue_constants.atom_type_num, 3), np.nan, np.float32)
    positions[residue[known], slot[known]] = atoms.coord[known]
    confidence = np.ones(len(starts), np.float32)
    if predicted:
        confidence = (atoms.b_factor[starts] / 100).astype(np.float32)
    return ProteinChain(
        id=name,
        sequence="".join(_letter(n) for n in atoms.res_name[starts]),
        chain_id=chain_id,
        entity_id=1,  # as esm has it for files without entities, so that twins are equal
        residue_index=atoms.res_id[starts].astype(np.int64),
        insertion_code=atoms.ins_code[starts].astype("<U4"),
        atom37_positions=positions,
        atom37_mask=np.isfinite(positions).all(-1),
        confidence=confidence,
    )


def _letter(name: str) -> str:
    letter = one_letter_code(name)
    return letter if letter in _LETTERS else "X"


def _check_numbers(chain: ProteinChain) -> None:
    labels = _labels(chain)
    repeated = labels[labels.duplicated()]
    if len(repeated):
        raise ChainError(
            f"Chain {chain.chain_id or 'blank'} of {chain.id} has more than one residue numbered "
            f"{_some(repeated.unique().tolist())}: are these several chains under one id? Give "
            "each its own id, or number the residues once."
        )


def _check_backbone(chain: ProteinChain, notes: list[str]) -> None:
    whole = chain.atom37_mask[:, _BACKBONE].all(1)
    if not whole.any():
        atoms = [residue_constants.atom_types[i] for i in np.flatnonzero(chain.atom37_mask.any(0))]
        raise ChainError(
            f"No residue of {chain.id} chain {chain.chain_id} has N, CA and C; there are only: "
            f"{', '.join(atoms[:8])}. The encoder needs a backbone, not a CA trace."
        )
    if not whole.all():
        notes.append(f"no backbone frame at {_some(_labels(chain)[~whole].tolist())}")


def _labels(chain: ProteinChain) -> pd.Series:
    return pd.Series(chain.residue_index).astype(str) + pd.Series(chain.insertion_code)


def _some(labels: list[str]) -> str:
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
