"""What searches that were really run have found, looked up in the benchmark's table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from a2d.benchmark.quality import rank_correlation
from a2d.benchmark.space import SEPARATOR
from a2d.benchmark.table import PUBLISHED, Array, Table, open_table
from a2d.errors import A2DError
from a2d.reading.bench import describe_mean
from a2d.reading.results import Results
from a2d.runs.records import Record, SearchOutcome
from a2d.specs.run import SearchSpec
from a2d.study.bench.definition import Benchmark

NEAR = 0.1  # how far FLOPs of a search's rivals may differ from those of what it derived
# What numbers of a lookup cannot exceed, and so the intervals of their means do not.
LIMITS = {
    "percentile": (0.0, 100.0), "cost": (0.0, 100.0), "lead_at_cost": (-100.0, 100.0),
    "correlation": (-1.0, 1.0),
}  # fmt: skip


class Lookup(NamedTuple):
    """One search.

    Attributes:
        architecture: what it derived.
        percentile: the per cent of the task's architectures that return no more, trained alone.
        lead: of the percentile over chance, which is the mean percentile of all architectures.
        alone: what it returns when trained alone, the mean over the table's seeds.
        cost: the per cent of the task's architectures that have no more FLOPs.
        lead_at_cost: of the percentile over the mean one of all others of about the same FLOPs
            (within 10 %), so that to be larger is no merit; NaN where there are none.
        correlation: Spearman's, of what the search thought of architectures with what they return
            when trained alone; NaN where it thought of fewer than three that the table has.
        ranked: over how many architectures that is.
    """

    architecture: str
    percentile: float
    lead: float
    alone: float
    cost: float
    lead_at_cost: float
    correlation: float
    ranked: int


@cache
def published() -> Table | None:
    """Return the checkout's table, None where there is none yet."""
    return open_table() if PUBLISHED.exists() else None


def look_up_all(results: Results, table: Table | None) -> pd.DataFrame:
    """Return the study's searches in the benchmark's space, and where they stand in its table.

    Beside the columns of ``results.runs``: the numbers of a ``Lookup``; NaN where there is no
    record, no table, or the table lacks what was derived.
    """
    rows, names = results.on_bench, Lookup._fields[1:]
    tasks = {} if table is None else {card: task for task, card in table.cards.items()}
    found: list[dict[str, float]] = []
    for _, row in rows.iterrows():
        record, task = results.records.get(row["key"]), tasks.get(row["task"])
        measures = dict.fromkeys(names, np.nan)
        if record is not None and record.search is not None and table is not None and task:
            assert isinstance(record.spec, SearchSpec)
            candidates = record.spec.search.operators(record.spec.space)
            measures |= _known(table, task, record.search, candidates)
        found.append(measures)
    return rows.assign(**{name: [each[name] for each in found] for name in names})


def chance(table: Table, task: str) -> float:
    """Return the mean percentile of a task's architectures, which one drawn at random expects."""
    return 50 * (1 + 1 / table.coverage(task).complete)


def _known(
    table: Table, task: str, found: SearchOutcome, candidates: Sequence[str]
) -> dict[str, float]:
    """Return the numbers of a lookup by name; none where the table lacks what was derived."""
    design = found.architecture
    alike = design.cells.model_dump(mode="json") == table.built
    if not alike or not set(design.operators) <= set(table.space.operators):
        return {}
    if not table.complete(task)[table.space.index(SEPARATOR.join(design.operators))]:
        return {}
    return look_up(table, task, found, candidates)._asdict()


def look_up(table: Table, task: str, found: SearchOutcome, candidates: Sequence[str]) -> Lookup:
    """Look up what a search derived, and how it ranked what it had seen.

    A differentiable search thinks of an architecture by the sum of its operators' alpha, others by
    the mean score of its trials.

    Args:
        table: of the space that was searched.
        task: of the table.
        found: by the search.
        candidates: the search's operators, in its order.

    Raises:
        A2DError: the table lacks what was derived.
    """
    name = SEPARATOR.join(found.architecture.operators)
    thought = _thought(table, found, candidates)
    there, alone, flops = table.complete(task), table.means(task), table.flops(task)
    known = there & ~np.isnan(thought)
    percentile, place = table.percentile(name, task), table.space.index(name)
    return Lookup(
        architecture=name,
        percentile=percentile,
        lead=percentile - chance(table, task),
        alone=float(alone[place]),
        cost=100 * float(np.mean(flops[there] <= flops[place])),
        lead_at_cost=percentile - _rivals(table, task, place),
        correlation=rank_correlation(thought[known], alone[known]),
        ranked=int(known.sum()),
    )


def _rivals(table: Table, task: str, place: int) -> float:
    """Return the mean percentile of the other architectures of about the same FLOPs as one."""
    flops = table.flops(task)
    near = table.complete(task) & (np.abs(flops / flops[place] - 1) <= NEAR)
    near[place] = False
    if not near.any():
        return math.nan
    return float(table.percentiles(task)[near].mean())


def _thought(table: Table, found: SearchOutcome, candidates: Sequence[str]) -> Array:
    """Return what a search thought of every architecture, NaN where nothing, (architectures,)."""
    space, sums = table.space, np.zeros(table.space.size)
    if found.alpha is not None:
        alpha = np.full((space.cells, len(space.operators)), math.nan)
        for place, operator in enumerate(space.operators):
            if operator in candidates:
                alpha[:, place] = np.array(found.alpha)[:, candidates.index(operator)]
        return np.asarray(alpha[np.arange(space.cells), space.all_places()].sum(axis=1))
    counts = np.zeros(space.size)
    for trial in found.trials:
        if trial.score is not None and set(trial.operators) <= set(space.operators):
            index = space.index(SEPARATOR.join(trial.operators))
            sums[index] += trial.score
            counts[index] += 1
    return np.divide(sums, counts, out=np.full(space.size, np.nan), where=counts > 0)


def describe_lookups(
    benchmark: Benchmark, table: Table, task: str, records: dict[str, Record]
) -> Iterator[str]:
    """Yield a line for every search, by its record's path, and their means with intervals.

    Raises:
        A2DError: a record is no search's, or another's again, or of another space or task than the
            table's.
    """
    coverage = table.coverage(task)
    found = [_checked(benchmark, table, task, path, record) for path, record in records.items()]
    seen: dict[str, str] = {}
    for path, record in records.items():
        if seen.setdefault(record.key, path) != path:
            raise A2DError(f"{path}: is the same search as {seen[record.key]}")
    yield f"{task}: {coverage} are there with every seed"
    for path, lookup in zip(records, found, strict=True):
        yield f"{_one(lookup)}  {path}"
    known = [lookup for lookup in found if isinstance(lookup, Lookup)]
    means = {
        name: describe_mean(np.array([[getattr(lookup, name)] for lookup in known]), LIMITS[name])
        for name in ("percentile", "lead_at_cost", "correlation")
    }
    yield (
        f"percentile {means['percentile']} of {len(known)} searches; one drawn at random expects "
        f"{chance(table, task):.1f}"
    )
    yield f"lead {means['lead_at_cost']} over all others of the same FLOPs (within {NEAR:.0%})"
    yield f"rank correlation {means['correlation']}"


def _one(lookup: Lookup | str) -> str:
    """Say what came of a search, by its lookup or by what it derived and the table lacks."""
    if isinstance(lookup, str):
        return f"{lookup}: is not there with every seed"
    return (
        f"{lookup.architecture}: percentile {lookup.percentile:.1f}, rank correlation "
        f"{lookup.correlation:.2f} over {lookup.ranked} architectures"
    )


def _checked(
    benchmark: Benchmark, table: Table, task: str, path: str, record: Record
) -> Lookup | str:
    """Return a search's lookup, or the name of what it derived where the table lacks that."""
    if record.search is None or record.spec.kind != "search":
        raise A2DError(f"{path}: is no search's record")
    architecture = record.search.architecture
    name = SEPARATOR.join(architecture.operators)
    wanted = benchmark.design(name, task)
    if architecture != wanted or record.spec.task.identity() != benchmark.cards[task].identity():
        raise A2DError(
            f"{path}: searched {record.spec.task.name} in {architecture.cells}, which is not what "
            f"the table's {task} is of: {benchmark.cards[task].name} in {wanted.cells}"
        )
    if not table.complete(task)[table.space.index(name)]:
        return name
    candidates = record.spec.search.operators(record.spec.space)
    return look_up(table, task, record.search, candidates)
