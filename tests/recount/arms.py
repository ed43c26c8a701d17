"""What the claims compare: arms, each the planned runs of one kind of agent, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from tests.recount.intervals import Array
from tests.recount.records import CLEAR, Recorded, where

Arms = dict[str, pd.DataFrame]
COUNTS = ("fewest_seeds", "most_seeds", "tasks", "missing", "diverged")


class Unknown(Exception):
    """The effect cannot be had from these runs."""


@dataclass(frozen=True)
class Compared:
    """The arms of a claim on the tasks of all of them, with the seeds of which all is planned."""

    recorded: Recorded
    arms: Arms

    @cached_property
    def tasks(self) -> list[str]:
        every_arm = [set(rows["task"]) for rows in self.arms.values()]
        return [task for task in self.recorded.scale.tasks if all(task in arm for arm in every_arm)]

    @cached_property
    def kept(self) -> Arms:
        return {name: _whole(_where_in(rows, self.tasks)) for name, rows in self.arms.items()}

    @property
    def runs(self) -> pd.DataFrame:
        return pd.concat(self.kept.values()).drop_duplicates("run")

    def values(self, arm: str, column: str = "score") -> Array:
        """Return (seeds, tasks, parts) of an arm."""
        rows = self.kept[arm]
        parts = sorted(rows["part"].unique())
        table = rows.set_index(["seed", "task", "part"])[column]
        seeds = sorted(rows["seed"].unique())
        wanted = pd.MultiIndex.from_product([seeds, self.tasks, parts])
        if not wanted.isin(table.index).all() or table.isna().any():
            raise Unknown(f"{arm}: {column}")
        return table[wanted].to_numpy(dtype=float).reshape(len(seeds), len(self.tasks), len(parts))

    def normalised(self, arm: str) -> Array:
        """Return scores between the random policy's 0 and the teacher's 1."""
        values = self.values(arm).copy()
        for place, task in enumerate(self.tasks):
            teacher, low = self.recorded.teacher(task), self.recorded.random.get(task, math.nan)
            if not teacher["score"] - low > CLEAR * teacher["error"]:
                raise Unknown(f"{task} has no scale")
            values[:, place] = (values[:, place] - low) / (teacher["score"] - low)
        return values

    def counts(self) -> dict[str, float]:
        """Return of how many seeds and tasks all is recorded, what is missing, what diverged."""
        arms = [rows for rows in self.kept.values() if not (rows["stage"] == "teacher").all()]
        seeds = [sum(_recorded(rows, "seed")) for rows in arms]
        runs = self.runs
        found = (
            min(seeds, default=0),
            max(seeds, default=0),
            sum(_recorded(runs, "task")),
            runs["score"].isna().sum(),
            (runs["state"] == "diverged").sum(),
        )
        return dict(zip(COUNTS, map(float, found), strict=True))


def _where_in(rows: pd.DataFrame, tasks: list[str]) -> pd.DataFrame:
    return rows[rows["task"].isin(tasks)]


def _recorded(rows: pd.DataFrame, by: str) -> list[bool]:
    return [bool(group["score"].notna().all()) for _, group in rows.groupby(by)]


def _whole(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the seeds that have every task and part."""
    if (rows["stage"] == "teacher").all():
        return rows
    wanted = len(rows[["task", "part"]].drop_duplicates())
    sizes = rows.groupby("seed")["run"].transform("size")
    return rows[sizes == wanted]


def _teachers(recorded: Recorded) -> pd.DataFrame:
    return where(recorded.rows, stage="teacher").assign(part=0)


def _sizes(recorded: Recorded, mode: str, budget: str) -> pd.DataFrame:
    """Return the manual sizes; a part is a size's place among those of its task."""
    rows = where(recorded.rows, stage="manual", distillation=mode, budget=budget)
    networks = {task: recorded.scale.networks(task)["every"] for task in recorded.scale.tasks}
    places = {
        (task, network): place
        for task, each in networks.items()
        for place, network in enumerate(each)
    }
    pairs = zip(rows["task"], rows["network"], strict=True)
    rows = rows.assign(part=[places.get(pair, -1) for pair in pairs])
    return rows[rows["part"] >= 0]


def _fixed(recorded: Recorded, mode: str) -> pd.DataFrame:
    rows = where(recorded.rows, stage="manual", distillation=mode, budget="train")
    students = rows["task"].map(lambda task: recorded.scale.networks(task)["student"])
    return rows[rows["network"] == students].assign(part=0)


def searched(recorded: Recorded, *methods: str) -> Arms:
    """Return searches under A2D's recipe, and what they derived, trained with both heads."""
    same, arms = where(recorded.rows, recipe=recorded.scale.a2d["recipe"]).assign(part=0), {}
    for method in methods:
        rows = where(same, search=method)
        arms[f"{method} searches"] = where(rows, stage="search")
        arms[f"{method} agents"] = where(rows, stage="derive", distillation="joint", budget="train")
    return arms


def sweep(recorded: Recorded) -> Arms:
    return {"teacher": _teachers(recorded), "sizes": _sizes(recorded, "none", "train")}


def heads(recorded: Recorded) -> Arms:
    modes = {mode: _fixed(recorded, mode) for mode in ("none", "actor", "critic", "joint")}
    return {"teacher": _teachers(recorded)} | modes | searched(recorded, "actor", "critic", "joint")


def agents(recorded: Recorded) -> Arms:
    a2d = recorded.scale.a2d
    rows = where(recorded.rows, stage="derive", recipe=a2d["recipe"], distillation="joint")
    drawn = where(rows, random=a2d["search"], budget="total")
    return {
        "teacher": _teachers(recorded),
        "A2D": where(rows, search=a2d["search"], budget="train").assign(part=0),
        "manual": _sizes(recorded, "joint", "total"),
        "random": drawn.assign(part=drawn["draw"].astype(int)),
    }
