"""The kinds of agents that are compared: manual, random, searched, each plain or distilled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from a2d.reading.rendering.style import (
    MANUAL,
    MODE_NAMES,
    RANDOM,
    Look,
    agent_look,
    agent_name,
    random_name,
)
from a2d.reading.results import Results, where
from a2d.study.definitions import Methods

BEST, FIXED, TAUGHT = "Best manual", "Fixed manual, distilled training", ("vanilla", "joint")
MAIN = (("vanilla", "none"), ("joint", "joint"))  # methods and modes of crowded plots


@dataclass(frozen=True)
class Kind:
    """One kind of agent; a hollow look means that its final training had no teacher.

    Args:
        name: for people.
        look: in figures.
        rows: its planned runs on all tasks.
        credit: whether it helps to say what A2D's score is due to.
        main: whether a crowded plot shows it.
    """

    name: str
    look: Look
    rows: pd.DataFrame
    credit: bool = True
    main: bool = False


def _manual(results: Results) -> Iterator[Kind]:
    tasks = list(results.study.tasks)
    best = pd.concat([results.best_manual(task) for task in tasks])
    yield Kind(BEST, replace(MANUAL, filled=False), best, main=True)
    yield Kind(FIXED, MANUAL, pd.concat([results.fixed(task, "joint") for task in tasks]))


def _ways(rows: pd.DataFrame, methods: Methods) -> list[tuple[str, ...]]:
    """Return (search, random, recipe, mode) of the planned agents, in the order of the methods."""
    recipes, searches, modes = list(methods.recipes), ["", *methods.search], list(MODE_NAMES)

    def rank(way: tuple[str, ...]) -> tuple[int, ...]:
        search, _, recipe, mode = way
        return recipes.index(recipe), searches.index(search), modes.index(mode)

    factors = rows[["search", "random", "recipe", "distillation"]].drop_duplicates()
    ways = [tuple(map(str, way)) for way in factors.itertuples(index=False)]
    return sorted(ways, key=rank)


def _derived(results: Results) -> Iterator[Kind]:
    rows, methods = where(results.runs, stage="derive", budget="train"), results.study.methods
    for search, random, recipe, mode in _ways(rows, methods):
        chosen = where(rows, search=search, random=random, recipe=recipe, distillation=mode)
        if random:
            look = replace(RANDOM, filled=mode != "none")
            yield Kind(random_name(mode), look, chosen, main=mode == "joint")
        else:
            look = agent_look(search, recipe, mode)
            name, main = agent_name(methods, search, recipe, mode), (search, mode) in MAIN
            yield Kind(name, look, chosen, search in TAUGHT, main)


def kinds(results: Results) -> list[Kind]:
    """Return every kind of agent that the study plans: manual, random, then searched ones."""
    found = [*_manual(results), *_derived(results)]
    return [kind for kind in found if len(kind.rows) or kind.name == BEST]


def a2d(results: Results) -> Kind | None:
    """Return A2D's agents: what the scale calls so, trained with joint distillation."""
    named = results.study.scale.a2d
    trained = where(results.runs, stage="derive", budget="train", distillation="joint")
    rows = where(trained, search=named.search, recipe=named.recipe)
    return next(
        (kind for kind in kinds(results) if len(rows) and kind.rows["key"].equals(rows["key"])),
        None,
    )
