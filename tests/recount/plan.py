"""What a scale plans, read anew from the YAML files of ``workflow/`` and ``envs/``.

A row is one label of a run. Two labels may ask for the same run, as two recipes that only differ
in how a teacher is used do for a search without one: then both rows have the same ``run``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

Data = dict[str, Any]

FACTORS = ("network", "search", "random", "draw", "recipe", "distillation", "budget")
# The recipes that need no file; others are in workflow/methods.yaml.
RECIPES: dict[str, Data] = {
    "paper": {
        "title": "paper's recipe",
        "distillation": {"actor_coefficient": 0.1, "critic_coefficient": 0.001},
    },
    "plus": {
        "title": "A2D+",
        "search": {"space": {"shortcut": "identity"}, "architecture_learning_rate": 0.02},
        "distillation": {
            "actor_coefficient": 1.0,
            "critic_coefficient": 0.5,
            "schedule": "annealed",
        },
    },
}
TAUGHT = {"actor_coefficient": 0.1, "critic_coefficient": 0.001, "schedule": "constant"}
GUMBEL = {"kind": "gumbel", "train_mode": "one-level", "task_gradient": "learnt"}
EPISODES = {"episodes": 30, "environments": 10}
NOT_PLAYED = ("title", "random_score", "reference_score", "step_limit_s")  # keys of a card


def read(path: Path) -> Data:
    """Return a YAML file's data."""
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def laid(below: Data, above: Data) -> Data:
    """Return settings with others laid over them, level by level."""
    both = dict(below)
    for key, value in above.items():
        under = both.get(key)
        both[key] = value
        if isinstance(under, dict) and isinstance(value, dict):
            both[key] = laid(under, value)
    return both


@dataclass(frozen=True)
class Scale:
    """The files that say what a scale plans."""

    name: str
    scale: Data
    cards: dict[str, Data]
    methods: dict[str, Data]
    recipes: dict[str, Data]
    experiments: dict[str, Data]  # only those of this scale
    claims: list[Data]  # of all experiments

    @property
    def tasks(self) -> list[str]:
        return list(self.cards)

    @property
    def a2d(self) -> Data:
        """The search and the recipe that this scale calls A2D."""
        return {"search": "joint", "recipe": "paper"} | self.scale.get("a2d", {})

    def settings(self, task: str) -> Data:
        """Return what holds for a task: what its kind of observation has, and its own."""
        own = self.scale.get("own", {}).get(task, {})
        return laid(self.scale[self.cards[task].get("observation", "vectors")], own)

    def networks(self, task: str) -> Data:
        return dict(self.settings(task)["networks"])

    def steps(self, task: str) -> Data:
        return dict(self.settings(task).get("steps") or self.scale["steps"])

    def search_steps(self, task: str, method: str) -> int:
        """Return whole updates, near the method's share of the steps of a search."""
        settings = self.settings(task)
        learner = {"environments": 16, "rollout_length": 5} | settings.get("a2c", {})
        if "ppo" in settings:
            learner = settings["ppo"]
        update = int(learner["environments"] * learner["rollout_length"])
        share = self.methods[method].get("share", 1)
        return update * max(1, round(share * self.steps(task)["search"] / update))


def read_scale(name: str, root: Path) -> Scale:
    """Read what a scale plans from the checkout."""
    scale = read(root / "workflow" / "scales" / f"{name}.yaml")
    methods = read(root / "workflow" / "methods.yaml")
    files = sorted((root / "workflow" / "experiments").glob("*.yaml"))
    experiments = {path.stem: read(path) for path in files}
    wanted = scale.get("experiments") or list(experiments)
    return Scale(
        name,
        scale,
        {task: read(root / "envs" / f"{task}.yaml") for task in scale["tasks"]},
        methods["search"],
        RECIPES | methods["recipes"],
        {key: value for key, value in experiments.items() if key in wanted},
        [claim for each in experiments.values() for claim in each.get("claims", [])],
    )


def plan(scale: Scale) -> pd.DataFrame:
    """Return a row per label of a run, in the order in which the files ask for them."""
    rows = [_teacher(scale, task) for task in scale.tasks]
    for experiment in scale.experiments.values():
        for group in experiment["groups"]:
            rows += _group(scale, group)
    no_factors = dict.fromkeys(FACTORS, "")
    columns = ["task", "stage", "folder", "seed", *FACTORS, "asked"]
    frame = pd.DataFrame([no_factors | row for row in rows], columns=columns)
    frame["run"] = [json.dumps(asked, sort_keys=True) for asked in frame["asked"]]
    frame = frame.drop_duplicates(["run", *FACTORS], ignore_index=True)
    frame["first"] = ~frame["run"].duplicated()
    return frame


def _common(scale: Scale, task: str) -> Data:
    """Return what every spec of a task says: a part of what its record holds as its spec."""
    settings = scale.settings(task)
    learner: Data = {name: settings[name] for name in ("a2c", "ppo") if name in settings}
    evaluation = EPISODES | scale.scale.get("evaluation", {})
    card = {key: value for key, value in scale.cards[task].items() if key not in NOT_PLAYED}
    return {"task": {"name": task, **card}, "evaluation": evaluation, **learner}


def _teaching(scale: Scale, task: str, mode: str, recipe: str | None) -> Data:
    """Return how a teacher teaches: nothing of it counts where there is none."""
    if mode == "none":
        return {"distillation": {"mode": mode}}
    over = {} if recipe is None else scale.recipes[recipe].get("distillation", {})
    taught = TAUGHT | scale.scale.get("distillation", {}) | over | {"mode": mode}
    return {"distillation": taught, "teacher": _teacher(scale, task)["asked"]}


def _teacher(scale: Scale, task: str) -> Data:
    network, seed = scale.networks(task)["teacher"], scale.scale["seeds"]["teacher"]
    asked = {
        **_common(scale, task),
        **_teaching(scale, task, "none", None),
        "steps": scale.steps(task)["teacher"],
        "seed": seed,
        "agent": {"kind": "manual", "network": network},
    }
    label = {"task": task, "stage": "teacher", "seed": seed, "network": network}
    return {**label, "folder": f"teacher-{network}", "asked": asked}


def _group(scale: Scale, group: Data) -> Iterator[Data]:
    """Yield the runs of one group, each after the search that it needs."""
    stage, budget = group["stage"], group.get("steps", "train")
    modes = group.get("distillation", ["none"])
    named = {key: _named(scale, group, key) for key in ("search", "recipe")}
    seeds = range(len(scale.scale["seeds"]["train"]))[: group.get("seeds")]
    for task, place in product(scale.tasks[: group.get("tasks")], seeds):
        if stage == "manual":
            for network, mode in product(_networks(scale, group, task), modes):
                yield _manual(scale, task, place, network, mode, budget)
            continue
        for method, recipe in product(named["search"], named["recipe"]):
            search = _search(scale, task, place, method, recipe)
            yield search
            if stage != "search":
                for mode, draw in product(modes, range(group.get("draws", 1))):
                    yield _trained(scale, search, place, (stage, mode, budget, draw))


def _named(scale: Scale, group: Data, key: str) -> list[str]:
    names = group.get(key, ["paper"] if key == "recipe" else [])
    return [scale.a2d[key] if name == "a2d" else name for name in names]


def _networks(scale: Scale, group: Data, task: str) -> list[str]:
    networks, found = scale.networks(task), []
    for name in group["network"]:
        if name == "every":
            found += networks["every"]
        elif name == "student":
            found.append(networks["student"])
        elif name == "pooled":
            found += [f"{size}_pooled" for size in networks["every"] if size.startswith("resnet")]
        else:
            found.append(name)
    return found


def _training(scale: Scale, task: str, place: int, mode: str, budget: str) -> Data:
    steps = scale.steps(task)["train"]
    if budget == "total":
        steps += scale.search_steps(task, scale.a2d["search"])
    return {
        **_common(scale, task),
        **_teaching(scale, task, mode, None),
        "steps": steps,
        "seed": scale.scale["seeds"]["train"][place],
    }


def _manual(scale: Scale, task: str, place: int, network: str, mode: str, budget: str) -> Data:
    folder = f"manual-{network}" if mode == "none" else f"distilled-{network}-{mode}"
    asked = _training(scale, task, place, mode, budget)
    asked["agent"] = {"kind": "manual", "network": network}
    return {
        "task": task,
        "stage": "manual",
        "seed": asked["seed"],
        "network": network,
        "distillation": mode,
        "budget": budget,
        "asked": asked,
        "folder": folder + "-total" * (budget == "total"),
    }


def _search(scale: Scale, task: str, place: int, method: str, recipe: str) -> Data:
    chosen, settings = scale.methods[method], scale.settings(task)
    search = laid(settings.get("search", {}), scale.recipes[recipe].get("search", {}))
    search = laid({"space": {"shortcut": "none"}}, search)
    if "largest_cost" in settings:
        search["largest_cost"] = settings["largest_cost"]
    asked = {
        **_common(scale, task),
        **_teaching(scale, task, chosen["distillation"], recipe),
        "kind": "search",
        "steps": scale.search_steps(task, method),
        "seed": scale.scale["seeds"]["search"][place],
        "search": laid(search, GUMBEL | chosen.get("searcher", {})),
    }
    label = {"task": task, "stage": "search", "seed": asked["seed"]}
    label |= {"search": method, "recipe": recipe, "asked": asked}
    return {**label, "folder": "search-" + _label(method, recipe)}


def _trained(scale: Scale, search: Data, place: int, way: tuple[str, str, str, int]) -> Data:
    """Return the training of what a search derived, or of a random network of its FLOPs."""
    stage, mode, budget, draw = way
    task, method, recipe = search["task"], search["search"], search["recipe"]
    asked = _training(scale, task, place, mode, budget)
    label = {"task": task, "stage": "derive", "seed": asked["seed"], "recipe": recipe}
    label |= {"distillation": mode, "budget": budget, "asked": asked}
    end = f"-{_label(method, recipe)}-{mode}" + "-total" * (budget == "total")
    if stage == "derive":
        asked["agent"] = {"kind": "derived", "search": search["asked"]}
        return {**label, "search": method, "folder": f"derived{end}"}
    asked["agent"] = {"kind": "random", "matched_to": search["asked"], "draw": draw}
    folder = f"random{end}" + f"-draw{draw}" * (draw > 0)
    return {**label, "random": method, "draw": str(draw), "folder": folder}


def _label(method: str, recipe: str) -> str:
    return method if recipe == "paper" else f"{method}-{recipe}"
