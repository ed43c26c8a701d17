"""The benchmark's definition, ``workflow/benchmark.yaml``, becomes trainings in groups.

Every architecture of a space × every task × every seed; each is an ordinary training. Nothing here
imports torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
from pydantic import Field, ValidationError, model_validator

from a2d.benchmark.space import SEPARATOR, Space
from a2d.errors import A2DError
from a2d.runs.latencies import design_text
from a2d.seeds import stream_seed
from a2d.specs.algorithm import A2CSettings, DistillationMode, DistillationSettings
from a2d.specs.architecture import Architecture, CellSpace, check_names
from a2d.specs.data import Frozen, describe_validation_error, read_yaml
from a2d.specs.run import EvaluationSettings, GivenAgent, TrainSpec, key_of, space_for
from a2d.specs.task import TaskCard, load_task
from a2d.study.expansion import SHORT_KEY
from a2d.study.study import load_study

DEFINITION = Path("workflow") / "benchmark.yaml"
FOLDER, ROWS = Path("bench"), Path("bench", "rows")  # below the results
PART = re.compile(r"(\d+)/(\d+)")
TASK_NAME = re.compile(r"[\w.-]+")  # files are named by it


class Taught(Frozen):
    """A task of the table: a card, and what teaches on it."""

    card: str = Field(description="a card's name in envs/")
    distillation: DistillationMode = "none"


class Longer(Frozen):
    """Longer trainings of some architectures, which tell how stable ranks are."""

    steps: int = Field(gt=0, description="environment steps of every training")
    share: float = Field(gt=0, le=1, description="of the architectures: the first ones")
    seeds: tuple[int, ...] = Field(min_length=1, description="of the trainings")
    group: int = Field(ge=1, description="architectures that one process trains")


class Definition(Frozen):
    """``workflow/benchmark.yaml``."""

    title: str
    description: str
    version: int = Field(ge=1, description="raised when the table's content changes")
    operators: tuple[str, ...] = Field(min_length=2, description="of every cell")
    space: CellSpace
    tasks: dict[str, Taught] = Field(min_length=1)
    teachers: str = Field(description="a scale's name; its teachers teach")
    seeds: tuple[int, ...] = Field(min_length=2, description="of the trainings")
    steps: int = Field(gt=0, description="environment steps of every training")
    a2c: A2CSettings = A2CSettings()
    distillation: DistillationSettings = DistillationSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    longer: Longer | None = None
    group: int = Field(ge=1, description="architectures that one process trains")

    @model_validator(mode="after")
    def check_unique(self) -> Definition:
        for key in ("operators", "seeds"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key}: {', '.join(map(str, values))} holds a value twice")
        for name in self.operators:
            if SEPARATOR in name:
                raise ValueError(f"operators: {name!r} holds the {SEPARATOR!r} that joins them")
        for name in self.tasks:
            if not TASK_NAME.fullmatch(name):
                raise ValueError(f"tasks: {name!r} should be letters, digits, '_', '-' and '.'")
        return self


@dataclass(frozen=True)
class Row:
    """One training of the table, and what the table calls it."""

    architecture: str
    task: str
    seed: int
    spec: TrainSpec

    @cached_property
    def key(self) -> str:
        """The run's key."""
        return key_of(self.spec)


@dataclass(frozen=True)
class Group:
    """Trainings that one process does, one after the other: some architectures, one task and seed.

    Its name holds the first key: of other settings it is another group.
    """

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Benchmark:
    """The trainings of one table.

    Args:
        definition: of the table.
        cards: by the table's names of its tasks.
        teachers: by their cards' names.
        share: of the architectures, that are trained.
    """

    definition: Definition
    cards: dict[str, TaskCard]
    teachers: dict[str, TrainSpec]
    share: float = 1.0

    @cached_property
    def space(self) -> Space:
        """The architectures."""
        return Space(self.definition.operators, self.definition.space.cells)

    @property
    def architectures(self) -> int:
        """How many architectures are trained."""
        return round(self.share * self.space.size)

    @cached_property
    def longer(self) -> Benchmark | None:
        """The longer trainings, as a table of their own; None where the definition has none."""
        asked = self.definition.longer
        if asked is None:
            return None
        changed = asked.model_dump(exclude={"share"}) | {"longer": None}
        definition = self.definition.model_copy(update=changed)
        return replace(self, definition=definition, share=asked.share)

    def longer_or_refuse(self) -> Benchmark:
        """Return the longer trainings. Raise A2DError where the definition has none."""
        if self.longer is None:
            raise A2DError(f"{DEFINITION}: longer: is not there, so there are no longer trainings")
        return self.longer

    def check(self, path: Path) -> None:
        """Raise A2DError where the definition, read from ``path``, does not fit its tasks."""
        for task, card in self.cards.items():
            try:
                check_names(self.definition.operators, space_for(card))
                self.row(self.space.name(0), task, self.definition.seeds[0])
            except ValidationError as error:
                raise describe_validation_error(error, f"{path}: tasks.{task}") from error
            except ValueError as error:
                raise A2DError(f"{path}: tasks.{task}: {error}") from error

    def row(self, architecture: str, task: str, seed: int) -> Row:
        """Return one training of the table. Raise A2DError where the table has no such."""
        definition = self.definition
        for value, known, what in ((task, self.cards, "task"), (seed, definition.seeds, "seed")):
            if value not in known:
                names = ", ".join(map(str, known))
                raise A2DError(f"{what} {value!r}: {definition.title} has {names}")
        card, mode = self.cards[task], definition.tasks[task].distillation
        spec = TrainSpec(
            task=card,
            steps=definition.steps,
            seed=seed,
            a2c=definition.a2c,
            distillation=definition.distillation.model_copy(update={"mode": mode}),
            teacher=None if mode == "none" else self._teacher(card),
            evaluation=definition.evaluation,
            agent=GivenAgent(architecture=self.design(architecture, task)),
        )
        return Row(architecture, task, seed, spec)

    def design(self, architecture: str, task: str) -> Architecture:
        """Return an architecture as a task's agent has it. Raise A2DError for a name of none."""
        definition, places = self.definition, self.space.places(architecture)
        return Architecture(
            space=space_for(self.cards[task]),
            cells=definition.space,
            operators=tuple(definition.operators[place] for place in places),
        )

    def networks(self) -> dict[tuple[str, str], tuple[TaskCard, Architecture]]:
        """Return every network once, by its card's name and by itself as text."""
        found = {}
        for index, (task, card) in product(range(self.space.size), self.cards.items()):
            design = self.design(self.space.name(index), task)
            found[card.name, design_text(design)] = card, design
        return found

    def _teacher(self, card: TaskCard) -> TrainSpec:
        if card.name not in self.teachers:
            raise ValueError(f"scale {self.definition.teachers!r} has no teacher of {card.name}")
        return self.teachers[card.name]

    def groups(self) -> Iterator[Group]:
        """Yield all groups. Those of the same architectures follow each other.

        Architectures come in a random order that never changes, so that those of a table that is
        not yet complete are a random sample, with every task and seed.
        """
        generator = np.random.default_rng(stream_seed(0, "benchmark"))
        order = generator.permutation(self.space.size)[: self.architectures]
        names = [self.space.name(index) for index in order]
        size, definition = self.definition.group, self.definition
        for start in range(0, len(names), size):
            for task, seed in product(definition.tasks, definition.seeds):
                rows = tuple(self.row(name, task, seed) for name in names[start : start + size])
                place = f"{start // size:02}-{task}-{seed}"
                yield Group(f"{place}-{rows[0].key[:SHORT_KEY]}", rows)

    def every_group(self) -> list[Group]:
        """Return all groups, and then those of the longer trainings."""
        longer = [] if self.longer is None else self.longer.groups()
        return [*self.groups(), *longer]

    def group(self, name: str) -> Group:
        """Return the group of this name. Raise A2DError where there is none."""
        for group in self.every_group():
            if group.name == name:
                return group
        raise A2DError(f"group {name!r}: {DEFINITION} makes none of that name")


def share_of(groups: list[Group], part: str) -> list[Group]:
    """Return what one of several machines trains: of part '2/3' the second of every three groups.

    Raises:
        A2DError: it is no such part.
    """
    found = PART.fullmatch(part)
    place, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= place <= count:
        raise A2DError(f"part={part}: should be a machine's number of how many, such as 1/2 or 2/2")
    return groups[place - 1 :: count]


def load_benchmark(root: Path) -> Benchmark:
    """Read the definition and what it names.

    Args:
        root: the checkout.

    Raises:
        A2DError: a file is wrong; it names the file and the key.
    """
    path = root / DEFINITION
    try:
        definition = Definition.model_validate(read_yaml(path))
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error
    runs = load_study(definition.teachers, root).runs.values()
    teachers = {
        run.spec.task.name: run.spec
        for run in runs
        if run.stage == "teacher" and isinstance(run.spec, TrainSpec)
    }
    cards = {
        task: load_task(training.card, root / "envs") for task, training in definition.tasks.items()
    }
    found = Benchmark(definition, cards, teachers)
    for each in filter(None, (found, found.longer)):
        each.check(path)
    return found
