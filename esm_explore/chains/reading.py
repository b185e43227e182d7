"""`read_chain` and `read_chains`: a file, a bundled example or an id to esm's `ProteinChain`."""

from __future__ import annotations

from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.given_chains import GivenChains, check_id
from esm_explore.chains.structure import Structure
from esm_explore.sources.locating import Source, locate


def read_chain(source: object, chain_id: str | None = None, *, model: int = 1) -> ProteinChain:
    """Read one protein chain.

    Parameters
    ----------
    source : str, path, open file or object
        - a file: PDB, mmCIF or BinaryCIF, plain, compressed (gzip, bzip2, xz, zstd) or the one
          structure in an archive (zip, tar), all told apart by content
        - an open file, ``io.StringIO`` or ``io.BytesIO``; ``"-"`` is standard input
        - the name of a bundled example (`examples`), a PDB id (``"1UBQ"``, ``"pdb_00001ubq"``),
          an AlphaFold DB id (``"AF-P69905"``) or a UniProt accession (``"P69905"``); downloaded
          once, then taken from a cache
        - an address (``"https://..."``), fetched each time
        - a structure of biotite, gemmi, Biopython or esm; a `ProteinChain` is given back as it is
    chain_id : str, optional
        The author's chain id. Without it, the first protein chain.
    model : int
        For structures with several models (NMR), counted from 1.

    Returns
    -------
    ProteinChain
        esm's own class. Residues are those with coordinates, with the author's numbers and
        insertion codes, in the order of the file; modified residues (MSE, HYP) are among them.
        Coordinates in Å, NaN where an atom is missing. Of alternate locations one with the whole
        backbone is taken, of several the most occupied. ``confidence`` is 1, or pLDDT from 0 to 1
        where B-factors are that: for AlphaFold DB ids, and files that say or show it.

    Raises
    ------
    ChainError
        If the source is missing, unknown, unreachable or not a structure; if there is no such
        chain or model, no protein, or no residue with N, CA and C; if two residues of the chain
        have the same number, or one has an atom of its backbone twice.

    Warns
    -----
    ChainWarning
        In one message, what was chosen or left out (other chains, models and alternate
        locations, residues without a backbone frame, a file that was cut off), and what makes
        all tokens suspect: units other than Å, a mirror image, atoms in another order, N, CA
        and C on a line, fewer than 16 residues. `doctor` says more. Also where a download cannot
        be kept.

    Notes
    -----
    A residue is of the chain if it is an amino acid, or has a backbone, and is written as ATOM,
    bonded to the next, or in the file's own sequence. Its letter is the parent's that the file or
    a dictionary gives, else X; names of force fields (HSD, GLH, NMET) are known.

    Chains are told apart by chain id, then segment id, TER, END and numbers that begin again. Those
    with one id are ``A``, ``A-2``, ``A-3`` here; those with none have their segment's id, or are
    ``1``, ``2``, ``3``.

    Examples
    --------
    >>> chain = read_chain("1UBI")
    >>> chain.chain_id, chain.sequence[:10]
    ('A', 'MQIFVKTLTG')
    """
    check_id(chain_id)
    return parsed(locate(source, chain_id), model).read(chain_id)


def read_chains(source: object, *, model: int = 1) -> list[ProteinChain]:
    """Read all protein chains, parsing the file once.

    Parameters
    ----------
    source, model
        As in `read_chain`. Of a bundled example that was cut to one chain, it is that one.

    Returns
    -------
    list of ProteinChain
        In the order of the file, each as `read_chain` reads it.

    Raises
    ------
    ChainError
        As `read_chain`, also where one chain alone cannot be read; the message names it.

    Warns
    -----
    ChainWarning
        As `read_chain`, in one message a chain.

    Examples
    --------
    >>> [(chain.chain_id, len(chain)) for chain in read_chains("2HT0")]
    [('A', 96), ('B', 93)]
    """
    structure = open_structure(source, model)
    return [structure.read(chain_id) for chain_id in structure.chain_ids]


def open_structure(source: object, model: int = 1) -> Structure | GivenChains:
    """Parse one model of a structure, to read its chains one by one.

    Parameters
    ----------
    source, model
        As in `read_chains`.

    Returns
    -------
    Structure or GivenChains

    Raises
    ------
    ChainError
        As `read_chain`, if it is the source, the model or the lack of protein; not for what is
        wrong with a single chain.
    """
    return parsed(locate(source), model)


def parsed(source: Source, model: int) -> Structure | GivenChains:
    """Parse one model of what was located; as `open_structure`."""
    kind = GivenChains if isinstance(source.content, list) else Structure
    return kind(source, model)
