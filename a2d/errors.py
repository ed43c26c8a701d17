"""What can go wrong and is expected to."""


class A2DError(Exception):
    """Something a person can mend: what was wrong, where (file, key, value) and what to do.

    The command line prints it as a single message without a traceback.
    """


class Diverged(Exception):
    """A number stopped being finite: observation, reward, network output, loss or gradient."""
