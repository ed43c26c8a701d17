"""Networks apart from any run: read, drawn at random, measured on a task."""

from __future__ import annotations

from pathlib import Path

from a2d.environments import open_environment
from a2d.networks.interface import Interface, interface_of
from a2d.runs.file_kinds import expect
from a2d.runs.request import read_card
from a2d.search.matched import random_design
from a2d.seeds import seed_global_streams
from a2d.specs.architecture import (
    PAPER_OPERATORS,
    Architecture,
    load_architecture,
    write_architecture,
)


def read_design(path: Path) -> Architecture:
    """Read the architecture that an option names; raise A2DError if the path is anything else."""
    return load_architecture(expect(path, "architecture"))


def task_interface(task: Path) -> Interface:
    """Return what an agent of a card's task sees and does."""
    card = read_card(task)
    seed_global_streams(0)
    with open_environment(card, 1, 0) as probe:
        return interface_of(probe, card.normalize_observations)


def draw_architecture(task: Path, like: Architecture, out: Path, seed: int) -> Architecture:
    """Write a random architecture with about the FLOPs of ``like`` to ``out``.

    Raises:
        A2DError: ``out`` is something else than an architecture.
    """
    if out.exists():
        expect(out, "architecture")
    interface = task_interface(task)
    drawn = random_design(like, tuple(PAPER_OPERATORS[like.space]), interface, seed)
    write_architecture(out, drawn)
    return drawn
