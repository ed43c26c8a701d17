"""Rendering of tables, figures and the page: what the scripts in the two folders share.

Nothing here computes a statistic of its own, trains or imports torch. Read ``artifacts`` for which
runs each shows, ``command`` for how a script runs, ``style`` and ``figures`` or ``tables`` for how things
look.
"""
