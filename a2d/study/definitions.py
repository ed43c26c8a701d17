"""What a study is written in: scales, search methods and experiments, as validated data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from a2d.errors import A2DError, nearest
from a2d.specs.algorithm import (
    A2CSettings,
    DistillationMode,
    DistillationSettings,
    PPOSettings,
)
from a2d.specs.architecture import MANUAL_NETWORKS
from a2d.specs.data import Frozen, describe_validation_error, read_yaml
from a2d.specs.recipes import RECIPES, Recipe
from a2d.specs.run import EvaluationSettings
from a2d.specs.search import GumbelSettings, SearchSettings
from a2d.specs.settings import lay

Model = TypeVar("Model", bound=Frozen)
SCALE_NAME = re.compile(r"\w[\w.-]*")


class Seeds(Frozen):
    """Explicit seeds; what a search has seen never judges its result."""

    teacher: int = Field(ge=0)
    search: tuple[int, ...] = Field(min_length=1)
    train: tuple[int, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def check_disjoint(self) -> Seeds:
        if len(self.search) != len(self.train):
            raise ValueError(
                "search and train need as many seeds each: every search is derived once"
            )
        every = [self.teacher, *self.search, *self.train]
        if len(set(every)) != len(every):
            raise ValueError(f"the seeds of teacher, search and train must all differ, not {every}")
        return self


class Steps(Frozen):
    """Environment steps of one run of each kind."""

    teacher: int = Field(gt=0)
    train: int = Field(gt=0)
    search: int = Field(gt=0)


class Networks(Frozen):
    """The manual networks for one kind of observation."""

    every: tuple[str, ...] = Field(min_length=1, description="swept, from small to large")
    teacher: str
    student: str = Field(description="the fixed network of the distillation experiment")

    def check(self, place: str, known: tuple[str, ...]) -> None:
        """Raise ValueError where a network is none of those known."""
        for name in (*self.every, self.teacher, self.student):
            if name not in known:
                raise ValueError(f"{place}.networks: {name!r} is not one of {', '.join(known)}")


class Searched(Frozen):
    """What a scale's claims call A2D: a way to search and a recipe of ``workflow/methods.yaml``."""

    search: str = "joint"
    recipe: str = "paper"


class Observations(Frozen):
    """What depends on the kind of observation."""

    networks: Networks
    a2c: A2CSettings = A2CSettings()
    ppo: PPOSettings | None = None
    search: GumbelSettings = GumbelSettings()
    largest_cost: float | None = Field(None, description="of searchers by trials; see theirs")
    steps: Steps | None = Field(None, description="the scale's where absent")

    @property
    def algorithm(self) -> A2CSettings | PPOSettings:
        """The settings of the algorithm that agents learn by."""
        return self.a2c if self.ppo is None else self.ppo

    def check_steps(self, place: str, general: Steps) -> None:
        """Raise ValueError where a run's steps are no whole number of updates."""
        steps, key = general, "steps"
        if self.steps is not None:
            steps, key = self.steps, f"{place}.steps"
        algorithm, name = self.algorithm, "a2c" if self.ppo is None else "ppo"
        for run, count in steps.model_dump().items():
            if count % algorithm.steps_per_update:
                raise ValueError(
                    f"{key}.{run}: {count} is not a multiple of the "
                    f"{algorithm.steps_per_update} steps of an update (environments × "
                    f"rollout_length of {place}.{name}); "
                    f"the nearest: {nearest(count, algorithm.steps_per_update)}"
                )


class Scale(Frozen):
    """How large a study is."""

    title: str
    description: str
    tasks: tuple[str, ...] = Field(min_length=1)
    experiments: tuple[str, ...] | None = Field(
        None, description="only these; all of them where absent"
    )
    seeds: Seeds
    steps: Steps
    pixels: Observations | None = None
    vectors: Observations | None = None
    own: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="a task's own keys, laid over those of its kind of observation",
    )
    a2d: Searched = Searched()
    tuned: tuple[str, ...] = Field((), description="tasks on which settings were chosen")
    distillation: DistillationSettings = DistillationSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="after")
    def check_networks_and_steps(self) -> Scale:
        for kind, known in MANUAL_NETWORKS.items():
            settings: Observations | None = getattr(self, kind)
            if settings is not None:
                settings.networks.check(kind, known)
                settings.check_steps(kind, self.steps)
        return self

    @model_validator(mode="after")
    def check_tasks(self) -> Scale:
        for key, named in (("own", tuple(self.own)), ("tuned", self.tuned)):
            for task in named:
                if task not in self.tasks:
                    raise ValueError(f"{key}: {task!r} is not one of the scale's tasks")
        return self

    def observations(self, task: str, kind: Literal["pixels", "vectors"]) -> Observations | None:
        """Return what holds for a task of this kind of observation; None if the scale has none.

        Raises:
            ValidationError: the task's own keys do not fit.
            ValueError: its networks or steps do not.
        """
        general: Observations | None = getattr(self, kind)
        if general is None or task not in self.own:
            return general
        found = Observations.model_validate(lay(general.model_dump(), self.own[task]))
        found.networks.check(f"own.{task}", MANUAL_NETWORKS[kind])
        found.check_steps(f"own.{task}", self.steps)
        return found


class SearchMethod(Frozen):
    """One way to search: a searcher by its kind, with settings of its own, and what teaches."""

    title: str
    searcher: SearchSettings = GumbelSettings()
    distillation: DistillationMode
    share: float = Field(1.0, gt=0, le=1, description="of the scale's search steps")


class Methods(Frozen):
    """``workflow/methods.yaml``: what experiments call the ways to search, and the recipes.

    The recipes of the file stand beside the library's, whose names they may not have.
    """

    search: dict[str, SearchMethod]
    recipes: dict[str, Recipe]

    @field_validator("recipes")
    @classmethod
    def add_to_the_librarys(cls, own: dict[str, Recipe]) -> dict[str, Recipe]:
        for name in own.keys() & RECIPES.keys():
            raise ValueError(f"{name} is the library's (a2d/specs/recipes.py); take another name")
        return {**RECIPES, **own}


class Group(Frozen):
    """Runs of one stage: the product of its factors, for every task and seed of the scale.

    Networks may be 'every' or 'student' of the scale's, or 'pooled': those of 'every' that have a
    variant which averages its last features. Searches and recipes may be 'a2d': what it calls so.
    """

    stage: Literal["manual", "search", "derive", "random"]
    network: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ("paper",)
    distillation: tuple[DistillationMode, ...] = ("none",)
    steps: Literal["train", "total"] = Field(
        "train",
        description="of trainings; 'total' is as long as a search and the training of its result",
    )
    draws: int = Field(1, ge=1, description="random architectures for every seed")
    seeds: int | None = Field(None, ge=1, description="only the first of the scale's")
    tasks: int | None = Field(None, ge=1, description="only the first of the scale's")

    @model_validator(mode="after")
    def check_factors(self) -> Group:
        if self.draws > 1 and self.stage != "random":
            raise ValueError(f"draws: are of the stage 'random', not of {self.stage!r}")
        if self.steps == "total" and self.stage == "search":
            raise ValueError("steps: 'total' is for trainings, not for searches")
        needed = "network" if self.stage == "manual" else "search"
        for factor in (needed, "recipe", "distillation"):
            if not getattr(self, factor):
                raise ValueError(f"stage {self.stage!r} needs at least one {factor}")
        return self


class ClaimTest(Frozen):
    """The test of one claim, fixed before there are results."""

    claim: str = Field(pattern=r"^C\d+$")
    statement: str
    test: str = Field(description="a function of a2d.reading.claim_tests")
    rule: str = Field(description="in words: what supports, what contradicts")
    minimum_seeds: int = Field(ge=1)
    minimum_tasks: int = Field(ge=1)

    @property
    def number(self) -> int:
        """The claim's number: 3 for C3."""
        return int(self.claim[1:])


class Experiment(Frozen):
    """One question, the runs that answer it, what is rendered, and the claims it tests."""

    name: str
    question: str
    groups: tuple[Group, ...]
    artifacts: tuple[str, ...]
    claims: tuple[ClaimTest, ...] = ()


def _read(model: type[Model], path: Path, **extra: str) -> Model:
    try:
        return model.model_validate({**extra, **read_yaml(path)})
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error


def scale_path(name: str, root: Path) -> Path:
    """Return the file of a scale.

    Raises:
        A2DError: there is none of that name, or it is a path; the scales there are, and the one
            meant, are listed.
    """
    folder = root / "workflow" / "scales"
    path = folder / f"{name}.yaml"
    # Records, patterns of the workflow and folders are named by it.
    if SCALE_NAME.fullmatch(name) and path.is_file():
        return path
    known = sorted(scale.stem for scale in folder.glob("*.yaml"))
    meant = Path(name).name.removesuffix(".yaml").removesuffix(".yml")
    hint = f"; write {meant}" if meant in known else ""
    raise A2DError(
        f"scale {name!r}: should be the name of a file in {folder}, without .yaml{hint}; "
        f"the scales there: {', '.join(known) or 'none'}"
    )


def load_scale(name: str, root: Path) -> Scale:
    """Read ``workflow/scales/NAME.yaml``. Raise A2DError naming file and key."""
    return _read(Scale, scale_path(name, root))


def load_methods(root: Path) -> Methods:
    """Read ``workflow/methods.yaml``. Raise A2DError naming file and key."""
    return _read(Methods, root / "workflow" / "methods.yaml")


def load_experiments(root: Path) -> dict[str, Experiment]:
    """Read all experiments, in alphabetical order. Raise A2DError naming file and key."""
    paths = sorted((root / "workflow" / "experiments").glob("*.yaml"))
    return {path.stem: _read(Experiment, path, name=path.stem) for path in paths}
