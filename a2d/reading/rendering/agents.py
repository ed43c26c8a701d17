"""The kinds of agents that are compared: manual, random, searched, each plain or distilled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from a2d.reading.rendering.style import (
    MANUAL,
    MODE_NAMES,
    PAPER,
    RANDOM,
    Look,
    agent_look,
    agent_name,
    random_name,
)
from a2d.reading.results import Results, where

BEST, FIXED, TAUGHT = "Best manual", "Fixed manual, distilled training", ("vanilla", "joint")


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


def _derived(results: Results) -> Iterator[Kind]:
    rows, methods = where(results.runs, stage="derive"), results.study.methods
    factors = (
        rows[["search", "random", "recipe", "distillation"]]
        .drop_duplicates()
        .itertuples(index=False)
    )
    order = ["", *methods.search], list(methods.recipes), list(MODE_NAMES)

    def rank(kind: tuple[str, ...]) -> tuple[int, ...]:
        search, _, recipe, mode = kind
        return order[1].index(recipe), order[0].index(search), order[2].index(mode)

    for search, random, recipe, mode in sorted(
        (tuple(map(str, kind)) for kind in factors), key=rank
    ):
        chosen = where(rows, search=search, random=random, recipe=recipe, distillation=mode)
        if random:
            yield Kind(
                random_name(mode),
                replace(RANDOM, filled=mode != "none"),
                chosen,
                main=mode == "joint",
            )
            continue
        name, look = agent_name(methods, search, recipe, mode), agent_look(search, recipe, mode)
        yield Kind(
            name,
            look,
            chosen,
            search in TAUGHT,
            (search, mode) in (("vanilla", "none"), ("joint", "joint")),
        )


def kinds(results: Results) -> list[Kind]:
    """Return every kind of agent that the study plans: manual, random, then searched ones."""
    found = [*_manual(results), *_derived(results)]
    return [kind for kind in found if len(kind.rows) or kind.name == BEST]


def a2d(results: Results) -> Kind | None:
    """Return A2D's agents: joint distillation in search and training, by the paper's recipe."""
    rows = where(results.runs, stage="derive", search="joint", recipe=PAPER, distillation="joint")
    return next(
        (kind for kind in kinds(results) if len(rows) and kind.rows["key"].equals(rows["key"])),
        None,
    )
