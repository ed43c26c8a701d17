"""A run is a value; its key is a hash of everything that changes its result."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from a2d.errors import nearest
from a2d.specs.algorithm import A2CSettings, DistillationSettings, PPOSettings
from a2d.specs.architecture import Architecture, Space
from a2d.specs.data import Frozen, later
from a2d.specs.search import GumbelSettings, SearchSettings, describe_operators
from a2d.specs.task import TaskCard
from a2d.specs.teacher import ImportedTeacher

# Raised by hand when an algorithm's meaning changes, so that the records it touches become stale.
SEMANTICS = {"train": 1, "search": 1, "random": 2, "evaluation": 1}


class EvaluationSettings(Frozen):
    """Test score: mean unclipped return of the sampled policy over a fixed number of episodes."""

    episodes: int = Field(30, ge=1, description="played after the run")
    environments: int = Field(10, ge=1, description="each plays episodes / environments episodes")

    @model_validator(mode="after")
    def check_division(self) -> EvaluationSettings:
        if self.episodes % self.environments:
            raise ValueError(
                f"environments ({self.environments}) must divide episodes ({self.episodes}), "
                "or short episodes would be counted more often; "
                f"the nearest that it divides: {nearest(self.episodes, self.environments)} episodes"
            )
        return self


class ManualAgent(Frozen):
    """A network designed by hand, by its name in ``a2d.networks``."""

    kind: Literal["manual"] = "manual"
    network: str


class GivenAgent(Frozen):
    """A network from an ``arch.json`` that the user brings."""

    kind: Literal["given"] = "given"
    architecture: Architecture


class DerivedAgent(Frozen):
    """The strongest operator of every cell, as found by a search."""

    kind: Literal["derived"] = "derived"
    search: SearchSpec


class RandomAgent(Frozen):
    """A random architecture of the same space whose FLOPs match what a search derived."""

    kind: Literal["random"] = "random"
    matched_to: SearchSpec
    draw: int = later(0, "which of several random architectures of one seed")


def space_for(task: TaskCard) -> Space:
    """Return the space that fits a task's observations."""
    if task.observation == "pixels":
        return "convolution"
    return "dense"


def _mismatch(teacher: TaskCard, student: TaskCard) -> str:
    taught, learned = teacher.identity(), student.identity()
    sides = [
        # A key that was added later is absent where it has its default.
        f"{key}: {taught.get(key)!r} against {learned.get(key)!r}"
        for key in {**taught, **learned}
        if taught.get(key) != learned.get(key)
    ]
    return f"the teacher's task {teacher.name} is not the student's {student.name}: " + ", ".join(
        sides
    )


class RunBase(Frozen):
    """What training and searching have in common."""

    task: TaskCard
    steps: int = Field(gt=0, description="environment steps, over all environments")
    seed: int = Field(ge=0)
    a2c: A2CSettings = A2CSettings()
    ppo: PPOSettings | None = later(None, "learn by PPO with these settings, not by A2C")
    distillation: DistillationSettings = DistillationSettings()
    teacher: Annotated[TrainSpec | ImportedTeacher, Field(discriminator="kind")] | None = None
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="after")
    def check_run(self) -> RunBase:
        settings = self.algorithm
        if self.steps % settings.steps_per_update:
            raise ValueError(
                f"steps ({self.steps}) must be a multiple of environments × rollout_length "
                f"({settings.environments} × {settings.rollout_length} = "
                f"{settings.steps_per_update}); "
                f"the nearest: {nearest(self.steps, settings.steps_per_update)}"
            )
        if (self.teacher is None) != (self.distillation.mode == "none"):
            raise ValueError(
                f"distillation mode {self.distillation.mode!r} with teacher {self.teacher!r}"
            )
        if isinstance(self.teacher, ImportedTeacher):
            self.teacher.check_mode(self.distillation.mode)
        if self.teacher is not None and self.teacher.task.identity() != self.task.identity():
            raise ValueError(_mismatch(self.teacher.task, self.task))
        return self

    @property
    def algorithm(self) -> A2CSettings | PPOSettings:
        """The settings of the algorithm that the agent learns by."""
        if self.ppo is None:
            return self.a2c
        return self.ppo

    @property
    def updates(self) -> int:
        return self.steps // self.algorithm.steps_per_update


class TrainSpec(RunBase):
    """Train one agent from scratch."""

    kind: Literal["train"] = "train"
    agent: Annotated[
        ManualAgent | GivenAgent | DerivedAgent | RandomAgent, Field(discriminator="kind")
    ]

    @model_validator(mode="after")
    def check_search(self) -> TrainSpec:
        search = search_of(self)
        if search is not None and search.task.identity() != self.task.identity():
            raise ValueError(f"the search plays {search.task.name}, the agent {self.task.name}")
        return self


class SearchSpec(RunBase):
    """Search an architecture; the result is an ``arch.json``."""

    kind: Literal["search"] = "search"
    search: SearchSettings = GumbelSettings()

    @model_validator(mode="after")
    def check_searcher(self) -> SearchSpec:
        if self.search.costs is not None:
            self.search.costs.check_task(self.task.name)
        self.search.check_space(self.space)
        self.search.check_updates(self.updates)
        self.search.check_teacher(self.distillation)
        return self

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return space_for(self.task)


RunSpec = Annotated[TrainSpec | SearchSpec, Field(discriminator="kind")]

for model in (DerivedAgent, RandomAgent, TrainSpec, SearchSpec):
    model.model_rebuild()


def identity(spec: TrainSpec | SearchSpec) -> dict[str, Any]:
    """Return, as plain data, exactly what the spec's result depends on."""
    data = spec.model_dump(
        mode="json", exclude={"teacher": True, "agent": {"search", "matched_to"}}
    )
    data["task"] = spec.task.identity()
    if spec.algorithm is not spec.a2c:
        del data["a2c"]  # which is not used
    data["distillation"] = spec.distillation.identity()
    if spec.teacher is not None:
        data["teacher"] = _teacher_identity(spec.teacher)
    search = search_of(spec)
    if search is not None:
        data["agent"]["search"] = identity(search)
    operators = describe_operators(spec.search, spec.space) if isinstance(spec, SearchSpec) else ""
    if operators:
        data["search"]["operators"] = operators
    return {"spec": data, "semantics": _semantics(spec)}


def _teacher_identity(teacher: TrainSpec | ImportedTeacher) -> dict[str, Any]:
    if isinstance(teacher, ImportedTeacher):
        return teacher.identity()
    return identity(teacher)


def _semantics(spec: TrainSpec | SearchSpec) -> dict[str, int]:
    kinds = [spec.kind, "evaluation"]
    if isinstance(spec, TrainSpec) and spec.agent.kind == "random":
        kinds.append("random")
    return {kind: SEMANTICS[kind] for kind in kinds}


def teacher_run_of(spec: TrainSpec | SearchSpec) -> TrainSpec | None:
    """Return the training whose agent teaches this run, if any; none made an imported teacher."""
    return spec.teacher if isinstance(spec.teacher, TrainSpec) else None


def search_of(spec: TrainSpec | SearchSpec) -> SearchSpec | None:
    """Return the search whose ``arch.json`` this run needs, if any."""
    match spec:
        case TrainSpec(agent=DerivedAgent(search=search)):
            return search
        case TrainSpec(agent=RandomAgent(matched_to=search)):
            return search
    return None


def key_of(spec: TrainSpec | SearchSpec) -> str:
    """Return the run's key, 16 hexadecimal digits; its first eight stand in file names."""
    canonical = json.dumps(identity(spec), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
