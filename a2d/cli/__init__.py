"""The command line: a sub-command per stage, for single runs and for whole studies.

Heavy libraries are imported inside the commands, so that help and planning start at once.
"""

from a2d.cli import cards, runs, agents, studies, teachers, bench  # isort: skip  # register in this order
from a2d.cli.app import app, main

__all__ = ["agents", "app", "bench", "cards", "main", "runs", "studies", "teachers"]
