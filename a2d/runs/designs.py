"""Networks apart from any run: read, drawn at random, measured on a task."""

from __future__ import annotations

from pathlib import Path

from a2d.console import say
from a2d.environments import open_environment
from a2d.errors import A2DError
from a2d.networks.interface import Interface, interface_of
from a2d.runs.file_kinds import ARCHITECTURE_FILE, expect
from a2d.runs.records import RECORD, read_record
from a2d.runs.request import read_card
from a2d.search.matched import random_design
from a2d.seeds import seed_global_streams
from a2d.specs.architecture import Architecture, load_architecture, write_architecture
from a2d.specs.run import SearchSpec
from a2d.specs.search import SearchBase


def read_design(path: Path) -> Architecture:
    """Read the architecture that an option names; raise A2DError if the path is anything else."""
    return load_architecture(expect(path, "architecture"))


def task_interface(task: Path) -> Interface:
    """Return what an agent of a card's task sees and does."""
    card = read_card(task)
    seed_global_streams(0)
    with open_environment(card, 1, 0) as probe:
        return interface_of(probe, card.normalize_observations)


def draw_architecture(task: Path, like: Path, out: Path, seed: int) -> Architecture:
    """Write a random architecture to ``out`` that costs about what the one in ``like`` does.

    It is drawn from the candidates, and matched by the costs, of the search whose record lies
    beside ``like``; where none does, of the paper's operators and by FLOPs.

    Raises:
        A2DError: ``out`` is something else than an architecture, or the search's costs are not
            of this task.
    """
    if out.exists():
        expect(out, "architecture")
    target, interface = read_design(like), task_interface(task)
    found = _search_beside(like, target)
    search = SearchBase() if found is None else found.search
    try:
        if search.costs is not None:
            search.costs.check_task(read_card(task).name)
    except ValueError as error:
        raise A2DError(f"{like}: {error}") from error
    candidates = search.operators(target.space)
    drawn = random_design(target, candidates, interface, seed, table=search.costs)
    write_architecture(out, drawn)
    if found is not None:
        say(f"{like}: candidates and costs are those of the search whose record lies beside it")
    return drawn


def _search_beside(path: Path, design: Architecture) -> SearchSpec | None:
    """Return the search that has left an architecture, by its record; None where there is none."""
    # As in a folder of its own, or in a study's results.
    name, found, _ = path.name.partition(f".{ARCHITECTURE_FILE}")
    record = path.with_name(f"{name}.json" if found else RECORD)
    if not record.is_file():
        return None
    spec = read_record(record).spec
    if not isinstance(spec, SearchSpec) or spec.search.space != design.cells:
        return None
    return spec
