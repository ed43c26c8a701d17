"""A plugin for pytest-xdist: a worker that dies ends all that it started, so that its run ends.

A worker's end is the end of its pipe, and a child that was forked, not executed, holds that pipe
open: without this, the run would wait for as long as the child lives.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from subprocess import Popen
from typing import Any

import pytest

SECONDS = 0.5  # between two looks


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # in a worker
        os.setpgid(0, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready(node: Any) -> None:
    """Watch a worker from the process that started it."""
    threading.Thread(target=_watch, args=(node.gateway._io.popen,), daemon=True).start()


def _watch(worker: Popen[bytes]) -> None:
    while worker.returncode is None and not _ended(worker.pid):
        time.sleep(SECONDS)
    if worker.returncode is None:
        # Not yet waited for, so that no other process can have its number.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.poll()


def _ended(process: int) -> bool:
    try:
        return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True  # waited for already
