"""The table of trained architectures, from one Parquet file: scores, curves and costs as arrays.

Needs numpy and pyarrow alone, and neither PyTorch nor pandas, which takes a second to import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import ArrowException

from a2d.benchmark.space import Space
from a2d.errors import A2DError
from a2d.files import checksum

Array = NDArray[np.float64]

DESCRIPTION = b"a2d-bench"  # the key, in the file's metadata, of what all rows share
PUBLISHED = Path(__file__).parents[2] / "results" / "bench" / "table.parquet"
PUBLISHED_LONGER = PUBLISHED.with_name("longer.parquet")
CROISSANT = "croissant.json"  # the description of the files beside it
# What another file, or a damaged one, may raise in pyarrow, json and Table.
UNREADABLE = (
    A2DError, ArrowException, AttributeError, IndexError, KeyError, OSError, TypeError, ValueError,
)  # fmt: skip


class Run(NamedTuple):
    """What came of one training after some of its steps.

    ``value`` is the mean return of the test episodes or, after fewer steps than all, of the last
    (at most 100) training episodes; NaN where there is none. ``curve`` holds the latter after every
    ``every`` steps so far.
    """

    architecture: str
    task: str
    seed: int
    steps: int
    value: float
    every: int
    curve: Array
    key: str


class Cost(NamedTuple):
    """What one decision of a network costs, and training it on one core: a mean over seeds.

    ``deployed_ms``: of a decision in ONNX Runtime, batch 1 on one thread; NaN if not measured.
    """

    flops: int
    parameters: int
    deployed_ms: float
    training_seconds: float


class Coverage(NamedTuple):
    """How many architectures of a task have been trained with every seed, of how many."""

    complete: int
    size: int

    def __str__(self) -> str:
        return f"{self.complete} of {self.size} architectures"


class Table:
    """Trainings by architecture, task and seed.

    Attributes:
        title: of the benchmark.
        version: raised when the table's content changes.
        space: of the architectures; arrays below are in its order.
        built: how their cells are built: how many, how wide, with which shortcut.
        tasks: names of the tasks.
        cards: what each task's card is called, by the task's name.
        seeds: of the trainings.
        steps: of every training.
        every: steps from a point of a curve to the next.
        scores: mean test returns, (tasks, architectures, seeds); NaN where none is recorded.
        curves: training returns, (tasks, architectures, seeds, points).

    The arrays are read-only.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], description: dict[str, Any]) -> None:
        self.built: dict[str, Any] = description["built"]
        self.space = Space(tuple(description["operators"]), self.built["cells"])
        self.tasks = tuple(description["tasks"])
        self.cards: dict[str, str] = description["tasks"]
        self.seeds = tuple(description["seeds"])
        self.steps, self.every = description["steps"], description["every"]
        self.title, self.version = description["title"], description["version"]
        shape = (len(self.tasks), self.space.size, len(self.seeds))
        self.scores = np.full(shape, np.nan)
        self.curves = np.full((*shape, self.steps // self.every), np.nan)
        self._keys, self._seconds = np.full(shape, "", dtype="O"), np.full(shape, np.nan)
        self._costs = np.full((*shape[:2], 3), np.nan)  # FLOPs, parameters, deployed milliseconds
        for row in zip(*(columns[name] for name in COLUMNS), strict=True):
            self._add(*row)
        for array in (self.scores, self.curves):
            array.flags.writeable = False

    def _add(
        self, key: str, architecture: str, task: str, seed: int, returns: Array, curve: Array,
        flops: int, parameters: int, deployed_ms: float | None, seconds: float,
    ) -> None:  # fmt: skip
        place = self._place(architecture, task, seed)
        if self._keys[place]:
            raise A2DError(f"{architecture}, {task}, seed {seed}: is there twice")
        self._keys[place] = key
        self.scores[place] = np.mean(returns) if len(returns) else np.nan
        self.curves[place][: len(curve)] = np.array(curve, dtype=float)
        self._seconds[place] = seconds
        milliseconds = np.nan if deployed_ms is None else deployed_ms
        self._costs[place[:2]] = flops, parameters, milliseconds

    def _place(self, architecture: str, task: str, seed: int) -> tuple[int, int, int]:
        if seed not in self.seeds:
            raise A2DError(f"seed {seed!r}: the table has {', '.join(map(str, self.seeds))}")
        return self.place(task), self.space.index(architecture), self.seeds.index(seed)

    def place(self, task: str) -> int:
        """Return a task's place in the arrays. Raise A2DError where the table has no such."""
        if task not in self.tasks:
            raise A2DError(f"task {task!r}: the table has {', '.join(self.tasks)}")
        return self.tasks.index(task)

    def query(self, architecture: str, task: str, seed: int, steps: int | None = None) -> Run:
        """Return what came of one training after all its steps, or after some of them.

        Args:
            architecture: its operators in order, as in ``conv3-skip-skip-conv3``.
            task: one of ``tasks``.
            seed: one of ``seeds``.
            steps: a multiple of ``every``, at most the table's ``steps``, which is the default.

        Raises:
            A2DError: the table has no such training; it says what there is.
        """
        place, done = self._place(architecture, task, seed), self.check_steps(steps)
        if not self._keys[place]:
            raise A2DError(
                f"{architecture}, {task}, seed {seed}: is not trained yet; the table has "
                f"{self.coverage(task)} of {task} with every seed"
            )
        curve = self.curves[place][: done // self.every]
        value = self.scores[place] if done == self.steps else curve[-1]
        return Run(
            architecture, task, seed, done, float(value), self.every, curve, self._keys[place]
        )

    def check_steps(self, steps: int | None) -> int:
        """Return the steps, all of them for None; raise A2DError where a curve has no such."""
        if steps is None:
            return self.steps
        if steps not in range(self.every, self.steps + 1, self.every):
            raise A2DError(
                f"steps {steps!r}: should be a multiple of {self.every:,}, up to {self.steps:,}"
            )
        return int(steps)

    def cost(self, architecture: str, task: str) -> Cost:
        """Return what an architecture costs on a task. Raise A2DError where none was trained."""
        place = self.place(task), self.space.index(architecture)
        trained = self._seconds[place][~np.isnan(self._seconds[place])]
        if not len(trained):
            raise A2DError(f"{architecture}, {task}: is not trained yet, so its cost is not known")
        flops, parameters, milliseconds = self._costs[place].tolist()
        return Cost(int(flops), int(parameters), milliseconds, float(trained.mean()))

    def flops(self, task: str) -> Array:
        """Return the FLOPs of every architecture on a task, (architectures,); NaN if untrained."""
        return np.asarray(self._costs[self.place(task), :, 0])

    def means(self, task: str) -> Array:
        """Return the mean score over seeds of every architecture, NaN where one is lacking."""
        return np.asarray(self.scores[self.place(task)].mean(axis=1))

    def complete(self, task: str) -> NDArray[np.bool_]:
        """Return which architectures have a score with every seed, (architectures,)."""
        return np.asarray(self._complete[self.place(task)])

    @cached_property
    def _complete(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.scores).any(axis=2)

    def coverage(self, task: str) -> Coverage:
        """Return how much of a task is there."""
        return Coverage(int(self.complete(task).sum()), self.space.size)

    def percentile(self, architecture: str, task: str) -> float:
        """Return the share, in per cent, of a task's architectures that score no higher.

        Scores are means over all seeds; of a table that is not complete, those it has count.

        Raises:
            A2DError: the architecture has not been trained with every seed.
        """
        index, there = self.space.index(architecture), self.complete(task)
        if not there[index]:
            raise A2DError(
                f"{architecture}, {task}: is not trained with every seed yet; the table has "
                f"{self.coverage(task)} of {task}"
            )
        return float(self.percentiles(task)[index])

    def percentiles(self, task: str) -> Array:
        """Return the percentile of every architecture, (architectures,); NaN without all seeds."""
        means, there = self.means(task), self.complete(task)
        found = np.full(self.space.size, np.nan)
        found[there] = percentiles_among(np.sort(means[there]), means[there])
        return found


# What the reader takes of every row, in the order of ``Table._add``.
COLUMNS = (
    "key", "architecture", "task", "seed", "returns", "curve", "flops", "parameters", "deployed_ms",
    "seconds",
)  # fmt: skip


def percentiles_among(ordered: Array, values: Array) -> Array:
    """Return, for each value, the per cent of some ordered numbers that are no higher."""
    return np.asarray(100 * np.searchsorted(ordered, values, side="right") / len(ordered))


def open_table(path: Path = PUBLISHED) -> Table:
    """Read a published table, by default the checkout's own.

    Raises:
        A2DError: there is none, or the file is no such table, or it is not the one that the
            description beside it is of.
    """
    try:
        _check_published(path)
        file = pq.ParquetFile(path)
        description = json.loads(file.schema_arrow.metadata[DESCRIPTION])
        return Table(file.read(columns=list(COLUMNS)).to_pydict(), description)
    except FileNotFoundError as error:
        raise A2DError(
            f"{path}: there is no table; in a checkout `a2d bench-table publish` makes it"
        ) from error
    except UNREADABLE as error:
        raise A2DError(f"{path}: cannot be read as a table of the benchmark: {error}") from error


def _check_published(path: Path) -> None:
    """Raise ValueError where the description beside the file is of another content."""
    beside = path.with_name(CROISSANT)
    if not beside.exists():
        return
    described = json.loads(beside.read_bytes())["distribution"]
    sums = {file["contentUrl"]: file["sha256"] for file in described}
    if path.name in sums and sums[path.name] != checksum(path):
        raise ValueError(f"its checksum is not the one in {CROISSANT}; `a2d bench-table publish`")
