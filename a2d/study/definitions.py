"""What a study is written in: scales, search methods and experiments, as validated data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, TypeVar

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


class Observations(Frozen):
    """What depends on the kind of observation."""

    networks: Networks
    a2c: A2CSettings = A2CSettings()
    ppo: PPOSettings | None = None
    search: GumbelSettings = GumbelSettings()


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
    distillation: DistillationSettings = DistillationSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="after")
    def check_networks_and_steps(self) -> Scale:
        for kind, known in MANUAL_NETWORKS.items():
            settings: Observations | None = getattr(self, kind)
            if settings is None:
                continue
            for name in (
                *settings.networks.every,
                settings.networks.teacher,
                settings.networks.student,
            ):
                if name not in known:
                    raise ValueError(f"{kind}.networks: {name!r} is not one of {', '.join(known)}")
            algorithm = settings.a2c if settings.ppo is None else settings.ppo
            for run, steps in self.steps.model_dump().items():
                if steps % algorithm.steps_per_update:
                    name = "a2c" if settings.ppo is None else "ppo"
                    raise ValueError(
                        f"steps.{run}: {steps} is not a multiple of the "
                        f"{algorithm.steps_per_update} steps of an update (environments × "
                        f"rollout_length of {kind}.{name}); "
                        f"the nearest: {nearest(steps, algorithm.steps_per_update)}"
                    )
        return self


class SearchMethod(Frozen):
    """One way to search: a searcher by its kind, with settings of its own, and what teaches."""

    title: str
    searcher: SearchSettings = GumbelSettings()
    distillation: DistillationMode


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
    """Runs of one stage: the product of its factors, for every task and seed of the scale."""

    stage: Literal["manual", "search", "derive", "random"]
    network: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ("paper",)
    distillation: tuple[DistillationMode, ...] = ("none",)

    @model_validator(mode="after")
    def check_factors(self) -> Group:
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


def load_experiments(root: Path, wanted: tuple[str, ...] | None) -> dict[str, Experiment]:
    """Read the experiments called ``wanted``, or all, in alphabetical order.

    Raises:
        A2DError: a file is wrong, or one that is wanted is not there.
    """
    folder = root / "workflow" / "experiments"
    paths = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    for name in wanted or ():
        if name not in paths:
            raise A2DError(
                f"experiments: {name!r} is not in {folder}; there are {', '.join(paths)}"
            )
    return {
        name: _read(Experiment, path, name=name)
        for name, path in paths.items()
        if name in (wanted or paths)
    }
