"""`open_atlas`: what codes mean, and where they occur."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds

from esm_explore.arguments import as_path, not_among
from esm_explore.atlas.asking import chosen_rows, nearest_rows, run_sql
from esm_explore.atlas.cards import Card, card_of, categories_frame
from esm_explore.atlas.opening import SHIPPED, part_files, read_codes, read_manifest
from esm_explore.atlas.statistics import KINDS, enrichment
from esm_explore.errors import AtlasError
from esm_explore.tracing.traces import Trace

_Q = 0.05


def open_atlas(path: object = None) -> Atlas:
    """Open an atlas.

    Parameters
    ----------
    path : str or path, optional
        The folder that `build_atlas` wrote. Without it, the one that is bundled: the codes of
        mini, without residues.

    Returns
    -------
    Atlas

    Raises
    ------
    AtlasError
        If it is no atlas, is not complete, is of another version, or lacks a file.
    TraceError
        If it is no path.

    Examples
    --------
    >>> atlas = open_atlas()
    >>> atlas.code(1234).count > 0
    True
    """
    return Atlas(SHIPPED if path is None else as_path(path))


class Atlas:
    """What is known of each code of an encoder, and all residues that it was found with.

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
        self._parts = part_files(path, self.manifest)
        self._categories = self.manifest["categories"]

    def __repr__(self) -> str:
        counts, used = self.manifest["counts"], int((self.codes["count"] > 0).sum())
        return (
            f"Atlas of {counts['chains']:,} chains, {counts['residues']:,} residues, "
            f"{used} of {len(self._codes)} codes; encoder: {self.manifest['encoder']['title']}"
        )

    @cached_property
    def codes(self) -> pd.DataFrame:
        """One row a code: token, count, chains, share with its interval, margin, description."""
        names = ("token", "count", "chains", "share", "share_low", "share_high", "margin")
        return self._codes.select([*names, "description"]).to_pandas()

    @cached_property
    def _compared(self) -> dict[str, tuple[np.ndarray, ...]]:
        """Counts of categories, by kind, with share, ratio and q of each code."""
        found = {}
        for kind in KINDS:
            counts = np.array(self._codes[kind].to_pylist())
            background = np.array(self.manifest["background"][kind])
            found[kind] = counts, *enrichment(counts, background)
        return found

    def code(self, code: int) -> Card:
        """Give the card of a code.

        Raises
        ------
        AtlasError
            If there is no such code.
        """
        self._check_code(code)
        row = self._codes.slice(int(code), 1).to_pylist()[0]
        frame = categories_frame(int(code), self.manifest, self._compared)
        return card_of(row, self.manifest["encoder"]["title"], frame)

    def codes_where(
        self,
        *,
        ss: str | None = None,
        amino_acid: str | None = None,
        ramachandran: str | None = None,
        burial: str | None = None,
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
        given = {"ss": ss, "amino_acid": amino_acid, "ramachandran": ramachandran, "burial": burial}
        wanted = {kind: value for kind, value in given.items() if value is not None}
        if not wanted:
            raise AtlasError(f"Say what codes should have more of: {', '.join(given)}.")
        found = self.codes[["token", "count", "description"]].assign(enrichment=1.0)
        kept = np.ones(len(found), bool)
        for kind, value in wanted.items():
            self._check(kind, value)
            i = self._categories[kind].index(value)
            _, share, ratio, q = (table[:, i] for table in self._compared[kind])
            kept &= (q < _Q) & (ratio > 1)
            found = found.assign(**{kind: share, f"{kind}_q": q})
            found["enrichment"] *= ratio
        found = found[kept].sort_values("enrichment", ascending=False, kind="stable")
        return found.reset_index(drop=True)

    def residues(
        self, *, token: int | None = None, ss: str | None = None, amino_acid: str | None = None
    ) -> pd.DataFrame:
        """List residues with a backbone frame, in the order they were built from.

        Parameters
        ----------
        token : int, optional
        ss : str, optional
            DSSP's letter, C for coil.
        amino_acid : str, optional
            One letter.

        Returns
        -------
        DataFrame
            The columns of the residues table that are one value each.

        Raises
        ------
        AtlasError
            If the atlas holds no residues, or there is no such code or category.
        """
        wanted = ds.field("has_frame")
        if token is not None:
            self._check_code(token)
            wanted &= ds.field("token") == int(token)
        for kind, value in (("ss", ss), ("amino_acid", amino_acid)):
            if value is not None:
                self._check(kind, value)
                wanted &= ds.field(kind) == value
        return chosen_rows(self._with_residues(), wanted)

    def neighbors(self, trace: Trace, residue: int | str, k: int = 20) -> pd.DataFrame:
        """Find the residues whose latents are nearest to one of a trace.

        All are compared; memory does not grow with them. Latents are stored as float16.

        Parameters
        ----------
        trace : Trace
            Of the atlas's encoder.
        residue : int or str
            Its 0-based index, or its number and insertion code as text.
        k : int

        Returns
        -------
        DataFrame
            As `residues`, nearest first, with distance. The residue itself is among them where its
            chain is in the atlas.

        Raises
        ------
        AtlasError
            If the atlas holds no residues, or is of another encoder.
        TraceError
            If it is no trace, or there is no such residue, or it has no backbone frame.
        """
        return nearest_rows(self._with_residues(), self.manifest["encoder"], trace, residue, k)

    def sql(self, query: str) -> pd.DataFrame:
        """Ask in SQL: tables are residues and codes.

        Needs DuckDB, ``pip install "esm_explore[atlas]"``.

        Raises
        ------
        AtlasError
            If DuckDB is not installed, or refuses the query.
        """
        return run_sql(query, self.path, self._parts)

    def _with_residues(self) -> list[Path]:
        if not self._parts:
            raise AtlasError(
                f"{self.path} holds codes alone, no residues: build an atlas of structures, with "
                "build_atlas or esm-explore atlas build."
            )
        return self._parts

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
