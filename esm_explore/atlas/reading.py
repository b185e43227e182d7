"""`open_atlas`: what codes mean, and where they occur."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds

from esm_explore.arguments import as_path
from esm_explore.atlas.asking import check_encoder_of, chosen_rows, nearest_rows, run_sql
from esm_explore.atlas.medoids import BesideMedoid, beside_medoid
from esm_explore.atlas.opening import SHIPPED, part_files
from esm_explore.atlas.table import CodesTable
from esm_explore.errors import AtlasError
from esm_explore.tracing.traces import Trace


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


class Atlas(CodesTable):
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
        super().__init__(path)
        self._parts = part_files(path, self.manifest)

    def __repr__(self) -> str:
        counts, used = self.manifest["counts"], int((self.codes["count"] > 0).sum())
        return (
            f"Atlas of {counts['chains']:,} chains, {counts['residues']:,} residues, "
            f"{used} of {len(self._codes)} codes; encoder: {self.manifest['encoder']['title']}"
        )

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

    def beside_medoid(self, trace: Trace, residue: int | str) -> BesideMedoid:
        """Put a residue beside the medoid of its code, both in their own backbone frame.

        Parameters
        ----------
        trace : Trace
            Of the atlas's encoder.
        residue : int or str
            Its 0-based index, or its number and insertion code as text.

        Returns
        -------
        BesideMedoid

        Raises
        ------
        AtlasError
            If the atlas is of another encoder, or no residue in it has the code.
        TraceError
            If it is no trace, or there is no such residue, or it has no backbone frame.

        Examples
        --------
        >>> import esm_explore as ex
        >>> trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
        >>> ex.open_atlas().beside_medoid(trace, "30").rmsd < 5
        True
        """
        check_encoder_of(trace, self.manifest["encoder"], "beside_medoid")
        return beside_medoid(trace, trace.index_of(residue), self.code)

    def sql(self, query: str) -> pd.DataFrame:
        """Ask in SQL: tables are residues, codes and families.

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
