"""Jobs side by side, each in a process of its own, which saves its state when it is stopped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from a2d.console import ERROR, OUTPUT, say
from a2d.distill.plan import Job
from a2d.distill.runs import perform
from a2d.distill.sources import RUNS
from a2d.errors import A2DError, Stopped
from a2d.runs.stopping import stoppable

LOG = "log.txt"
POLL_S = 0.5
PATIENCE_S = 60.0  # for a process to save its state


class Active(NamedTuple):
    """A job under way: its process, where its failure is told, and since when."""

    process: BaseProcess
    failure: Connection
    started: float


class Crew:
    """Does jobs side by side, none before those that it needs.

    Args:
        out: the folder of all runs.
        cores: how many jobs at once.
        watch: called every half second.
    """

    def __init__(self, out: Path, cores: int, watch: Callable[[], None]) -> None:
        self.out, self.cores, self.watch = out, cores, watch
        self.active: dict[str, Active] = {}
        self.spent: dict[str, float] = {}  # seconds of what has ended here, by name

    def running(self) -> dict[str, float]:
        """Return the seconds since each job under way has started."""
        now = time.monotonic()
        return {name: now - each.started for name, each in self.active.items()}

    def work(self, jobs: list[Job]) -> None:
        """Do these jobs, in order where they do not wait for each other.

        Raises:
            A2DError: one failed. The others have saved their states.
            Stopped: likewise.
        """
        waiting = list(jobs)
        names = {job.name for job in jobs}
        try:
            while waiting or self.active:
                for job in list(waiting):
                    needed = names.intersection(job.after) - self.spent.keys()
                    if len(self.active) < self.cores and not needed:
                        waiting.remove(job)
                        self._start(job)
                wait([each.process.sentinel for each in self.active.values()], POLL_S)
                self._collect()
                self.watch()
        finally:
            self._stop()

    def _start(self, job: Job) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
        receiver, sender = context.Pipe(duplex=False)
        folder = self.out / RUNS / job.name
        folder.mkdir(parents=True, exist_ok=True)
        process = context.Process(target=_child, args=(self.out, job.name, sender), name=job.name)
        process.start()
        sender.close()
        self.active[job.name] = Active(process, receiver, time.monotonic())

    def _collect(self) -> None:
        for name, each in list(self.active.items()):
            if each.process.is_alive():
                continue
            each.process.join()
            del self.active[name]
            if each.process.exitcode:
                reason = _told(each.failure) or self._died(name, each.process.exitcode)
                raise A2DError(f"{name}: {reason}")
            self.spent[name] = time.monotonic() - each.started

    def _died(self, name: str, code: int) -> str:
        """Say how a process ended that has told nothing, and where to look."""
        how = f"exit status {code}" if code > 0 else signal.strsignal(-code)
        log = self.out / RUNS / name / LOG
        return f"its process died ({how}); see {log}; the same command resumes"

    def _stop(self) -> None:
        """Let what is under way save its state and end."""
        for each in self.active.values():
            each.process.terminate()
        for each in self.active.values():
            each.process.join(PATIENCE_S)
            each.process.kill()
        self.active.clear()


def _told(failure: Connection) -> str | None:
    """Return what a process that has ended told of its failure; None if it told nothing."""
    try:
        return str(failure.recv()) if failure.poll() else None
    except EOFError:  # which looks like a message until it is read
        return None


def _child(out: Path, name: str, failure: Connection) -> None:
    """Do one job, its output in a log; tell a failure to the parent."""
    os.setpgid(0, 0)  # Ctrl-C is the parent's, which stops this process once
    threading.Thread(target=_end_with_parent, daemon=True).start()
    log = (out / RUNS / name / LOG).open("a", encoding="utf-8")
    for stream in (OUTPUT, ERROR):
        os.dup2(log.fileno(), stream)
    try:
        with stoppable("stopped"):
            perform(out, name)
    except A2DError as error:
        failure.send(str(error))
        sys.exit(1)
    except Stopped as stopped:
        say(str(stopped))
        sys.exit(128 + stopped.signal)


def _end_with_parent() -> None:
    """Stop this process, which saves its state, once the parent has been killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
