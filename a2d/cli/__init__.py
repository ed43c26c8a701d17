"""The command line: a sub-command per stage, for single runs and for whole studies.

Heavy libraries are imported inside the commands, so that help and planning start at once.
"""

from a2d.cli import (  # their commands register themselves, in this order
    cards,
    runs,
    studies,
    teachers,
)
from a2d.cli.app import app, main

__all__ = ["app", "cards", "main", "runs", "studies", "teachers"]
