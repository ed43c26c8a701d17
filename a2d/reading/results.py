"""Records of a study as tidy tables: one row per planned run, so that missing ones are visible.

Records are the only source of numbers; the study says what was asked for. A row's ``state`` is one
of ``finished``, ``diverged`` (its score is that of the last good state, and counts), ``missing``
and ``damaged``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from a2d.errors import A2DError
from a2d.reading.decisions.contrasts import Array, Interval, over_seeds
from a2d.reading.decisions.yardstick import Yardstick, make_yardstick
from a2d.reading.deployed import Deployed, load_deployed
from a2d.runs.latencies import design_text
from a2d.runs.records import Record, find_records, read_record, without_collector
from a2d.study.definitions import Networks
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace

SECONDS_PER_HOUR = 3600
FACTORS = ("network", "search", "random", "draw", "recipe", "distillation", "budget")
MEASURES = (
    "score", "error", "flops", "parameters", "latency_ms", "deployed_ms", "steps_done",
    "core_hours", "skips",
)  # fmt: skip
TUNED = "‡"  # marks a task on which settings were chosen
NetworkName = tuple[str, str]  # the task and the network as text, see network_of
COLUMNS = (
    "key",
    "path",
    "task",
    "stage",
    "method",
    *FACTORS,
    "seed",
    "steps",
    "state",
    "reason",
    *MEASURES,
)


class MissingRuns(A2DError):
    """Runs that a statistic needs have no record."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = tuple(paths)
        super().__init__(f"missing runs: {', '.join(self.paths)}")


@dataclass(frozen=True)
class Results:
    """A study and the records there are of it."""

    study: Study
    records: dict[str, Record]  # by key
    damaged: dict[str, str] = field(default_factory=dict)  # why, by key
    stale: tuple[str, ...] = ()  # paths below results/ that belong to no run of the study
    deployed: Deployed = field(default_factory=Deployed)  # as one machine measured, side by side

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per planned run; what no record says is NaN.

        ``error`` is the score's standard error over test episodes. FLOPs, parameters and latencies
        are of one decision (``latency_ms`` in eager PyTorch, ``deployed_ms`` as deployed), times
        are in core-hours.
        """
        return _frame([self._row(run, run.factors) for run in self.study.runs.values()])

    @cached_property
    def labelled(self) -> pd.DataFrame:
        """The runs, and a further row for each other label that one has.

        Two recipes can come to the same search: then it is one run, and belongs to both.
        """
        every = self.study.runs.values()
        others = [self._row(run, factors) for run in every for factors in run.also]
        return pd.concat([self.runs, _frame(others)], ignore_index=True) if others else self.runs

    @property
    def on_bench(self) -> pd.DataFrame:
        """The searches in the benchmark's space, whose results its table holds as trained alone."""
        return self.runs[self.runs["key"].isin(self.study.on_bench)]

    def _row(self, run: Run, factors: dict[str, str]) -> dict[str, Any]:
        row: dict[str, Any] = {"key": run.key, "path": run.path, "task": run.spec.task.name}
        row |= {
            "stage": run.stage,
            "method": run.method,
            "seed": run.spec.seed,
            "steps": run.spec.steps,
        }
        row |= dict.fromkeys(FACTORS, "") | factors
        record = self.records.get(run.key)
        if record is None:
            reason = self.damaged.get(run.key)
            if reason is None:
                return row | {"state": "missing", "reason": ""}
            return row | {"state": "damaged", "reason": reason}
        row |= {
            "state": record.status,
            "reason": record.reason or "",
            "latency_ms": self.latencies.get(network_of(record), math.nan),
            "deployed_ms": self.deployed.deployed.get(network_of(record), math.nan),
        }
        return row | _measures(record)

    @cached_property
    def latencies(self) -> dict[NetworkName, float]:
        """Milliseconds of one eager decision by task and network: the lowest over all its records.

        Runs side by side disturb each other's measurement and can only add to it, so that the same
        network was recorded with up to twice the latency. Where one machine has measured networks
        side by side, its numbers stand alone instead: the others' are not known.
        """
        if self.deployed.eager:
            return self.deployed.eager
        found: dict[NetworkName, float] = {}
        for record in self.records.values():
            network = network_of(record)
            found[network] = min(record.network.latency_median_ms, found.get(network, np.inf))
        return found

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Learning curves: key, step, and mean_return of recent training episodes."""
        rows = [
            (key, point.step, point.mean_return)
            for key, record in self.records.items()
            for point in record.curve
        ]
        frame = pd.DataFrame(rows, columns=["key", "step", "mean_return"])
        return frame.astype({"mean_return": float})  # in which None is NaN

    def title(self, task: str) -> str:
        """Return a task's name for people, marked where settings were chosen on it."""
        title = self.study.tasks[task].title
        if task in self.study.scale.tuned:
            return f"{title} {TUNED}"
        return title

    def networks(self, task: str) -> Networks:
        """Return a task's manual networks, from small to large, its teacher's and the student's."""
        observations = self.study.scale.observations(task, self.study.tasks[task].observation)
        assert observations is not None  # or the study would not have loaded
        return observations.networks

    def manual(self, task: str) -> pd.DataFrame:
        """Return the runs of the size sweep: the scale's sizes, trained without a teacher."""
        alone = where(self.trained(task), distillation="none")
        return alone[alone["network"].isin(self.networks(task).every)]

    def trained(self, task: str) -> pd.DataFrame:
        """Return the manual networks that were trained for as long as a search's result."""
        return where(self.runs, task=task, stage="manual", budget="train")

    def teacher(self, task: str) -> pd.DataFrame:
        """Return the task's teacher, one run."""
        return where(self.runs, task=task, stage="teacher")

    def fixed(self, task: str, mode: str) -> pd.DataFrame:
        """Return the distillation experiment's runs of its fixed network in one mode."""
        student = self.networks(task).student
        return where(self.trained(task), network=student, distillation=mode)

    def best_manual(self, task: str) -> pd.DataFrame:
        """Return all runs of the manual size with the highest mean score; none without a record."""
        return best_size(self.manual(task))

    def equal_steps(self, task: str) -> pd.DataFrame:
        """Return the distilled manual networks of as many steps as a search and its result's."""
        return where(self.runs, task=task, stage="manual", distillation="joint", budget="total")

    @cached_property
    def yardstick(self) -> Yardstick:
        """The scale of normalised scores: 0 is a task's random policy, 1 its teacher."""
        cards = {task: card.random_score for task, card in self.study.tasks.items()}
        teachers = {task: self.teacher(task).iloc[0] for task in cards}
        return make_yardstick(
            {task: None if known is None else known.value for task, known in cards.items()},
            {task: float(row["score"]) for task, row in teachers.items()},
            {task: float(row["error"]) for task, row in teachers.items()},
        )


@dataclass(frozen=True)
class Summary:
    """The scores of one group of seeds, and their mean with its interval (None without records)."""

    planned: int
    recorded: int
    diverged: int
    score: Interval | None
    scores: tuple[float, ...] = ()


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(MEASURES, float) | dict.fromkeys(FACTORS, object))


def network_of(record: Record) -> NetworkName:
    """Return the task of a record, and its network as text."""
    return record.spec.task.name, design_text(record.network.design)


def _measures(record: Record) -> dict[str, float]:
    network, skips = record.network, np.nan
    if record.search is not None:
        skips = record.search.skips
    return {
        "score": record.score,
        "error": _standard_error(record),
        "flops": network.flops,
        "parameters": network.parameters,
        "steps_done": record.steps_done,
        "core_hours": record.timing.wall_s * record.provenance.threads / SECONDS_PER_HOUR,
        "skips": skips,
    }


def _standard_error(record: Record) -> float:
    """Return the standard error of the score over test episodes; NaN of fewer than two."""
    returns = [] if record.evaluation is None else record.evaluation.returns
    if len(returns) < 2:
        return math.nan
    return float(np.std(returns, ddof=1)) / math.sqrt(len(returns))


def load_results(study: Study, folder: Path) -> Results:
    """Read the study's records below ``folder``, whatever scale they are filed under."""
    records, damaged, workspace = {}, {}, Workspace(folder, Path("runs"))
    with without_collector():
        for key, run in study.runs.items():
            path = workspace.find(run)
            if path is None:
                continue
            try:
                records[key] = read_record(path)
            except A2DError as error:
                damaged[key] = str(error)
    wanted = {run.path for run in study.runs.values()}
    found = (path.relative_to(folder).as_posix() for path in find_records(folder / study.name))
    stale = tuple(path for path in found if path not in wanted)
    deployed = load_deployed(folder / study.name, set(map(network_of, records.values())))
    return Results(study, records, damaged, stale, deployed)


def where(rows: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """Return the rows whose columns have these values."""
    chosen = np.ones(len(rows), dtype=bool)
    for column, value in equal.items():
        chosen &= (rows[column] == value).to_numpy(dtype=bool)
    return rows[chosen]  # copied once, not for every column


def best_size(sweep: pd.DataFrame) -> pd.DataFrame:
    """Return all runs of the network with the highest mean score; none without a record."""
    means = sweep.groupby("network", sort=False)["score"].mean().dropna()
    if means.empty:
        return sweep.iloc[:0]
    return where(sweep, network=means.idxmax())


def summarize(rows: pd.DataFrame) -> Summary:
    """Return a group's scores, their mean with its 95 % t interval, and its runs' counts.

    The unit is the seed: the runs of one, as several random architectures, count as their mean.
    """
    scores = rows.groupby("seed")["score"].mean().dropna().to_numpy(dtype=np.float64)
    interval = None
    if len(scores):
        interval = over_seeds("mean score", scores[:, None])
    diverged = int((rows["state"] == "diverged").sum())
    recorded = int(rows["score"].notna().sum())
    return Summary(len(rows), recorded, diverged, interval, tuple(scores.tolist()))


def matrix(rows: pd.DataFrame, tasks: list[str], value: str = "score") -> Array:
    """Return one method's ``value`` as (seeds, tasks), seeds in ascending order.

    A seed's random draws count as one, their mean.

    Raises:
        MissingRuns: a run has no record, or none is planned for a task.
    """
    chosen = rows[rows["task"].isin(tasks)]
    absent = [
        f"{task} (none planned or none recorded)"
        for task in tasks
        if task not in set(chosen["task"])
    ]
    absent += list(chosen.loc[chosen[value].isna(), "path"])
    if absent:
        raise MissingRuns(absent)
    table = chosen.pivot_table(index="seed", columns="task", values=value, aggfunc="mean")
    return table[tasks].to_numpy(dtype=np.float64)
