"""`open_atlas`: what codes mean, and where they occur."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds

from esm_explore.arguments import as_path, check_kind
from esm_explore.atlas.asking import chosen_rows, nearest_rows, run_sql
from esm_explore.atlas.found_runs import FoundRuns
from esm_explore.atlas.index_files import LatentIndex, open_index
from esm_explore.atlas.indexing import make_index
from esm_explore.atlas.opening import SHIPPED, part_files
from esm_explore.atlas.runs import find_run
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

        Where the atlas has an index (`build_index`), it is asked: it finds at least 98 % of those
        that are nearest. Without one, and for more than 100, all residues are compared; memory does
        not grow with them. Latents are stored as float16.

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

        Warns
        -----
        ChainWarning
            Once, that an index is there and is not used: broken, or of another atlas.
        """
        parts, encoder = self._with_residues(), self.manifest["encoder"]
        return nearest_rows(parts, encoder, trace, residue, k, lambda: self._index)

    def find_run(self, trace: Trace, first: int | str, last: int | str, k: int = 20) -> FoundRuns:
        """Find where else a piece of a chain occurs: runs whose latents follow those of a trace.

        All runs of as many bonded residues with backbone frames are compared, by the distances of
        their latents, summed; memory does not grow with them. Of runs that share residues the
        nearest is taken. The query's own place in the atlas is left out.

        Parameters
        ----------
        trace : Trace
            Of the atlas's encoder.
        first, last : int or str
            Residues of the trace, both included: a 0-based index, or number and insertion code as
            text.
        k : int

        Returns
        -------
        FoundRuns
            Nearest first, with the RMSD of the backbones, superposed; `ex.plots.view_runs` shows
            them.

        Raises
        ------
        AtlasError
            If the atlas holds no residues or no run as long, or is of another encoder.
        TraceError
            If it is no trace, there are no such residues, or they have gaps or lack backbone
            frames.
        """
        parts, encoder = self._with_residues(), self.manifest["encoder"]
        return find_run(parts, encoder, trace, first, last, k)

    def build_index(self, *, progress: bool | None = None) -> dict:
        """Make an index of latents, so that `neighbors` need not compare all residues.

        Large atlases get one when they are built, if usearch is installed: ``pip install
        "esm_explore[atlas]"``. It lies in the atlas's folder. One that is there is replaced when
        the new one is complete.

        Parameters
        ----------
        progress : bool, optional
            Show residues done, their rate and the time left; by default where a terminal shows it.

        Returns
        -------
        dict
            What its manifest says: residues, files, and recall, the share of the 20 and the 100
            nearest that it finds, on a sample, against exact search. Below 0.98 it is not asked.

        Raises
        ------
        AtlasError
            If the atlas holds no residues, usearch is not installed, or it cannot be written.
        """
        check_kind(progress, bool | None, "progress", "True, False or None")
        about = make_index(self.path, self._with_residues(), progress)
        self.__dict__.pop("_index", None)
        return about

    @cached_property
    def _index(self) -> LatentIndex | None:
        return open_index(self.path, self._parts)

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
