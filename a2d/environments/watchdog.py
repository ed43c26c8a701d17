"""What guards a run against an environment that hangs or fails: both end as an error that says where."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType

from a2d.console import say
from a2d.errors import A2DError


class _Hangs(BaseException):
    """The time is over. No ``Exception``, which an environment might catch."""


class guard:  # a function in use, a class for speed: it costs 5 µs a step
    """A context for one call of an environment's code.

    The limit is that of a clock's signal: it ends Python code and calls that wait, not native code
    that computes for ever without returning. Code that swallows the interruption is given as long
    again; then the process ends. Outside the main thread there is no limit.

    Args:
        seconds: the call may take.
        whereabouts: says which environments, and at which step they are.
    """

    __slots__ = ("_interrupted", "_previous", "_seconds", "_whereabouts")

    def __init__(self, seconds: float, whereabouts: Callable[[], str]) -> None:
        self._seconds = seconds
        self._whereabouts = whereabouts
        self._interrupted = False

    def __enter__(self) -> None:
        self._previous = None
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGALRM, self._interrupt)
            signal.setitimer(signal.ITIMER_REAL, self._seconds, self._seconds)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:
            say(f"{self._whereabouts()}: the environment hangs, and swallows what ends it")
            os._exit(1)
        self._interrupted = True
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
        raise A2DError(f"{self._whereabouts()}: the environment {problem}, at {place}") from error
