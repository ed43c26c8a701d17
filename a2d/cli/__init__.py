"""The command line: a sub-command per stage, for single runs and for whole studies.

Heavy libraries are imported inside the commands, so that help and planning start at once.
"""

from a2d.cli import cards, distill, runs, agents, studies, teachers  # isort: skip  # register in this order
from a2d.cli.app import app, main

__all__ = ["agents", "app", "cards", "distill", "main", "runs", "studies", "teachers"]
