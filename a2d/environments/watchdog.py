"""Ends the call of an environment that hangs or fails, by an error that names the place."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType

from a2d.console import say
from a2d.errors import A2DError

LATE = 1.0  # seconds by which a timer's signal is late only where the process was stopped


class _Hangs(BaseException):
    """The time is over. No ``Exception``, which an environment might catch."""


class Watchdog:
    """A context for one call of an environment's code; it takes 5 µs.

    The time limit is a timer's signal: it ends Python code and calls that wait, but not native code
    that computes without returning. Code that catches the interruption is given as long again; then
    the process ends. A process that was stopped (Ctrl-Z) has its time again: its timer ran on, and
    the signal comes late. Outside the main thread there is no limit.

    Args:
        seconds: the call may take.
        locate: names the task and the current step, for errors.
    """

    __slots__ = ("_interrupted", "_locate", "_previous", "_seconds", "_since")

    def __init__(self, seconds: float, locate: Callable[[], str]) -> None:
        self._seconds = seconds
        self._locate = locate
        self._interrupted = False
        self._since = 0.0

    def __enter__(self) -> None:
        self._previous = None
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGALRM, self._interrupt)
            self._start()

    def _start(self) -> None:
        self._since = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, self._seconds, self._seconds)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() - self._since > self._seconds + LATE:
            self._start()
            return
        if self._interrupted:
            say(f"{self._locate()}: the environment hangs, and catches what should end it")
            os._exit(1)
        self._interrupted = True
        self._since = time.monotonic()
        raise _Hangs

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._previous)
        if isinstance(error, A2DError) or not isinstance(error, (Exception, SystemExit, _Hangs)):
            return
        frames = traceback.extract_tb(trace)
        problem = f"fails with {type(error).__name__}: {error}"
        if isinstance(error, _Hangs):
            del frames[-1]  # the interruption itself
            problem = f"hangs for more than {self._seconds:g} s (the card's step_limit_s)"
        place = f"{frames[-1].filename}:{frames[-1].lineno}"
        raise A2DError(f"{self._locate()}: the environment {problem}, at {place}") from error
