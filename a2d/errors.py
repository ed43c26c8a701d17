"""The one exception that people are meant to read."""


class A2DError(Exception):
    """Something a person can mend: what was wrong, where (file, key, value) and what to do.

    The command line prints it as a single message without a traceback.
    """
