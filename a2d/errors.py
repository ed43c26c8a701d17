"""What can go wrong and is expected to."""


class A2DError(Exception):
    """Something a person can fix: what was wrong, where (file, key, value) and what to do.

    The command line prints it as a single message without a traceback.
    """


class Diverged(Exception):
    """A number stopped being finite: observation, reward, network output, loss or gradient."""

    steps = 0  # environment steps of the episodes that it ended, where somebody counts them


class Stopped(BaseException):
    """The command was asked to stop. No ``Exception``, which an environment might catch.

    Args:
        message: how far it is, and how to continue.
        signal: what asked, a number of ``signal``.
    """

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


def nearest(number: int, step: int) -> str:
    """Return the nearest multiples of ``step``, lower and higher, for an error to name."""
    lower = number - number % step
    if lower <= 0:
        return f"{step:,}"
    return f"{lower:,} or {lower + step:,}"
