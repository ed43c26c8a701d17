"""What searches on the benchmark's table come to: regret and percentile against budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from a2d.benchmark.quality import FEWEST, judge_longer, judge_task
from a2d.benchmark.searchers import MakeSearcher
from a2d.benchmark.simulation import Simulation, check_budget, exhaust, simulate
from a2d.benchmark.table import Array, Table
from a2d.errors import A2DError
from a2d.reading.compare import Verdict, same_within_noise
from a2d.reading.decisions.contrasts import FEWEST as FEWEST_RUNS
from a2d.reading.decisions.contrasts import over_seeds
from a2d.study.bench.journal import Entry

LOOKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # shares of the budget
LARGEST = (np.inf, 100.0)  # a regret and a percentile; both are 0 or more


def describe_table(table: Table, longer: Table | None = None) -> Iterator[str]:
    """Yield lines that say what the table holds, and how much it says, in rank correlations.

    ``longer``: some of its architectures, trained for more steps. See ``quality`` on what each
    number is.
    """
    seeds = ", ".join(map(str, table.seeds))
    yield (
        f"{table.title} {table.version}: {table.space.size} architectures of {table.space.cells} "
        f"cells, each one of {', '.join(table.space.operators)};"
    )
    yield f"trained for {table.steps:,} steps with seeds {seeds}"
    for task in table.tasks:
        yield f"{task}: {table.coverage(task)} are there with every seed"
        if table.coverage(task).complete >= FEWEST and len(table.seeds) > 1:
            yield from _quality(table, longer, task)


def _quality(table: Table, longer: Table | None, task: str) -> Iterator[str]:
    found = judge_task(table, task)
    yield (
        f"  noise ceiling: rank correlation {found.between_seeds:.2f} between two seeds' scores, "
        f"{found.of_means:.2f} between means over {len(table.seeds)}"
    )
    shares = ", ".join(f"{share:.0%}" for share in found.by_share)
    early = ", ".join(f"{value:.2f}" for value in found.by_share.values())
    yield f"  earlier: after {shares} of the steps {early} with another seed's scores"
    if longer is not None and longer.coverage(task).complete >= FEWEST:
        later = judge_longer(table, longer, task)
        yield (
            f"  later: {later.longer:.2f} of {later.architectures} architectures after "
            f"{longer.steps:,} steps with the means of the other seeds, {later.same:.2f} after "
            f"{table.steps:,}"
        )


def describe_searches(
    table: Table, task: str, searchers: dict[str, MakeSearcher], seeds: int, budget: int
) -> Iterator[str]:
    """Play every searcher and yield a table of what it finds.

    Every training seed of the table is seen by as many simulations, three at least: ``seeds``,
    rounded up. Intervals are of 95 %, by Student's t over simulations, with the seed that they see
    as a fixed stratum: they speak of this table.

    Raises:
        A2DError: as ``simulate``, with the searcher's name.
    """
    check_budget(table, budget)
    strata = len(table.seeds)
    count = strata * max(FEWEST_RUNS, -(-seeds // strata))
    best = [exhaust(table, task, seed) for seed in range(strata)]
    yield f"{task}: {table.coverage(task)} are there with every seed; {count} simulations each"
    yield f"{'searcher':24} {'steps':>12}  {'regret':>22}  {'percentile':>22}"
    for name, make in searchers.items():
        played = _play(table, task, name, make, budget, count)
        for steps in (round(share * budget) for share in LOOKS):
            columns = _at(played, steps).reshape(2, -1, strata)
            means = [
                describe_mean(values, (0.0, largest))
                for values, largest in zip(columns, LARGEST, strict=True)
            ]
            yield f"{name:24} {steps:12,}  {'  '.join(means)}"
    steps = int(best[0].clock[-1])
    regret, percentile = _at(best, steps).mean(axis=1)
    yield f"{'(every architecture)':24} {steps:12,}  {regret:6.2f} {'':15}  {percentile:6.2f}"


def _play(
    table: Table, task: str, name: str, make: MakeSearcher, budget: int, count: int
) -> list[Simulation]:
    try:
        return [simulate(table, task, make, budget, seed) for seed in range(count)]
    except A2DError as error:
        raise A2DError(f"searcher {name}: {error}") from error


def _at(played: Sequence[Simulation], steps: int) -> Array:
    """Return regrets and percentiles at a time, (2, simulations)."""
    return np.array([simulation.at(steps) for simulation in played]).T


def describe_mean(values: Array, bounds: tuple[float, float] = (-np.inf, np.inf)) -> str:
    """Return a mean of values, (runs, strata), and its 95 % interval within bounds, as text.

    ``--`` where a value is not known.
    """
    if np.isnan(values).any() or not len(values):
        return f"{'--':>22}"
    found = over_seeds("mean", values).clipped(*bounds)
    if not found.known:
        return f"{found.estimate:6.2f} {'(too few)':>15}"
    return f"{found.estimate:6.2f} [{found.low:6.2f}, {found.high:6.2f}]"


def compare_with_row(fresh: Entry, recorded: Entry) -> Verdict:
    """Judge a row trained again, by the words of ``a2d compare``."""
    if fresh.key != recorded.key:
        return "another run"
    if fresh.content() == recorded.content():
        return "identical"
    if fresh.returns and recorded.returns and same_within_noise(fresh.returns, recorded.returns):
        return "same within noise"
    return "different"
