"""One workflow at a time trains into a study's folders.

Snakemake deletes what a job is about to write, even what another workflow has finished since.
"""

from __future__ import annotations

import fcntl
import tempfile
from pathlib import Path
from typing import TextIO

from a2d.errors import A2DError
from a2d.study.workspace import Workspace

LOCK = ".workflow.lock"


def check_writable(folder: Path, remedy: str) -> None:
    """Raise A2DError, with what to do instead, where no file can be made in a folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise A2DError(f"{folder}: cannot be written to ({reason}). {remedy}") from error


def lock_folders(files: Workspace) -> TextIO:
    """Keep other workflows out of a study's folders.

    Returns:
        The open file that holds the lock; the system releases it when the process ends, however
        that ends.

    Raises:
        A2DError: another workflow is at work there.
    """
    lock = (files.runs / LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise A2DError(
            f"another workflow trains into {files.results}; "
            "wait for it to end, or add --config only=recorded"
        ) from error
    return lock
