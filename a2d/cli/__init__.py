"""The command line: a sub-command per stage, for single runs and for whole studies.

Heavy libraries are imported inside the commands, so that help and planning start at once.
"""

# In the order in which help lists their commands.
from a2d.cli import cards, distill, runs, agents, studies, teachers, bench  # isort: skip
from a2d.cli.app import app, main

__all__ = ["agents", "app", "bench", "cards", "distill", "main", "runs", "studies", "teachers"]
