"""From tidy results to the arrays that the tests of claims decide.

What a test compares are its arms, each the planned runs of one kind of agent, by a name of the
test's own. Where an arm has several runs for a seed and a task, as sizes or draws, they are parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from a2d.reading import lookups
from a2d.reading.decisions.contrasts import Array, UndefinedEffect
from a2d.reading.results import Results, where

Arms = dict[str, pd.DataFrame]
PART = "part"  # the column that tells an arm's parts apart, from 0 on


@dataclass(frozen=True)
class Evidence:
    """The arms of one test, on the tasks and with the seeds for which an arm's parts are planned.

    Arms may have different seeds; ``tasks`` are those of all of them.
    """

    results: Results
    tasks: list[str]
    arms: Arms

    @property
    def planned(self) -> bool:
        """Whether the study plans runs of every arm."""
        return bool(self.tasks) and not any(rows.empty for rows in self.arms.values())

    @property
    def complete(self) -> bool:
        """Whether all of them are recorded."""
        return self.planned and bool(self.runs["score"].notna().all())

    @property
    def runs(self) -> pd.DataFrame:
        """Every run that the test reads, once."""
        every = pd.concat([self.results.runs.iloc[:0], *self.arms.values()])
        return every.drop_duplicates("key")

    def on(self, tasks: Sequence[str]) -> Evidence:
        """Return the evidence on some of its tasks."""
        arms = {name: rows[rows["task"].isin(tasks)] for name, rows in self.arms.items()}
        return Evidence(self.results, list(tasks), arms)

    def values(self, arm: str, column: str = "score") -> Array:
        """Return a column of an arm as (seeds, tasks, parts), seeds in ascending order.

        UndefinedEffect: a task lacks a part, as where tasks have different numbers of sizes; or a
        run has no such value.
        """
        rows = self.arms[arm]
        seeds, places = np.unique(rows["seed"], return_inverse=True)
        parts, numbers = np.unique(rows[PART], return_inverse=True)
        cells = np.full((len(seeds), len(self.tasks), len(parts)), np.nan)
        planned = np.zeros(cells.shape[1:], dtype=bool)
        tasks = pd.Index(self.tasks).get_indexer(pd.Index(rows["task"]))
        planned[tasks, numbers] = True
        for task, part in np.argwhere(~planned):
            lacking = f"{self.tasks[task]} has no number {parts[part] + 1} of {arm}"
            raise UndefinedEffect(f"{lacking}, as other tasks have")
        if rows[column].isna().any():
            raise UndefinedEffect(f"{arm}: not every run has a value of {column!r}")
        cells[places, tasks, numbers] = rows[column]
        return cells

    def scores(self, arm: str) -> Array:
        """Return an arm's normalised scores, (seeds, tasks, parts).

        UndefinedEffect: a task has no scale.
        """
        return self.results.yardstick.apply(self.values(arm), self.tasks)

    def random(self) -> Array:
        """Return the random policy's scores, (tasks,). UndefinedEffect: a card has none."""
        known = {task: self.results.study.tasks[task].random_score for task in self.tasks}
        lacking = [task for task, score in known.items() if score is None]
        if lacking:
            raise UndefinedEffect(f"{', '.join(lacking)}: the card has no random score")
        return np.array([score.value for score in known.values() if score is not None])

    def seeds(self) -> dict[str, int]:
        """Return of how many seeds every run is recorded, by arm; a teacher has one for all."""
        recorded = {}
        for name, rows in self.arms.items():
            if not (rows["stage"] == "teacher").all():
                whole = rows["score"].notna().groupby(rows["seed"]).all()
                recorded[name] = int(whole.sum())
        return recorded


def gather(results: Results, arms: Arms) -> Evidence:
    """Keep of the arms the tasks that all of them have, and the seeds of which all is planned."""
    named = {name: rows.assign(**{PART: rows.get(PART, 0)}) for name, rows in arms.items()}
    tasks = [
        task
        for task in results.study.tasks
        if all((rows["task"] == task).any() for rows in named.values())
    ]
    return Evidence(results, tasks, {name: _whole(rows, tasks) for name, rows in named.items()})


def _whole(rows: pd.DataFrame, tasks: list[str]) -> pd.DataFrame:
    """Return the rows of these tasks and of the seeds that have every task and part."""
    rows = rows[rows["task"].isin(tasks)]
    if (rows["stage"] == "teacher").all():
        return rows
    planned = rows.groupby("seed")["key"].count()
    full = planned.index[planned == len(rows[["task", PART]].drop_duplicates())]
    return rows[rows["seed"].isin(full)]


def sizes(results: Results, distillation: str, budget: str) -> pd.DataFrame:
    """Return the manual networks; a part is a network's place among the sizes of its task."""
    networks = {task: results.networks(task).every for task in results.study.tasks}
    rows = where(results.labelled, stage="manual", distillation=distillation, budget=budget)
    return pd.concat(
        [
            where(rows, task=task, network=network).assign(**{PART: place})
            for task, every in networks.items()
            for place, network in enumerate(every)
        ]
    )


def fixed(results: Results, mode: str) -> pd.DataFrame:
    """Return the fixed networks under one mode of distillation."""
    return pd.concat([results.fixed(task, mode) for task in results.study.tasks])


def teachers(results: Results) -> pd.DataFrame:
    """Return the teachers, who set the scale of normalised scores."""
    return where(results.labelled, stage="teacher")


def searches(results: Results, method: str) -> pd.DataFrame:
    """Return the searches of a method under the recipe of what this scale calls A2D."""
    recipe = results.study.scale.a2d.recipe
    return where(results.labelled, stage="search", search=method, recipe=recipe)


def on_bench(results: Results) -> pd.DataFrame:
    """Return the searches in the benchmark's space, with what its table says of them."""
    return lookups.look_up_all(results, lookups.published())


def derived(results: Results, method: str) -> pd.DataFrame:
    """Return what these searches derived, trained with joint distillation."""
    return where(_distilled(results, "train"), search=method)


def random(results: Results) -> pd.DataFrame:
    """Return random architectures of A2D's FLOPs, of equal total steps; a part is a draw."""
    rows = where(_distilled(results, "total"), random=results.study.scale.a2d.search)
    return rows.assign(**{PART: rows["draw"].astype(int)})


def _distilled(results: Results, budget: str) -> pd.DataFrame:
    recipe = results.study.scale.a2d.recipe
    return where(
        results.labelled, stage="derive", recipe=recipe, distillation="joint", budget=budget
    )
