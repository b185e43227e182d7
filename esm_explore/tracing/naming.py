"""What a trace and its residues are called."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.joined import ids_of_residues, parts_of
from esm_explore.chains.provenance import reading_of
from esm_explore.chains.residues import find_residue, residue_labels
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.findings import some


class Named:
    """Names of a chain, or of a complex, that an encoder has seen, and of its residues."""

    chain: ProteinChain
    encoder_info: EncoderInfo

    @property
    def title(self) -> str:
        """What was traced, for headings."""
        return f"{self.name}, {int((~self.breaks).sum())} residues"

    @property
    def name(self) -> str:
        """What was traced: ``1UBI chain A``, of several models with its number."""
        if self.parts:
            return f"{self.chain.id} chains {some([name for name, _ in self.parts])}"
        model = f", {self._model}" if self._model else ""
        return f"{self.chain.id} chain {self.chain.chain_id}{model}"

    @property
    def short_title(self) -> str:
        """What was traced, in front of a residue: ``1UBI A``, of several models with its number."""
        if self.parts:  # a residue's label has the chain
            return str(self.chain.id)
        return " ".join(filter(None, [self.chain.id, self.chain.chain_id, self._model]))

    @property
    def _model(self) -> str:
        reading = reading_of(self.chain)
        return f"{reading.kind} {reading.model}" if reading and reading.n_models > 1 else ""

    @property
    def source(self) -> str:
        """What was traced and by which encoder, for the second line of a picture's title."""
        return f"{self.title}; encoder: {self.encoder_info.title}"

    @cached_property
    def labels(self) -> list[str]:
        """Each residue's number and insertion code as in the file, such as ``57`` or ``57A``.

        Of a complex ``B:57``; between two chains ``|``.
        """
        return residue_labels(self.chain)

    @cached_property
    def parts(self) -> list[tuple[str, slice]]:
        """Of a complex, id and rows of each chain; of one chain empty."""
        return parts_of(self.chain)

    @cached_property
    def chain_ids(self) -> np.ndarray:
        """Whose each residue is, shape=(L,), dtype=str; "" between two chains of a complex."""
        return ids_of_residues(self.chain)

    @cached_property
    def breaks(self) -> np.ndarray:
        """Rows that are no residue but stand between two chains of a complex, shape=(L,)."""
        found = np.full(len(self.chain.sequence), bool(self.parts))
        for _, rows in self.parts:
            found[rows] = False
        return found

    def index_of(self, residue: int | str) -> int:
        """Find a residue.

        Parameters
        ----------
        residue : int or str
            A 0-based index, or the residue number (and insertion code) as a string.

        Returns
        -------
        int
            The 0-based index.

        Raises
        ------
        TraceError
            If the chain has no such residue.
        """
        return find_residue(self.labels, residue, self.title)
