"""An atlas or a table being written: whole or not at all, or kept where it breaks off."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from esm_explore.atlas.schema import VERSION
from esm_explore.atlas.writing import (
    BUILDING,
    CODES_FILE,
    FAMILIES_FILE,
    MANIFEST,
    RESIDUES_FOLDER,
    is_table,
)
from esm_explore.errors import AtlasError
from esm_explore.findings import some
from esm_explore.outputs import put, unfinished

_NEW, _LOCK, _BUILDER, _PLAN = "new", "lock", "builder.json", "plan.json"
_STATE = b"esm_explore.part"


class Output:
    """A file of rows, a group a part, or an atlas, a file a part.

    Parameters
    ----------
    out : Path
        As `check_out` gave it. Where nothing is finished, what is there stays.
    schema : Schema
        Columns of the residues, with what a file says of itself.
    check : callable
        Gives, at the end, the path once more: something may have come there in the meantime.
    plan : dict, optional
        What decides about the rows. With it, parts are kept in the folder where it breaks off, and
        are there when an output with the same plan is opened.

    Attributes
    ----------
    done : list of dict
        The states of the parts that are there, in order.

    Raises
    ------
    AtlasError
        If it cannot be written, another process builds there, or something else broke off there.
    """

    def __init__(
        self, out: Path, schema: pa.Schema, check: Callable[[], Path], plan: dict | None = None
    ):
        self._out, self._schema, self._check, self._plan = out, schema, check, plan
        self._stack = ExitStack()
        self._writer: pq.ParquetWriter | None = None
        self.done: list[dict] = []

    def __enter__(self) -> Output:
        kept = self._plan is not None
        with _errors(self._out):
            where = _kept(self._out, self._plan) if kept else unfinished(self._out)
            self._folder = self._stack.enter_context(where)
            self._new = self._folder / _NEW
            if is_table(self._out):
                return self
            (self._new / RESIDUES_FOLDER).mkdir(parents=True, exist_ok=True)
            self.done = list(_states(self._new)) if kept else []
        return self

    def __exit__(self, *error: object) -> None:
        with _errors(self._out):
            try:
                # Closing it writes, which a full disk does not let.
                if self._writer is not None and error[0] is None:
                    self._writer.close()
            finally:
                self._stack.close()

    def write(self, table: pa.Table, state: dict) -> None:
        """Write rows; `state` says how far they go, as JSON has it."""
        with _errors(self._out):
            if is_table(self._out):
                if self._writer is None:
                    self._writer = pq.ParquetWriter(self._new, self._schema, compression="zstd")
                self._writer.write_table(table)
                return
            marked = table.cast(self._schema).replace_schema_metadata(
                {**self._schema.metadata, _STATE: json.dumps(state)}
            )
            # A part is there whole or not at all.
            part = self._folder / "part"
            pq.write_table(marked, part, compression="zstd")
            os.replace(part, _part(self._new, len(self.done)))
            self.done.append(state)

    def finish(
        self, manifest: dict, codes: Callable[[list[Path]], tuple[pa.Table, pa.Table, dict]]
    ) -> None:
        """Complete it, and move it to its place.

        Parameters
        ----------
        manifest : dict
            What an atlas says of itself.
        codes : callable
            Makes the tables of codes and of families from the parts, and what the manifest says of
            them.
        """
        with _errors(self._out):
            if self._writer is not None:
                self._writer.close()
                self._writer = None
                put(self._new, self._check())
                return
            parts = [_part(self._new, i) for i in range(len(self.done))]
            *tables, about = codes(parts)
            for name, table in zip((CODES_FILE, FAMILIES_FILE), tables, strict=True):
                file = self._new / name
                file.parent.mkdir(exist_ok=True)
                pq.write_table(table, file, compression="zstd")
            names = {part.name: state["rows"] for part, state in zip(parts, self.done, strict=True)}
            text = json.dumps({**manifest, "parts": names, **about}, indent=1, ensure_ascii=False)
            (self._new / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
            if self._plan is None:
                put(self._new, self._check())
                return
            # What is in a folder cannot take the folder's place.
            target = self._check()
            with unfinished(target) as beside:
                self._new.rename(beside / _NEW)
                put(beside / _NEW, target)


@contextmanager
def _errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AtlasError(f"{out} could not be written ({error}).") from error


def _part(folder: Path, i: int) -> Path:
    return folder / RESIDUES_FOLDER / f"part-{i:05d}.parquet"


def _states(folder: Path) -> Iterator[dict]:
    """Read how far parts go; takes away what comes after one that is missing or broken."""
    for i in count():
        try:
            found = pq.read_metadata(_part(folder, i))
            state = json.loads(found.metadata[_STATE])
        except (OSError, pa.ArrowException, KeyError, ValueError):
            break
        yield state
    for path in (folder / RESIDUES_FOLDER).iterdir():
        if path.name >= _part(folder, i).name:
            path.unlink()


@contextmanager
def _kept(out: Path, plan: dict) -> Iterator[Path]:
    """Give the folder, in an atlas, whose parts stay where a build breaks off; locked."""
    was_there = out.exists()
    folder = out / BUILDING
    folder.mkdir(parents=True, exist_ok=True)
    # The system frees it when its process ends, however that happens.
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise AtlasError(_busy(out, folder)) from error
    try:
        builder = {
            **{"pid": os.getpid(), "host": socket.gethostname()},
            "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        }
        (folder / _BUILDER).write_text(json.dumps(builder))
        _check_plan(out, folder, {**plan, "version": VERSION})
        yield folder
    finally:
        lock.release()
        if folder.exists() and not _part(folder / _NEW, 0).exists():
            shutil.rmtree(folder)
            if not was_there:
                out.rmdir()


def _busy(out: Path, folder: Path) -> str:
    try:
        by = json.loads((folder / _BUILDER).read_text())
        who = f"process {by['pid']} on {by['host']}, since {by['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{out} is being built by {who}: wait for it, end it, or give another folder."


def _check_plan(out: Path, folder: Path, plan: dict) -> None:
    """Refuse to go on with something else; where nothing was done there is nothing to lose."""
    file = folder / _PLAN
    if _part(folder / _NEW, 0).exists():
        try:
            before = json.loads(file.read_text())
        except (OSError, ValueError):
            before = {}
        other = [name for name in plan if before.get(name) != plan[name]]
        if other:
            raise AtlasError(
                f"{out} holds a build that broke off, with other {some(other)}: give what it "
                f"began with, or delete {folder}."
            )
    file.write_text(json.dumps(plan))
