"""From a scale's settings to specs; equal specs become one run."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from a2d.errors import A2DError
from a2d.specs.algorithm import DistillationMode
from a2d.specs.architecture import MANUAL_NETWORKS, check_names
from a2d.specs.run import (
    DerivedAgent,
    ManualAgent,
    RandomAgent,
    SearchSpec,
    TrainSpec,
    key_of,
    space_for,
)
from a2d.specs.task import TaskCard
from a2d.study.definitions import Experiment, Group, Methods, Observations, Scale, Steps

Stage = Literal["teacher", "manual", "search", "derive"]
STAGES = ("teacher", "manual", "search", "derive")
SHORT_KEY = 8
EVERY, STUDENT, POOLED = "every", "student", "pooled"
A2D = "a2d"
NETWORK_NAMES = (EVERY, STUDENT, POOLED, *MANUAL_NETWORKS["pixels"], *MANUAL_NETWORKS["vectors"])


@dataclass(frozen=True)
class Run:
    """A spec's place in a study. ``factors`` are the labels that tables group by.

    ``also``: other labels of the same spec, as of two recipes that come to the same search.
    """

    scale: str
    stage: Stage
    method: str
    spec: TrainSpec | SearchSpec
    factors: dict[str, str] = field(compare=False, default_factory=dict)
    key: str = field(compare=False, default="")
    also: tuple[dict[str, str], ...] = field(compare=False, default=())

    @property
    def path(self) -> str:
        """The record's path below ``results/``."""
        name = f"seed{self.spec.seed}-{self.key[:SHORT_KEY]}"
        return f"{self.scale}/{self.spec.task.name}/{self.method}/{name}.json"

    @property
    def architecture_path(self) -> str:
        """Where a search's ``arch.json`` lies, below ``results/``."""
        return self.path.removesuffix(".json") + ".arch.json"


def expand(
    name: str,
    scale: Scale,
    methods: Methods,
    tasks: dict[str, TaskCard],
    experiments: dict[str, Experiment],
) -> tuple[dict[str, Run], dict[str, list[str]]]:
    """Return all runs by key, ordered by stage, and the keys of every experiment's own runs."""
    expansion = _Expansion(name, scale, methods, tasks)
    members = {experiment: expansion.members(found) for experiment, found in experiments.items()}
    runs = sorted(expansion.runs.items(), key=lambda item: STAGES.index(item[1].stage))
    return dict(runs), members


class _Expansion:
    """Builds specs from a scale's settings; equal specs become one run."""

    def __init__(
        self, name: str, scale: Scale, methods: Methods, tasks: dict[str, TaskCard]
    ) -> None:
        self.name, self.scale, self.methods, self.tasks = name, scale, methods, tasks
        self.runs: dict[str, Run] = {}
        self.laid: dict[str, Observations] = {}  # every task's settings, its own laid over
        self.searches: dict[tuple[str, str, str, int], SearchSpec] = {}  # what several agents need
        self.teachers = {task: self._teacher(card) for task, card in tasks.items()}

    def members(self, experiment: Experiment) -> list[str]:
        """Return the keys of an experiment's runs, in order."""
        found = (key for group in experiment.groups for key in self._group(group, experiment.name))
        return list(dict.fromkeys(found))

    def _observations(self, card: TaskCard) -> Observations:
        if card.name not in self.laid:
            found = self.scale.observations(card.name, card.observation)
            if found is None:
                raise A2DError(
                    f"scale {self.name!r}: key {card.observation!r} is missing, "
                    f"which {card.name} needs"
                )
            self.laid[card.name] = found
        return self.laid[card.name]

    def _add(self, stage: Stage, method: str, spec: TrainSpec | SearchSpec, **factors: str) -> str:
        key = key_of(spec)
        known = self.runs.setdefault(key, Run(self.name, stage, method, spec, factors, key))
        if factors not in (known.factors, *known.also):
            self.runs[key] = replace(known, also=(*known.also, factors))
        return key

    def _base(self, card: TaskCard) -> dict[str, Any]:
        return {
            "task": card,
            "a2c": self._observations(card).a2c,
            "ppo": self._observations(card).ppo,
            "evaluation": self.scale.evaluation,
        }

    def _teacher(self, card: TaskCard) -> TrainSpec:
        network = self._observations(card).networks.teacher
        spec = TrainSpec(
            **self._base(card),
            steps=self._steps(card).teacher,
            seed=self.scale.seeds.teacher,
            agent=ManualAgent(network=network),
        )
        self._add("teacher", f"teacher-{network}", spec, network=network)
        return spec

    def _steps(self, card: TaskCard) -> Steps:
        return self._observations(card).steps or self.scale.steps

    def _search_steps(self, card: TaskCard, method: str) -> int:
        """Return a whole number of updates, near the method's share of the scale's steps."""
        update = self._observations(card).algorithm.steps_per_update
        share = self.methods.search[method].share
        return update * max(1, round(share * self._steps(card).search / update))

    def _train(
        self, card: TaskCard, agent: Any, index: int, mode: DistillationMode, group: Group
    ) -> TrainSpec:
        steps = self._steps(card).train
        if group.steps == "total":
            steps += self._search_steps(card, self.scale.a2d.search)
        return TrainSpec(
            **self._base(card),
            steps=steps,
            seed=self.scale.seeds.train[index],
            agent=agent,
            distillation=self.scale.distillation.model_copy(update={"mode": mode}),
            teacher=None if mode == "none" else self.teachers[card.name],
        )

    def _search(self, card: TaskCard, method: str, recipe: str, index: int) -> SearchSpec:
        place = card.name, method, recipe, index
        if place not in self.searches:
            spec = self._search_spec(card, method, recipe, index)
            label = f"search-{_label(method, recipe)}"
            self._add("search", label, spec, search=method, recipe=recipe)
            self.searches[place] = spec
        return self.searches[place]

    def _search_spec(self, card: TaskCard, method: str, recipe: str, index: int) -> SearchSpec:
        chosen, factors = self.methods.search[method], self.methods.recipes[recipe]
        settings = type(chosen.searcher)
        observations = self._observations(card)
        laid = observations.search.model_dump() | factors.search
        if observations.largest_cost is not None:
            laid["largest_cost"] = observations.largest_cost
        own = chosen.searcher.model_dump(exclude_unset=True)
        space = observations.search.space.model_dump()
        space |= factors.search.get("space", {}) | own.pop("space", {})
        search = settings.own(laid) | own
        self._check_candidates(recipe, card)
        distillation = {**self.scale.distillation.model_dump(), **factors.distillation}
        return SearchSpec(
            **self._base(card),
            steps=self._search_steps(card, method),
            seed=self.scale.seeds.search[index],
            search={**search, "space": space, "kind": settings.name()},
            distillation={**distillation, "mode": chosen.distillation},
            teacher=None if chosen.distillation == "none" else self.teachers[card.name],
        )

    def _check_candidates(self, recipe: str, card: TaskCard) -> None:
        """Raise A2DError where a recipe names operators that do not fit a task."""
        names = self.methods.recipes[recipe].search.get("candidates", ())
        try:
            check_names(tuple(names), space_for(card))
        except ValueError as error:
            raise A2DError(
                f"workflow/methods.yaml: recipes.{recipe}.search.candidates: {error}, which "
                f"{card.name} needs; use the recipe in a scale of other tasks"
            ) from error

    def _group(self, group: Group, experiment: str) -> list[str]:
        group = self._named(group)
        for key, names, known, place in (
            ("search", group.search, self.methods.search, " of workflow/methods.yaml"),
            ("recipe", group.recipe, self.methods.recipes, " (workflow/methods.yaml adds to them)"),
            ("network", group.network, NETWORK_NAMES, ""),
        ):
            for name in names:
                if name not in known:
                    source = f"workflow/experiments/{experiment}.yaml"
                    raise A2DError(
                        f"{source}: {key}: {name!r} is not one of {', '.join(known)}{place}"
                    )
        expand_one = {
            "manual": self._manual_group,
            "search": self._search_group,
            "derive": self._derive_group,
            "random": self._derive_group,
        }[group.stage]
        tasks = list(self.tasks.values())[: group.tasks]
        seeds = range(len(self.scale.seeds.train))[: group.seeds]
        places = itertools.product(tasks, seeds)
        return [key for card, index in places for key in expand_one(group, card, index)]

    def _named(self, group: Group) -> Group:
        """Return the group with what the scale calls A2D by its names."""
        named = self.scale.a2d
        return group.model_copy(
            update={
                "search": tuple(named.search if name == A2D else name for name in group.search),
                "recipe": tuple(named.recipe if name == A2D else name for name in group.recipe),
            }
        )

    def _manual_group(self, group: Group, card: TaskCard, index: int) -> list[str]:
        networks = self._observations(card).networks
        pooled = [f"{network}_{POOLED}" for network in networks.every]
        named = {
            EVERY: networks.every,
            STUDENT: (networks.student,),
            POOLED: tuple(name for name in pooled if name in NETWORK_NAMES),
        }
        chosen = itertools.chain.from_iterable(named.get(name, (name,)) for name in group.network)
        keys = []
        for network, mode in itertools.product(chosen, group.distillation):
            label = f"distilled-{network}-{mode}"
            if mode == "none":
                label = f"manual-{network}"
            spec = self._train(card, ManualAgent(network=network), index, mode, group)
            factors = {"network": network, "distillation": mode, "budget": group.steps}
            keys.append(self._add("manual", _longer(label, group), spec, **factors))
        return keys

    def _search_group(self, group: Group, card: TaskCard, index: int) -> list[str]:
        return [
            key_of(self._search(card, method, recipe, index))
            for method, recipe in itertools.product(group.search, group.recipe)
        ]

    def _derive_group(self, group: Group, card: TaskCard, index: int) -> list[str]:
        """Train what was searched, or for the stage 'random' what has as many FLOPs."""
        keys = []
        for method, recipe, mode, draw in itertools.product(
            group.search, group.recipe, group.distillation, range(group.draws)
        ):
            search = self._search(card, method, recipe, index)
            agent: DerivedAgent | RandomAgent = DerivedAgent(search=search)
            name, factors = "derived", {"search": method}
            if group.stage == "random":
                agent = RandomAgent(matched_to=search, draw=draw)
                name, factors = "random", {"random": method, "draw": str(draw)}
            factors |= {"recipe": recipe, "distillation": mode, "budget": group.steps}
            spec = self._train(card, agent, index, mode, group)
            label = _longer(f"{name}-{_label(method, recipe)}-{mode}", group)
            if draw:
                label += f"-draw{draw}"
            keys.append(self._add("derive", label, spec, **factors))
        return keys


def _label(method: str, recipe: str) -> str:
    if recipe == "paper":
        return method
    return f"{method}-{recipe}"


def _longer(label: str, group: Group) -> str:
    if group.steps == "train":
        return label
    return f"{label}-{group.steps}"
