"""Files that are either whole or absent, and folders that one process at a time works in."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from a2d.console import say
from a2d.errors import A2DError

PARTIAL = ".partial"
LOCK = ".lock"


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, flush it to disk and put it in place.

    Raises:
        A2DError: the disk is full or refuses the file; what was at ``path`` is still there.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL
        )
        os.close(descriptor)
        temporary = Path(name)
        write(temporary)
        _flush(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
        with suppress(OSError):  # some network file systems flush no folders
            _flush(path.parent)
    except OSError as error:
        raise A2DError(
            f"{path}: cannot be written ({error.strerror}); fix that and give the command again"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Put a text in place as a whole; raises as ``write_atomically`` does."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_partial(folder: Path, name: str = "") -> None:
    """Delete what killed processes left half-written in a folder, of the file ``name`` or of all.

    Only a process that works in that folder, or on that file, alone may call it.
    """
    for path in folder.glob(f".{name}*{PARTIAL}"):
        path.unlink(missing_ok=True)


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Work in a folder as the only process that does; wait while another one does.

    The folder is made if it is not there. The system releases the lock of a process that ends,
    however it ends.

    Raises:
        A2DError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise A2DError(
            f"{folder}: cannot be written to ({error.strerror}); name another folder"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{folder}: another process works on this run; waiting for it to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        remove_partial(folder)
        yield


def digest(data: dict[str, Any]) -> str:
    """Return the SHA-256 of plain data; the order of its keys does not matter."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def checksum(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
