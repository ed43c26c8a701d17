"""Standard output and standard error, which may be closed, broken, full or plain ASCII."""

from __future__ import annotations

import codecs
import os
import signal
import sys
from contextlib import suppress
from io import TextIOWrapper

OUTPUT, ERROR = 1, 2  # the numbers of their files
CLOSED_PIPE = 128 + signal.SIGPIPE  # how a program ends whose reader has left, such as `head`
PLAIN = {"×": "x", "·": "*", "–": "-", "—": "--", "…": "...", "≤": "<=", "≥": ">="}
PLAIN |= {"λ": "lambda", "α": "alpha", "β": "beta", "γ": "gamma"}


def _plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what an encoding does not know in letters that it does, or else by its code."""
    assert isinstance(error, UnicodeEncodeError)
    unknown = error.object[error.start : error.end]
    letters = (
        PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode()
        for letter in unknown
    )
    return "".join(letters), error.end


codecs.register_error("plain", _plainly)


def prepare_streams() -> None:
    """Make both streams ones that can be written to.

    A file opened later must not get the number of a closed one: what native code tells would be
    written into it.
    """
    null = os.open(os.devnull, os.O_RDWR)
    while (
        null <= ERROR
    ):  # the lowest free number, so that it has just taken the place of a closed one
        os.set_inheritable(null, True)
        null = os.open(os.devnull, os.O_RDWR)
    os.close(null)
    for name, number in (("stdout", OUTPUT), ("stderr", ERROR)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="plain")


def say(message: str) -> None:
    """Tell a person something on standard error; where nobody can hear it, the work goes on."""
    with suppress(OSError, ValueError):  # broken, full; closed
        if sys.stderr is not None:
            print(f"a2d: {message}", file=sys.stderr, flush=True)


def finish(status: int) -> int:
    """Write what standard output still holds; return the exit status, which is another one where that fails."""
    try:
        sys.stdout.flush()
    except OSError as error:
        broken = isinstance(error, BrokenPipeError)
        if not broken and status == 0:  # or it has been told
            say(f"standard output: {error.strerror}")
        with suppress(OSError):  # or Python would try again, and complain
            os.dup2(os.open(os.devnull, os.O_WRONLY), OUTPUT)
        return CLOSED_PIPE if broken else 1
    return status
