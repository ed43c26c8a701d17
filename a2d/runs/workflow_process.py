"""Whether the process that asked for a run is still alive, as far as this machine can know."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from a2d.errors import A2DError

WORKFLOW_VARIABLE = "A2D_WORKFLOW_PROCESS"
# Of what follows the command's name in /proc/PID/stat.
STATE, START = 0, 19


def name_process(process: int) -> str:
    """Name a process as PID:START@PLACE, which means no other process.

    A number alone means another one in another container or on another machine, and on this one
    later.
    """
    return f"{process}:{_start(process)}@{_place()}"


def is_gone(name: str) -> bool:
    """Whether the process of this name has ended. Of one elsewhere nothing is known, so it has not.

    Raises:
        A2DError: ``name_process`` gives no such name.
    """
    parts = re.fullmatch(r"(\d+):(\d*)@(.+)", name)
    if parts is None:
        raise A2DError(
            f"{WORKFLOW_VARIABLE}={name}: should name a process as the workflow does; unset it"
        )
    if parts[3] != _place():
        return False
    try:
        with suppress(PermissionError):
            os.kill(int(parts[1]), 0)
    except ProcessLookupError:
        return True
    return _start(int(parts[1])) != parts[2]


def _place() -> str:
    """Return where process numbers are valid: a machine and, on Linux, a namespace on it."""
    place = os.uname().nodename
    if sys.platform == "linux":
        place += str(Path("/proc/self/ns/pid").readlink())
    return place


def _start(process: int) -> str:
    """Return when a process started, in ticks; '' if it has ended, or where there is no /proc."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    # One that has ended is still listed, as a zombie, until its parent asks how.
    if fields[STATE] == "Z":
        return ""
    return fields[START]
