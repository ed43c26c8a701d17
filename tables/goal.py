"""What A2D reaches, task by task.

Does it score at least as much as the best taught manual network, at half the cost?
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from a2d.reading import evidence
from a2d.reading.rendering import cautions
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import network_name
from a2d.reading.rendering.tables import INTERVALS, Row, Table, build, lead, shortfall, summary_data
from a2d.reading.rendering.text import ABSENT, bounds, number, plural, score
from a2d.reading.results import Results, best_size, summarize, where

AT_MOST = {"flops": 0.5, "deployed_ms": 0.6}  # of the best manual network's
NAMES = {"flops": "FLOPs", "deployed_ms": "latency"}
MEANING = (
    "The goal: at least the score of the best manual network, at no more than half its FLOPs and "
    "60 % of its deployed latency. All agents are taught, and trained for equal total steps; "
    "random architectures have A2D's FLOPs. Best is the highest mean shown here, which flatters "
    "it; the claims choose it on other seeds. 'Reached' goes by means; the intervals tell how sure "
    "it is. Costs are shares of means over seeds; the ledger's are geometric means, of the sizes "
    "that were chosen to A2D. 'As good for no more': manual networks of at least A2D's score and "
    "at most its FLOPs, which make the search needless on that task. Added on 2026-11-27, when the "
    "study was partly recorded; it decides no claim."
)


@dataclass(frozen=True)
class Contest:
    """The runs that are compared on one task: A2D's, random and manual agents'."""

    task: str
    a2d: pd.DataFrame
    random: pd.DataFrame
    manual: pd.DataFrame

    @cached_property
    def best(self) -> pd.DataFrame:
        """The runs of the manual network with the highest mean."""
        return best_size(self.manual)

    def share(self, cost: str) -> float:
        """Return A2D's cost as a share of the best manual network's; NaN if one is not known."""
        ours, theirs = (_mean(rows, cost) for rows in (self.a2d, self.best))
        return ours / theirs

    @property
    def same_latency(self) -> bool:
        """Whether no manual network is as fast as the goal asks: a call costs what it costs."""
        least = min(_mean(rows, "deployed_ms") for _, rows in self.manual.groupby("network"))
        return least / _mean(self.best, "deployed_ms") > AT_MOST["deployed_ms"]

    @cached_property
    def missed(self) -> list[str] | None:
        """What of the goal is not reached; None where something is not known."""
        scores = {"score": self.best["score"].mean() - self.a2d["score"].mean()}
        gaps = scores | {NAMES[cost]: self.share(cost) - most for cost, most in AT_MOST.items()}
        if any(map(math.isnan, gaps.values())):
            return None
        return [name for name, gap in gaps.items() if gap > 0]

    @cached_property
    def as_good(self) -> list[str] | None:
        """The manual networks that score as much as A2D at no more FLOPs; None if not known."""
        if self.best.empty or self.a2d["score"].isna().all():
            return None
        means = self.manual.groupby("network", sort=False)[["score", "flops"]].mean()
        good = means["score"] >= self.a2d["score"].mean()
        return list(means.index[good & (means["flops"] <= self.a2d["flops"].mean())])


def _mean(rows: pd.DataFrame, cost: str) -> float:
    """Return the mean cost of agents that have a score; NaN if one of them has no such cost."""
    return float(rows.loc[rows["score"].notna(), cost].mean(skipna=False))


def _contests(results: Results) -> Iterator[Contest]:
    """Yield the tasks on which manual agents of equal steps are planned."""
    searched = evidence.derived(results, results.study.scale.a2d.search)
    random = evidence.random(results)
    for task in results.study.tasks:
        manual = results.equal_steps(task)
        if len(manual):
            yield Contest(task, where(searched, task=task), where(random, task=task), manual)


def _reached(contest: Contest) -> str:
    if contest.missed is None:
        return ABSENT
    return f"no: {', '.join(contest.missed)}" if contest.missed else "yes"


def _as_good(contest: Contest) -> str:
    if contest.as_good is None:
        return ABSENT
    return ", ".join(map(network_name, contest.as_good)) or "none"


def _out_of_reach(results: Results, contests: list[Contest]) -> str:
    """Name the tasks on which no network is as fast as the goal asks."""
    slow = ", ".join(results.title(each.task) for each in contests if each.same_latency)
    if not slow:
        return ""
    return (
        f"On {slow} the smallest manual network, too, takes more than 60 % of the best one's "
        "latency, most of which is what any call costs: there the goal can hardly be reached."
    )


def _row(results: Results, contest: Contest) -> Row:
    best, ours = contest.best, summarize(contest.a2d)
    over_manual = lead("A2D − manual", contest.a2d, best)
    over_random = lead("A2D − random", contest.a2d, contest.random)
    network = next(iter(best["network"]), "")
    shown = {
        "Task": results.title(contest.task),
        "Best manual": network_name(network) if network else ABSENT,
        "Its score": score(summarize(best)),
        "A2D": score(ours),
        "A2D − manual": bounds(over_manual),
        "A2D − random": bounds(over_random),
        "FLOPs / manual": number(contest.share("flops"), 2),
        "Deployed / manual": number(contest.share("deployed_ms"), 2),
        "Reached": _reached(contest),
        "As good for no more": _as_good(contest),
    }
    data = {
        "task": contest.task,
        "network": network,
        **summary_data(ours),
        "over_manual": over_manual and over_manual.estimate,
        "over_random": over_random and over_random.estimate,
        **{f"{cost}_share": contest.share(cost) for cost in AT_MOST},
        "reached": None if contest.missed is None else not contest.missed,
        "as_good": None if contest.as_good is None else len(contest.as_good),
    }
    return shown, data


def make(results: Results) -> Table:
    """Make one row per task."""
    contests = list(_contests(results))
    missed = [contest.missed for contest in contests if contest.missed is not None]
    said = f"Reached on {missed.count([])} of the {plural(len(missed), 'task')} where all is known."
    frames = [each for one in contests for each in (one.a2d, one.random, one.manual)]
    used = pd.concat([results.runs.iloc[:0], *frames])
    rows = [_row(results, contest) for contest in contests]
    cautioned = (cautions.a2d(results), cautions.random(used), cautions.latency(results))
    notes = (
        said,
        _out_of_reach(results, contests),
        MEANING,
        *cautioned,
        INTERVALS,
        shortfall(used),
    )
    return build("What A2D reaches, task by task", rows, *notes)


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
