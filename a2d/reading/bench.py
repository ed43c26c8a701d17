"""What searches on the benchmark's table come to: regret and percentile against budget."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from a2d.benchmark.quality import FEWEST, judge_longer, judge_task
from a2d.benchmark.searchers import MakeSearcher
from a2d.benchmark.simulation import Simulation, simulate
from a2d.benchmark.table import Array, Table
from a2d.reading.compare import Verdict, same_within_noise
from a2d.reading.decisions.contrasts import over_seeds
from a2d.study.bench.journal import Entry

SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # of the budget, at which a search is looked at


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
        if table.coverage(task).complete >= FEWEST:
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
    """Play every searcher with seeds 0 to ``seeds`` - 1 and yield a table of what it finds.

    Intervals are of 95 %, by Student's t over the simulations: they speak of this table.
    """
    yield f"{task}: {table.coverage(task)} are there with every seed; {seeds} simulations each"
    yield f"{'searcher':24} {'steps':>12}  {'regret':>22}  {'percentile':>22}"
    for name, make in searchers.items():
        played = [simulate(table, task, make, budget, seed) for seed in range(seeds)]
        for steps in (int(share * budget) for share in SHARES):
            regrets, percentiles = _at(played, steps)
            yield f"{name:24} {steps:12,}  {describe_mean(regrets)}  {describe_mean(percentiles)}"


def _at(played: list[Simulation], steps: int) -> tuple[Array, Array]:
    """Return regrets and percentiles at a time, (simulations,) each."""
    found = np.array([simulation.at(steps) for simulation in played])
    return found[:, 0], found[:, 1]


def describe_mean(values: Array) -> str:
    """Return a mean with its 95 % interval as text, -- where a value is not known."""
    if np.isnan(values).any():
        return f"{'--':>22}"
    found = over_seeds("mean", values[:, None])
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
