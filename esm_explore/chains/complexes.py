"""`read_complex`: the protein chains of one structure as one input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.given_chains import GivenChains
from esm_explore.chains.joined import BREAK, join
from esm_explore.chains.provenance import reading_of
from esm_explore.chains.reading import open_structure, read_chain
from esm_explore.chains.structure import Structure
from esm_explore.errors import ChainError
from esm_explore.findings import some
from esm_explore.sources.locating import Source

# A trace of more takes minutes at full size, and a picture of it shows nothing.
MOST_RESIDUES = 5000


@dataclass(frozen=True, eq=False, repr=False)
class Complex:
    """Chains that are encoded as one input; made by `read_complex`.

    Attributes
    ----------
    name : str
    chains : tuple of ProteinChain
        Two or more, each as `read_chain` gives it.
    """

    name: str
    chains: tuple[ProteinChain, ...]

    @property
    def chain_ids(self) -> list[str]:
        """The chains' ids, in their order."""
        return [chain.chain_id for chain in self.chains]

    @cached_property
    def joined(self) -> ProteinChain:
        """All chains in one, as esm's ``ProteinComplex`` joins them: rows of ``|`` between them."""
        return join(self.chains, self.name)

    def __len__(self) -> int:
        return sum(map(len, self.chains))

    def __repr__(self) -> str:
        sizes = ", ".join(f"{chain.chain_id} ({len(chain)})" for chain in self.chains)
        return f"Complex {self.name}, {len(self)} residues in {len(self.chains)} chains: {sizes}"


def read_complex(
    source: object, chain_ids: Sequence[str] | None = None, *, model: int = 1
) -> Complex:
    """Read several protein chains of one structure as one input.

    Parameters
    ----------
    source : str, path, open file or object
        As in `read_chain`; esm's ``ProteinComplex`` and a list of chains, too.
    chain_ids : sequence of str, optional
        Which chains, in which order. Without it all protein chains, in the file's order.
    model : int
        As in `read_chain`.

    Returns
    -------
    Complex
        `trace`, `inspect` and `doctor` take it as they take a chain.

    Raises
    ------
    ChainError
        As `read_chains`; also if there are fewer than two chains, one is named twice, or they have
        more than 5,000 residues.

    Warns
    -----
    ChainWarning
        As `read_chain`, in one message a chain.

    Examples
    --------
    >>> read_complex("2HT0")
    Complex 2HT0, 189 residues in 2 chains: A (96), B (93)
    """
    structure = _opened(source, model)
    wanted = structure.chain_ids if chain_ids is None else _wanted(chain_ids)
    if len(wanted) < 2:
        raise ChainError(
            f"A complex has two chains or more; of {structure.name} there is only "
            f"{some(list(wanted)) or 'none'}: read_chain reads one chain."
        )
    odd = [name for name in wanted if BREAK in str(name)]
    if odd:
        raise ChainError(
            f"Chain {odd[0]!r} of {structure.name} has {BREAK} in its id, which esm has between "
            "chains: give it another id."
        )
    chains = tuple(_read(structure, name, chain_ids is None) for name in wanted)
    made = Complex(_named(structure.name, chains[0]), chains)
    if len(made) > MOST_RESIDUES:
        raise ChainError(
            f"{made!r} are too many: of up to {MOST_RESIDUES:,} residues a complex can be "
            "encoded and shown; choose chains, chain_ids=['A', 'B']."
        )
    return made


def read_chosen(
    source: object, chain: str | None = None, *, model: int = 1
) -> ProteinChain | Complex:
    """Read one chain, or of several ids with commas between them a complex: ``"A,B"``.

    Parameters
    ----------
    source, model
        As in `read_chain`.
    chain : str, optional
        As a shell gives it. Without it, the first protein chain.
    """
    if chain is not None and "," in chain:
        return read_complex(source, [name.strip() for name in chain.split(",")], model=model)
    return read_chain(source, chain, model=model)


def _opened(source: Any, model: int) -> Structure | GivenChains:
    is_list = isinstance(source, list | tuple) and len(source) > 0
    if is_list and all(isinstance(chain, ProteinChain) for chain in source):
        return GivenChains(Source(source[0].id or "complex", "The list", list(source)), model)
    return open_structure(source, model)


def _wanted(chain_ids: object) -> list[str]:
    right = "a list of chain ids, such as ['A', 'B']"
    if isinstance(chain_ids, str) or not isinstance(chain_ids, Sequence):
        raise ChainError(f"chain_ids is {chain_ids!r}; it has to be {right}.")
    wanted = list(chain_ids)
    twice = next((name for i, name in enumerate(wanted) if name in wanted[:i]), None)
    if twice is not None:
        raise ChainError(f"Chain {twice!r} is in chain_ids twice; give each chain once.")
    return wanted


def _read(structure: Structure | GivenChains, name: str, chosen: bool) -> ProteinChain:
    try:
        return structure.read(name)
    except ChainError as error:
        if not chosen:
            raise
        others = [other for other in structure.chain_ids if other != name]
        raise ChainError(f"{error} To leave it out: chain_ids={others!r}.") from error


def _named(name: str, chain: ProteinChain) -> str:
    reading = reading_of(chain)
    return f"{name} model {reading.model}" if reading and reading.n_models > 1 else name
