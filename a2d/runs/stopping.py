"""Requests to stop (SIGTERM, Ctrl-C, a closed terminal): one line, and exit status 128 + signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from a2d.errors import Stopped

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], None]


@contextmanager
def answering(handler: Handler) -> Iterator[None]:
    """Give the first request to ``handler``; later ones are answered as they were outside.

    A signal that this process was started to ignore (``nohup``, a shell's ``&``) stays ignored.
    Outside the main thread nothing is changed: its owner answers signals.
    """
    previous: dict[int, Any] = {}

    def first(number: int, frame: FrameType | None) -> None:
        restore()
        handler(number, frame)

    def restore() -> None:
        while previous:
            signal.signal(*previous.popitem())

    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                previous[number] = signal.signal(number, first)
    try:
        yield
    finally:
        restore()


@contextmanager
def stoppable(message: str) -> Iterator[None]:
    """Raise Stopped, with this message, wherever a request finds the code inside.

    What the exception interrupts may turn it into another one (imports written in C do); that is
    Stopped all the same.
    """
    asked = 0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = number
        raise Stopped(message, number)

    with answering(stop):
        try:
            yield
        except Stopped:
            raise
        except BaseException as error:
            if asked:
                raise Stopped(message, asked) from error
            raise
