"""What can go wrong and is expected to."""


class A2DError(Exception):
    """Something a person can mend: what was wrong, where (file, key, value) and what to do.

    The command line prints it as a single message without a traceback.
    """


class Diverged(Exception):
    """A number stopped being finite: observation, reward, network output, loss or gradient."""


class Stopped(Exception):
    """The run was asked to stop, and has saved its state.

    Args:
        message: how far it is.
        signal: what asked, a number of ``signal``.
    """

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal
