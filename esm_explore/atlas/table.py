"""What an atlas knows of codes: all that is answered by its table of codes alone."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from esm_explore.arguments import not_among
from esm_explore.atlas.cards import Card
from esm_explore.atlas.compared import Compared, codes_with_more, compare_codes
from esm_explore.atlas.crosswalk import Crosswalk, crosswalk_of_codes
from esm_explore.atlas.dealing import card_of, categories_frame
from esm_explore.atlas.opening import read_codes, read_manifest
from esm_explore.atlas.synonyms import clusters_frame, near_frame
from esm_explore.errors import AtlasError


class CodesTable:
    """What is known of each code of an encoder.

    Parameters
    ----------
    path : Path
        A folder.

    Attributes
    ----------
    path : Path
    manifest : dict
        What it says of itself: format, encoder, versions, counts, failures.
    """

    def __init__(self, path: Path):
        self.path, self.manifest = path, read_manifest(path)
        self._codes = read_codes(path)
        self._categories = self.manifest["categories"]

    @cached_property
    def codes(self) -> pd.DataFrame:
        """One row a code: what the table of codes has of it but lists; see docs/atlas.md."""
        names = ("token", "count", "chains", "families", "share", "share_low", "share_high")
        return self._codes.select([*names, "margin", "meaning", "description"]).to_pandas()

    @cached_property
    def _compared(self) -> dict[str, Compared]:
        """Shares of categories, by kind, with ratio, q and interval of each code."""
        weighted, cluster = self._codes["weighted"], self._codes["cluster"]
        found = {}
        for kind in self._categories:
            found[kind] = compare_codes(
                np.array(_field(weighted, kind).to_pylist()),
                np.array(_field(cluster, kind)),
                *(np.array(self.manifest[name][kind]) for name in ("expected", "correlation")),
            )
        return found

    def shares(self, kind: str) -> pd.DataFrame:
        """Give the share of each category of a kind in each code's residues.

        Parameters
        ----------
        kind : str
            As in a card's table: ss, amino_acid, ramachandran, burial, relative_position,
            contact_order, threedi.

        Returns
        -------
        DataFrame
            One row a code, one column a category; a family counts as one chain. NaN for codes of
            fewer than 20 residues.

        Raises
        ------
        AtlasError
            If there is no such kind.
        """
        refusal = not_among("kind", kind, tuple(self._categories))
        if refusal:
            raise AtlasError(refusal)
        return pd.DataFrame(self._compared[kind].share, columns=self._categories[kind])

    def code(self, code: int) -> Card:
        """Give the card of a code.

        Raises
        ------
        AtlasError
            If there is no such code.
        """
        self._check_code(code)
        row = self._codes.slice(int(code), 1).to_pylist()[0]
        frame = categories_frame(row, self.manifest, self._compared)
        return card_of(row, self.manifest["encoder"], frame, self._synonyms_of(row))

    def _synonyms_of(self, row: dict) -> list[int]:
        same = np.flatnonzero(self.codes["meaning"] == row["meaning"])
        return [int(code) for code in same if code != row["token"] and row["meaning"] >= 0]

    def codes_where(
        self,
        *,
        ss: str | None = None,
        amino_acid: str | None = None,
        ramachandran: str | None = None,
        burial: str | None = None,
        relative_position: str | None = None,
        contact_order: str | None = None,
    ) -> pd.DataFrame:
        """Find the codes whose residues are more often of some categories than all residues.

        Parameters
        ----------
        ss : str, optional
            DSSP's letter, C for coil.
        amino_acid : str, optional
            One letter.
        ramachandran : {"alpha", "beta", "left", "other"}, optional
        burial : {"exposed", "middle", "buried"}, optional
        relative_position : str, optional
            What the neighborhood has, such as ``"+4"``, ``"-16 to -9"`` or ``"+33 or more"``.
        contact_order : {"local", "medium", "distant"}, optional

        Returns
        -------
        DataFrame
            One row a code that has more of each category (q < 0.05), ranked by the product of the
            enrichments: token, count, description, enrichment, and of each kind the share and q.

        Raises
        ------
        AtlasError
            If none is given, or there is no such category.
        """
        given = {
            **{"ss": ss, "amino_acid": amino_acid, "ramachandran": ramachandran, "burial": burial},
            **{"relative_position": relative_position, "contact_order": contact_order},
        }
        wanted = {kind: value for kind, value in given.items() if value is not None}
        if not wanted:
            raise AtlasError(f"Say what codes should have more of: {', '.join(given)}.")
        for kind, value in wanted.items():
            self._check(kind, value)
        places = {kind: self._categories[kind].index(value) for kind, value in wanted.items()}
        return codes_with_more(self.codes, self._compared, places)

    def synonyms(self, code: int) -> pd.DataFrame:
        """List the codes near to one in the codebook, and say which mean the same.

        Parameters
        ----------
        code : int

        Returns
        -------
        DataFrame
            One row for each of the ten nearest codes that residues have, nearest first: token,
            distance (in the codebook), divergence (the largest of the Jensen-Shannon divergences
            of secondary structure, phi and psi, burial and amino acid, bits, less what chance
            makes; NaN where one has fewer than 20 residues), exchanged (share of the residues of
            both whose runner-up is the other), synonym and description.

        Raises
        ------
        AtlasError
            If there is no such code.

        Notes
        -----
        Synonyms are each among the other's ten nearest, diverge by at most 0.05 bits, and are
        runner-up of one another in at least 5 % of residues; so are any two codes of a cluster.
        """
        self._check_code(code)
        return near_frame(self._codes, int(code), self.codes)

    def synonym_clusters(self) -> pd.DataFrame:
        """List the clusters of codes that mean the same, largest first.

        Returns
        -------
        DataFrame
            One row a cluster of at least two: meaning (its number, as in `codes`), codes (most
            frequent first), size, count and share (of all), description (of the first).
        """
        return clusters_frame(self.codes)

    @property
    def n_meanings(self) -> int:
        """How many codes that residues have are left where a cluster of synonyms counts once."""
        meaning = self.codes["meaning"]
        return int(meaning[meaning >= 0].nunique())

    def crosswalk(self, alphabet: str, *, symbols: str = "token") -> Crosswalk:
        """Count how often codes meet the letters of another alphabet.

        Parameters
        ----------
        alphabet : {"dssp", "3di"}
            3Di's letters are there if mini3di was installed when the atlas was built.
        symbols : {"token", "3di"}
            Of 3Di there is the count with DSSP, to compare with.

        Returns
        -------
        Crosswalk
            Counts, mutual information and entropies.

        Raises
        ------
        AtlasError
            If there are no such symbols or letters, or they were not known when it was built.

        Examples
        --------
        >>> import esm_explore as ex
        >>> bool(ex.open_atlas().crosswalk("dssp").counts.loc[0].sum() > 0)
        True
        """
        return crosswalk_of_codes(self._codes, self.manifest, alphabet, symbols)

    def _check_code(self, code: object) -> None:
        n = len(self._codes)
        if (
            isinstance(code, bool)
            or not isinstance(code, int | np.integer)
            or not 0 <= int(code) < n
        ):
            raise AtlasError(f"There is no code {code!r}; this encoder has 0 to {n - 1}.")

    def _check(self, kind: str, value: object) -> None:
        refusal = not_among(kind, value, self._categories[kind])
        if refusal:
            raise AtlasError(refusal)


def _field(column: Any, name: str) -> Any:
    return column.combine_chunks().field(name)
