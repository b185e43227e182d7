"""What leaves this program: files, whole or not at all, and text that a terminal can show."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from esm_explore.errors import TraceError

# Folders of results that are being written begin so: hidden, and of nobody else.
UNFINISHED = ".partial-esm_explore-"
_LOCK, _OLD = "lock", "old"
_LONGEST = 200
_NO_LOCK = (Timeout, OSError, NotImplementedError)


def printable(text: str) -> str:
    r"""Write a text on one line, with escapes for all that would not be shown as it is.

    Names of files need not be UTF-8, and these, as ids of chains, can hold what steers a terminal.

    Examples
    --------
    >>> print(printable("chain \x1b[2J"))
    chain \x1b[2J
    """
    # Bytes of a name that are no UTF-8; other halves of a pair are escaped below.
    with suppress(UnicodeEncodeError):
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """Give a folder beside a target to write into, which is gone afterwards.

    What processes left that were killed while they wrote beside this target is cleared away
    first. Within, `put` moves the result to its place.

    Parameters
    ----------
    target : Path

    Yields
    ------
    Path
        On the target's file system; nobody else writes there.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    clear_unfinished(target.parent)
    folder, lock = _locked_folder(target.parent)
    try:
        yield folder
    finally:
        _restore(folder)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def put(new: Path, target: Path) -> None:
    """Move what is complete, in a folder of `unfinished`, into the target's place, in one step.

    Parameters
    ----------
    new : Path
        A file, or a folder.
    target : Path
        Is replaced. A folder that is not empty can only be replaced in two steps: where it breaks
        off between them, the old one is put back, if need be by the next who writes there.

    Raises
    ------
    OSError
        If it cannot be moved; the target is as it was.
    """
    if target.is_dir():
        old = new.parent / _OLD
        old.mkdir()
        target.rename(old / target.name)
    new.replace(target)


def clear_unfinished(folder: Path) -> None:
    """Take away what killed processes left in a folder; what is being written stays."""
    for left in folder.glob(f"{UNFINISHED}*"):
        if left.is_symlink() or not left.is_dir():
            continue
        lock = FileLock(left / _LOCK, timeout=0)
        try:
            lock.acquire()
        except _NO_LOCK:
            continue
        _restore(left)
        shutil.rmtree(left, ignore_errors=True)
        lock.release()


def is_among(target: Path, inputs: Iterable[Path]) -> bool:
    """Tell whether a target, or a file in it, is one of some files, under whatever name.

    Parameters
    ----------
    target : Path
        A file, a folder, or nothing yet.
    inputs : iterable of Path
        Those that are not there are none.

    Returns
    -------
    bool
    """
    own = {target, *target.rglob("*")} if target.is_dir() else {target}
    identities = {_identity(path) for path in own} - {None}
    return any(_identity(path) in identities for path in inputs)


def is_there(path: Path) -> bool:
    """Say whether a file is there.

    Raises
    ------
    TraceError
        If it is a directory, pipe or device, or no path.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise TraceError(f"{shown(path)} is not the path of a file: {said(error)}.") from error
    if not stat.S_ISREG(mode):
        kind = "directory" if stat.S_ISDIR(mode) else "pipe, socket or device"
        raise TraceError(f"{shown(path)} is a {kind}, not a file.")
    return True


def shown(path: Path) -> str:
    """Write a path in messages: on one line, and not longer than one can read."""
    text = printable(str(path))
    return text if len(text) <= _LONGEST else f"{text[:60]}...{text[-60:]}"


def said(error: Exception) -> str:
    """Say what went wrong without the path, which the system's errors name, too."""
    return getattr(error, "strerror", None) or str(error)


def write_own(
    path: Path,
    is_ours: Callable[[Path], bool],
    write: Callable[[Path], object],
    failures: tuple[type[Exception], ...] = (OSError, ValueError),
) -> None:
    """Write a file in one step, in the place of none or of one of this program.

    Parameters
    ----------
    path : Path
    is_ours : callable
        Says whether the file that is there is one of this program.
    write : callable
        Writes to the path that it is given.
    failures : tuple of exception types
        What `write` raises where it cannot.

    Raises
    ------
    TraceError
        If the file cannot be written, or what is there is no file, or not of this program.
    """
    check_own(path, is_ours)
    try:
        # Where a link leads is written to, and the link stays.
        target = path.resolve()
        with unfinished(target) as folder:
            part = folder / target.name
            write(part)
            put(part, target)
    except failures as error:
        raise TraceError(f"{shown(path)} could not be written ({said(error)}).") from error


def check_own(path: Path, is_ours: Callable[[Path], bool]) -> None:
    """Refuse a place that `write_own` will not write to, before there is anything to write.

    Raises
    ------
    TraceError
        If what is there is no file, or not of this program, or there is no such folder.
    """
    if is_there(path) and not is_ours(path):
        raise TraceError(
            f"{shown(path)} is not of this program and stays: give another name, or delete it."
        )
    if not path.resolve().parent.is_dir():
        raise TraceError(f"{shown(path)} could not be written (No such file or directory).")


def is_special(path: Path) -> bool:
    """Tell whether something is there that is neither a file nor a folder: a pipe, a device."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell a file from all others, whatever names it has; links and cases of letters too."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _locked_folder(parent: Path) -> tuple[Path, FileLock]:
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=UNFINISHED))
        lock = FileLock(folder / _LOCK, timeout=0)
        try:
            lock.acquire()
        except (Timeout, FileNotFoundError, FileExistsError):
            # Another took it for what was left, before it was locked. "Exists" is what filelock
            # says, which makes folders, where it is taken away meanwhile.
            continue
        except (NotImplementedError, OSError):
            return folder, lock  # a file system without locks: nobody clears there
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if folder.exists():
            return folder, lock


def _restore(folder: Path) -> None:
    """Put an old result back, where the new one did not come to its place."""
    for old in (folder / _OLD).glob("*"):
        target = folder.parent / old.name
        if not os.path.lexists(target):
            old.rename(target)
