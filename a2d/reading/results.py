"""Records of a study as tidy tables: one row per planned run, so that missing ones are visible.

Records are the only source of numbers; the study says what was asked for. A row's ``state`` is one
of ``finished``, ``diverged`` (its score is that of the last good state, and counts), ``missing``
and ``damaged``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from a2d.errors import A2DError
from a2d.reading.deployed import Deployed, load_deployed
from a2d.reading.statistics import Array, Interval, mean_interval, normalize
from a2d.runs.latencies import design_text
from a2d.runs.records import Record, find_records, read_record, reading_many
from a2d.study.definitions import Networks
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace

SECONDS_PER_HOUR = 3600
FACTORS = ("network", "search", "random", "recipe", "distillation")
MEASURES = (
    "score", "flops", "parameters", "latency_ms", "deployed_ms",
    "steps_done", "core_hours", "skips",
)  # fmt: skip
FEWEST = 3  # seeds of which an interval is shown: of two it covers the mean in half of all cases
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
    deployed: Deployed = field(
        default_factory=Deployed
    )  # latencies that one machine measured side by side

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per planned run; what no record says is NaN.

        FLOPs, parameters and latencies are of one decision, times are in core-hours.
        """
        rows = [self._row(run) for run in self.study.runs.values()]
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
        return frame.astype(dict.fromkeys(MEASURES, float) | dict.fromkeys(FACTORS, object))

    def _row(self, run: Run) -> dict[str, Any]:
        row: dict[str, Any] = {"key": run.key, "path": run.path, "task": run.spec.task.name}
        row |= {
            "stage": run.stage,
            "method": run.method,
            "seed": run.spec.seed,
            "steps": run.spec.steps,
        }
        row |= dict.fromkeys(FACTORS, "") | run.factors
        record = self.records.get(run.key)
        if record is None:
            reason = self.damaged.get(run.key)
            if reason is None:
                return row | {"state": "missing", "reason": ""}
            return row | {"state": "damaged", "reason": reason}
        row |= {
            "state": record.status,
            "reason": record.reason or "",
            "latency_ms": self.latencies[network_of(record)],
            "deployed_ms": self.deployed.deployed.get(network_of(record), np.nan),
        }
        return row | _measures(record)

    @cached_property
    def latencies(self) -> dict[tuple[str, str], float]:
        """Milliseconds of one eager decision by task and network: the lowest over all its records.

        Runs side by side disturb each other's measurement and can only add to it, so that the same
        network was recorded with up to twice the latency. Where one machine has measured all
        networks side by side, its numbers stand instead.
        """
        found: dict[tuple[str, str], float] = {}
        for record in self.records.values():
            network = network_of(record)
            found[network] = min(record.network.latency_median_ms, found.get(network, np.inf))
        return found | self.deployed.eager

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
        """Return a task's name for people."""
        return self.study.tasks[task].title

    def networks(self, task: str) -> Networks:
        """Return a task's manual networks, from small to large, its teacher's and the student's."""
        observations = getattr(self.study.scale, self.study.tasks[task].observation)
        assert observations is not None  # or the study would not have loaded
        return observations.networks

    def manual(self, task: str) -> pd.DataFrame:
        """Return the runs of the size sweep: manual networks, trained without a teacher."""
        return where(self.runs, task=task, stage="manual", distillation="none")

    def teacher(self, task: str) -> pd.DataFrame:
        """Return the task's teacher, one run."""
        return where(self.runs, task=task, stage="teacher")

    def fixed(self, task: str, mode: str) -> pd.DataFrame:
        """Return the distillation experiment's runs of its fixed network in one mode."""
        student = self.networks(task).student
        return where(self.runs, task=task, stage="manual", network=student, distillation=mode)

    def best_manual(self, task: str) -> pd.DataFrame:
        """Return all runs of the manual size with the highest mean score; none without a record."""
        sweep = self.manual(task)
        means = sweep.groupby("network", sort=False)["score"].mean().dropna()
        if means.empty:
            return sweep.iloc[:0]
        return where(sweep, network=means.idxmax())


@dataclass(frozen=True)
class Summary:
    """The scores of one group of seeds, and their mean with its interval (None without records)."""

    planned: int
    recorded: int
    diverged: int
    score: Interval | None
    scores: tuple[float, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether the interval says anything; of fewer seeds the scores themselves are shown."""
        return self.recorded >= FEWEST


@dataclass(frozen=True)
class Yardstick:
    """The scale of normalised scores: 0 is a task's random agent, 1 its best manual size."""

    low: dict[str, float]
    high: dict[str, float]
    problems: dict[str, str]

    @property
    def tasks(self) -> list[str]:
        """The tasks that have a scale."""
        return list(self.low)

    def apply(self, scores: Array, tasks: list[str]) -> Array:
        """Normalise (seeds, tasks)."""
        return normalize(
            scores, [self.low[task] for task in tasks], [self.high[task] for task in tasks]
        )


def network_of(record: Record) -> tuple[str, str]:
    """Return the task of a record, and its network as text."""
    return record.spec.task.name, design_text(record.network.design)


def _measures(record: Record) -> dict[str, float]:
    network, skips = record.network, np.nan
    if record.search is not None:
        skips = record.search.skips
    return {
        "score": record.score,
        "flops": network.flops,
        "parameters": network.parameters,
        "steps_done": record.steps_done,
        "core_hours": record.timing.wall_s * record.provenance.threads / SECONDS_PER_HOUR,
        "skips": skips,
    }


def load_results(study: Study, folder: Path) -> Results:
    """Read the study's records below ``folder``, whatever scale they are filed under."""
    records, damaged, workspace = {}, {}, Workspace(folder, Path("runs"))
    with reading_many():
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
    for column, value in equal.items():
        rows = rows[rows[column] == value]
    return rows


def summarize(rows: pd.DataFrame) -> Summary:
    """Return a group's scores, their mean with a 95 % bootstrap interval, and its runs' counts."""
    scores = rows["score"].dropna().to_numpy(dtype=np.float64)
    interval = None
    if len(scores):
        interval = mean_interval(scores, np.random.default_rng(0))
    diverged = int((rows["state"] == "diverged").sum())
    return Summary(len(rows), len(scores), diverged, interval, tuple(scores.tolist()))


def matrix(rows: pd.DataFrame, tasks: list[str], value: str = "score") -> Array:
    """Return one method's ``value`` as (seeds, tasks), seeds in ascending order.

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
    table = chosen.pivot_table(index="seed", columns="task", values=value, sort=True)
    return table[tasks].to_numpy(dtype=np.float64)


def make_yardstick(results: Results) -> Yardstick:
    """Find every task's scale, or why it has none."""
    low, high, problems = {}, {}, {}
    for task, card in results.study.tasks.items():
        best = results.best_manual(task)["score"].mean()
        if card.random_score is None:
            problems[task] = "its card has no random score"
        elif np.isnan(best):
            problems[task] = "no manual agent is recorded"
        elif best <= card.random_score.value:
            problems[task] = (
                f"no manual size scores above random ({best:.3g} ≤ {card.random_score.value:.3g})"
            )
        else:
            low[task], high[task] = card.random_score.value, float(best)
    return Yardstick(low, high, problems)
