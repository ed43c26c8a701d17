"""A study: a scale and the experiments, expanded into runs. Pure data; nothing here imports torch.

``workflow/scales/NAME.yaml`` says how large, ``workflow/methods.yaml`` names the search methods and
recipes, ``workflow/experiments/*.yaml`` say which runs answer which question.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from a2d.errors import A2DError
from a2d.spec import (
    A2CSettings,
    DerivedAgent,
    DistillationMode,
    DistillationSettings,
    EvaluationSettings,
    ManualAgent,
    RandomAgent,
    SearchSettings,
    SearchSpec,
    TrainSpec,
    key_of,
)
from a2d.tasks import Frozen, TaskCard, describe_validation_error, load_task, read_yaml

Stage = Literal["teacher", "manual", "search", "derive"]
SHORT_KEY = 8
EVERY, STUDENT = "every", "student"
Model = TypeVar("Model", bound=Frozen)


class Seeds(Frozen):
    """Explicit seeds; what a search has seen never judges its result."""

    teacher: int = Field(ge=0)
    search: tuple[int, ...] = Field(min_length=1)
    train: tuple[int, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def check_disjoint(self) -> Seeds:
        if len(self.search) != len(self.train):
            raise ValueError("search and train need as many seeds each: every search is derived once")
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
    search: SearchSettings = SearchSettings()


class Scale(Frozen):
    """How large a study is."""

    title: str
    description: str
    tasks: tuple[str, ...] = Field(min_length=1)
    experiments: tuple[str, ...] | None = Field(None, description="only these; all of them where absent")
    seeds: Seeds
    steps: Steps
    pixels: Observations | None = None
    vectors: Observations | None = None
    distillation: DistillationSettings = DistillationSettings()
    evaluation: EvaluationSettings = EvaluationSettings()


class SearchMethod(Frozen):
    """One way to search."""

    title: str
    train_mode: Literal["one-level", "bi-level"]
    distillation: DistillationMode


class Recipe(Frozen):
    """Named factors of the search, laid over the scale's settings."""

    title: str
    search: dict[str, Any] = Field(default_factory=dict)
    distillation: dict[str, Any] = Field(default_factory=dict)


class Methods(Frozen):
    search: dict[str, SearchMethod]
    recipes: dict[str, Recipe]


class Group(Frozen):
    """Runs of one stage: the product of its factors, for every task and seed of the scale."""

    stage: Literal["manual", "search", "derive", "random"]
    network: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ("paper",)
    distillation: tuple[DistillationMode, ...] = ("none",)


class ClaimTest(Frozen):
    """The test of one claim, fixed before there are results."""

    claim: str = Field(pattern="^C[1-5]$")
    statement: str
    test: str = Field(description="name of the test in a2d.claims")
    rule: str = Field(description="in words: what supports, what contradicts")
    minimum_seeds: int = Field(ge=1)
    minimum_tasks: int = Field(ge=1)


class Experiment(Frozen):
    """One question, the runs that answer it, what is rendered, and the claims it tests."""

    name: str
    question: str
    groups: tuple[Group, ...]
    artifacts: tuple[str, ...]
    claims: tuple[ClaimTest, ...] = ()


@dataclass(frozen=True)
class Run:
    """A spec's place in a study. ``factors`` are the labels that tables group by."""

    scale: str
    stage: Stage
    method: str
    spec: TrainSpec | SearchSpec
    factors: dict[str, str] = field(compare=False, default_factory=dict)
    key: str = field(compare=False, default="")

    @property
    def path(self) -> str:
        """The record's path below ``results/``."""
        name = f"seed{self.spec.seed}-{self.key[:SHORT_KEY]}"
        return f"{self.scale}/{self.spec.task.name}/{self.method}/{name}.json"

    @property
    def architecture_path(self) -> str:
        """Where a search's ``arch.json`` lies, below ``results/``."""
        return self.path.removesuffix(".json") + ".arch.json"


@dataclass(frozen=True)
class Study:
    """Everything a scale asks for."""

    name: str
    scale: Scale
    methods: Methods
    experiments: dict[str, Experiment]
    tasks: dict[str, TaskCard]
    runs: dict[str, Run]  # by key, teachers first
    members: dict[str, list[str]]  # keys by experiment, without the teachers and searches they need

    def find(self, path: str) -> Run:
        """Return the run whose record is at ``path`` below ``results/``."""
        for run in self.runs.values():
            if run.path == path:
                return run
        raise A2DError(f"{path}: scale {self.name!r} has no such run; `a2d plan` lists them")

    def of_experiment(self, name: str) -> list[Run]:
        return [self.runs[key] for key in self.members[name]]

    def of_search(self, method: str) -> list[Run]:
        """Return a search method's searches and everything derived from them: one ablation."""
        return [run for run in self.runs.values() if run.factors.get("search") == method]


def _validate(model: type[Model], data: dict[str, Any], path: Path) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error


def _load_experiments(folder: Path, scale: Scale, source: Path) -> dict[str, Experiment]:
    paths = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    for name in scale.experiments or ():
        if name not in paths:
            raise A2DError(f"{source}: experiments: {name!r} is not one of {', '.join(paths)}")
    wanted = {name: path for name, path in paths.items() if name in (scale.experiments or paths)}
    return {name: _validate(Experiment, {"name": name, **read_yaml(path)}, path) for name, path in wanted.items()}


def load_study(name: str, root: Path) -> Study:
    """Read a scale and expand it.

    Args:
        name: of the scale, a file in ``workflow/scales``.
        root: the checkout.

    Raises:
        A2DError: any file is wrong; it names the file and the key.
    """
    path = root / "workflow" / "scales" / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(scale.stem for scale in path.parent.glob("*.yaml"))) or "none"
        raise A2DError(f"scale {name!r}: there is no {path}; the scales there: {known}")
    scale = _validate(Scale, read_yaml(path), path)
    methods_path = root / "workflow" / "methods.yaml"
    methods = _validate(Methods, read_yaml(methods_path), methods_path)
    experiments = _load_experiments(root / "workflow" / "experiments", scale, path)
    tasks = {task: load_task(task, root / "envs") for task in scale.tasks}
    try:
        return _Expansion(name, scale, methods, tasks).study(experiments)
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error


class _Expansion:
    """Builds specs from a scale's settings; equal specs become one run."""

    def __init__(self, name: str, scale: Scale, methods: Methods, tasks: dict[str, TaskCard]) -> None:
        self.name, self.scale, self.methods, self.tasks = name, scale, methods, tasks
        self.runs: dict[str, Run] = {}
        self.teachers = {task: self._teacher(card) for task, card in tasks.items()}

    def study(self, experiments: dict[str, Experiment]) -> Study:
        members = {
            name: list(dict.fromkeys(key for group in experiment.groups for key in self._group(group, name)))
            for name, experiment in experiments.items()
        }
        order = ("teacher", "manual", "search", "derive")
        runs = dict(sorted(self.runs.items(), key=lambda item: order.index(item[1].stage)))
        return Study(self.name, self.scale, self.methods, experiments, self.tasks, runs, members)

    def _observations(self, card: TaskCard) -> Observations:
        found = self.scale.pixels if card.observation == "pixels" else self.scale.vectors
        if found is None:
            raise A2DError(
                f"scale {self.name!r}: key {card.observation!r} is missing, which {card.name} needs"
            )
        return found

    def _add(self, stage: Stage, method: str, spec: TrainSpec | SearchSpec, **factors: str) -> str:
        key = key_of(spec)
        if key not in self.runs:
            self.runs[key] = Run(self.name, stage, method, spec, factors, key)
        return key

    def _base(self, card: TaskCard) -> dict[str, Any]:
        return {
            "task": card,
            "a2c": self._observations(card).a2c,
            "evaluation": self.scale.evaluation,
        }

    def _teacher(self, card: TaskCard) -> TrainSpec:
        network = self._observations(card).networks.teacher
        spec = TrainSpec(
            **self._base(card),
            steps=self.scale.steps.teacher,
            seed=self.scale.seeds.teacher,
            agent=ManualAgent(network=network),
        )
        self._add("teacher", f"teacher-{network}", spec, network=network)
        return spec

    def _train(self, card: TaskCard, agent: Any, index: int, mode: DistillationMode) -> TrainSpec:
        return TrainSpec(
            **self._base(card),
            steps=self.scale.steps.train,
            seed=self.scale.seeds.train[index],
            agent=agent,
            distillation=self.scale.distillation.model_copy(update={"mode": mode}),
            teacher=None if mode == "none" else self.teachers[card.name],
        )

    def _search(self, card: TaskCard, method: str, recipe: str, index: int) -> SearchSpec:
        chosen, factors = self.methods.search[method], self.methods.recipes[recipe]
        settings = self._observations(card).search.model_dump()
        space = {**settings["space"], **factors.search.get("space", {})}
        distillation = {**self.scale.distillation.model_dump(), **factors.distillation}
        spec = SearchSpec(
            **self._base(card),
            steps=self.scale.steps.search,
            seed=self.scale.seeds.search[index],
            search={**settings, **factors.search, "space": space, "train_mode": chosen.train_mode},
            distillation={**distillation, "mode": chosen.distillation},
            teacher=None if chosen.distillation == "none" else self.teachers[card.name],
        )
        self._add("search", f"search-{_label(method, recipe)}", spec, search=method, recipe=recipe)
        return spec

    def _group(self, group: Group, experiment: str) -> list[str]:
        for key, names, known in (
            ("search", group.search, self.methods.search),
            ("recipe", group.recipe, self.methods.recipes),
        ):
            for name in names:
                if name not in known:
                    raise A2DError(
                        f"workflow/experiments/{experiment}.yaml: {key} {name!r} is not in workflow/methods.yaml"
                    )
        expand = {
            "manual": self._manual_group,
            "search": self._search_group,
            "derive": self._derive_group,
            "random": self._random_group,
        }[group.stage]
        seeds = range(len(self.scale.seeds.train))
        return [
            key for card, index in itertools.product(self.tasks.values(), seeds) for key in expand(group, card, index)
        ]

    def _manual_group(self, group: Group, card: TaskCard, index: int) -> list[str]:
        networks = self._observations(card).networks
        named = {EVERY: networks.every, STUDENT: (networks.student,)}
        chosen = itertools.chain.from_iterable(named.get(name, (name,)) for name in group.network)
        keys = []
        for network, mode in itertools.product(chosen, group.distillation):
            label = f"manual-{network}" if mode == "none" else f"distilled-{network}-{mode}"
            spec = self._train(card, ManualAgent(network=network), index, mode)
            keys.append(self._add("manual", label, spec, network=network, distillation=mode))
        return keys

    def _search_group(self, group: Group, card: TaskCard, index: int) -> list[str]:
        return [
            key_of(self._search(card, method, recipe, index))
            for method, recipe in itertools.product(group.search, group.recipe)
        ]

    def _derive_group(self, group: Group, card: TaskCard, index: int) -> list[str]:
        keys = []
        for method, recipe, mode in itertools.product(group.search, group.recipe, group.distillation):
            spec = self._train(card, DerivedAgent(search=self._search(card, method, recipe, index)), index, mode)
            label = f"derived-{_label(method, recipe)}-{mode}"
            keys.append(self._add("derive", label, spec, search=method, recipe=recipe, distillation=mode))
        return keys

    def _random_group(self, group: Group, card: TaskCard, index: int) -> list[str]:
        keys = []
        for method, recipe, mode in itertools.product(group.search, group.recipe, group.distillation):
            agent = RandomAgent(matched_to=self._search(card, method, recipe, index))
            spec = self._train(card, agent, index, mode)
            label = f"random-{_label(method, recipe)}-{mode}"
            factors = {"random": method, "recipe": recipe, "distillation": mode}
            keys.append(self._add("derive", label, spec, **factors))
        return keys


def _label(method: str, recipe: str) -> str:
    return method if recipe == "paper" else f"{method}-{recipe}"
