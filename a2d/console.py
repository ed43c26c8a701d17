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

    A file opened later must not get the number of a closed one: native code's messages would be
    written into it.
    """
    null = os.open(os.devnull, os.O_RDWR)
    while null <= ERROR:  # it has the lowest free number, hence a closed stream's
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
    """Print a message to standard error; if that fails, the work continues."""
    with suppress(OSError, ValueError):  # broken, full; closed
        if sys.stderr is not None:
            print(f"a2d: {message}", file=sys.stderr, flush=True)


def finish(status: int) -> int:
    """Flush standard output; return the exit status, another one where that fails."""
    try:
        sys.stdout.flush()
    except OSError as error:
        broken = isinstance(error, BrokenPipeError)
        if not broken and status == 0:  # otherwise the reason has been printed
            say(f"standard output: {error.strerror}")
        with suppress(OSError):  # or Python would try again, and complain
            os.dup2(os.open(os.devnull, os.O_WRONLY), OUTPUT)
        if broken:
            return CLOSED_PIPE
        return 1
    return status
