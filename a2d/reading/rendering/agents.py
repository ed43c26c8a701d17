"""The kinds of agents that are compared: manual, random, searched, each plain or distilled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from a2d.reading.rendering.artifacts import runs_of
from a2d.reading.rendering.style import (
    MANUAL,
    MANUAL_LONGER,
    MODE_NAMES,
    RANDOM,
    RANDOM_LONGER,
    Look,
    agent_look,
    agent_name,
    random_name,
)
from a2d.reading.results import Results, best_size, where
from a2d.study.definitions import Methods

BEST, FIXED = "Best manual", "Fixed manual, distilled training"
EQUAL = "Best manual, distilled, equal steps"  # as a search and its result's training together
A2D, CLAIMED = "A2D", " (A2D in the claims)"
TAUGHT = ("vanilla", "joint")
WAY = ("search", "random", "recipe", "distillation", "budget")  # what tells derived agents apart
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
    longer = pd.concat([best_size(results.equal_steps(task)) for task in tasks])
    yield Kind(EQUAL, MANUAL_LONGER, longer, main=True)


def rows_of(results: Results, artifact: str) -> pd.DataFrame:
    """Return the planned runs that an artifact shows, once for each label that one has."""
    keys = [run.key for run in runs_of(results.study, artifact)]
    return results.labelled[results.labelled["key"].isin(keys)]


def ways_to_search(searches: pd.DataFrame, methods: Methods) -> list[tuple[str, str]]:
    """Return the (method, recipe) of these planned searches, in ``workflow/methods.yaml``'s order.

    All of a recipe's methods come together, the paper's recipe first.
    """
    planned = set(searches[["search", "recipe"]].itertuples(index=False, name=None))
    ways = ((method, recipe) for recipe in methods.recipes for method in methods.search)
    return [way for way in ways if way in planned]


def _ways(rows: pd.DataFrame, methods: Methods) -> list[tuple[str, ...]]:
    """Return the planned agents by their factors, in the order of the methods."""
    recipes, searches, modes = list(methods.recipes), ["", *methods.search], list(MODE_NAMES)

    def rank(way: tuple[str, ...]) -> tuple[object, ...]:
        search, _, recipe, mode, budget = way
        return recipes.index(recipe), searches.index(search), modes.index(mode), budget != "train"

    ways = rows[list(WAY)].drop_duplicates().itertuples(index=False)
    return sorted((tuple(map(str, way)) for way in ways), key=rank)


def _derived(results: Results) -> Iterator[Kind]:
    rows, methods = where(results.runs, stage="derive"), results.study.methods
    for way in _ways(rows, methods):
        search, random, recipe, mode, budget = way
        chosen = where(rows, **dict(zip(WAY, way, strict=True)))
        if random:
            look = RANDOM if budget == "train" else RANDOM_LONGER
            name = random_name(mode, budget)
            yield Kind(name, replace(look, filled=mode != "none"), chosen, main=mode == "joint")
        else:
            look = agent_look(search, recipe, mode)
            name, named = agent_name(methods, search, recipe, mode), results.study.scale.a2d
            own = (search, recipe, mode) == (named.search, named.recipe, "joint")
            if own and name != A2D:
                name += CLAIMED
            main = (search, mode) in MAIN or own
            yield Kind(name, look, chosen, search in (*TAUGHT, named.search), main)


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
