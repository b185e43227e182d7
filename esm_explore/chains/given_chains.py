"""Chains that are esm's already: nothing is parsed, and what no encoder could use is refused."""

from __future__ import annotations

from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.backbone import alarms
from esm_explore.chains.protein_chain import check_backbone, check_numbers
from esm_explore.chains.residues import residue_labels
from esm_explore.errors import ChainError, warn
from esm_explore.findings import in_short, some
from esm_explore.sources.locating import Source


class GivenChains:
    """Chains of esm's class, read as a `Structure` is.

    Attributes
    ----------
    name : str
    chain_ids : list of str
    """

    def __init__(self, source: Source, model: int):
        if model != 1:
            raise ChainError(f"Model {model} is not in {source.title}; it has 1 model.")
        self.name = source.name
        self._chains = {chain.chain_id: chain for chain in source.content}
        if len(self._chains) < len(source.content):
            ids = ", ".join(str(chain.chain_id) for chain in source.content)
            raise ChainError(f"{source.title} has chains of one id ({ids}): give each its own.")
        self.chain_ids = list(self._chains)

    def read(self, chain_id: str | None = None) -> ProteinChain:
        """Give one chain, the first without an id.

        Parameters
        ----------
        chain_id : str, optional

        Returns
        -------
        ProteinChain
            The very one that was given.

        Raises
        ------
        ChainError
            As `read_chain`.

        Warns
        -----
        ChainWarning
            As `read_chain`.
        """
        sizes = {name: len(chain) for name, chain in self._chains.items()}
        chain_id, chosen_from = pick_chain(chain_id, sizes, self.name)
        chain = self._chains[chain_id]
        labels = residue_labels(chain)
        check_numbers(chain, labels)
        frameless = check_backbone(chain, labels)
        notes = [f"the first of the protein chains {chosen_from}"] if chosen_from else []
        warn_of_reading(self.name, chain, labels, notes, frameless)
        return chain


def warn_of_reading(
    name: str, chain: ProteinChain, labels: list[str], notes: list[str], frameless: list[str]
) -> None:
    """Warn, in one message, of what was chosen, of residues without a frame, and of alarms."""
    said = [*notes]
    if frameless:
        said.append(f"no backbone frame at {some(frameless)}")
    said += in_short(alarms(chain.atom37_positions, labels))
    if said:
        warn(f"{name} chain {chain.chain_id}: {'; '.join(said)}")


def check_id(chain_id: object) -> None:
    """Refuse what cannot be a chain's id."""
    if not isinstance(chain_id, str | None):
        raise ChainError(f"chain_id is {chain_id!r}; it is the author's chain id, such as 'A'.")


def pick_chain(chain_id: str | None, sizes: dict[str, int], name: str) -> tuple[str, str]:
    """Pick a chain.

    Parameters
    ----------
    chain_id : str or None
        Without it, the first.
    sizes : dict
        Residues by chain id, of at least one chain.
    name : str
        Of the structure.

    Returns
    -------
    chain_id : str
    chosen_from : str
        All chains, where none was asked for and there are several; else empty.

    Raises
    ------
    ChainError
        If there is no such chain.
    """
    check_id(chain_id)
    listing = ", ".join(f"{chain or 'blank'} ({size} residues)" for chain, size in sizes.items())
    if chain_id is None:
        return next(iter(sizes)), listing if len(sizes) > 1 else ""
    if chain_id not in sizes:
        raise ChainError(f"Chain {chain_id!r} is not a protein chain of {name}; it has: {listing}.")
    return chain_id, ""
