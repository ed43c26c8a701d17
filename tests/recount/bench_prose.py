"""What README.md, docs/results.md and docs/benchmark.md say of searches on the benchmark."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy import stats

from tests.recount.arms import Compared
from tests.recount.bench import TABLE, bench, finds_better, searched
from tests.recount.quotations import BENCHMARK, README, RESULTS, quoted, recorded, tenth
from tests.recount.tables import Rows

CARDS = ("minatar-breakout", "minatar-asterix")
TASKS = ("breakout-joint", "asterix-joint")


@lru_cache
def on_bench() -> Rows:
    """Return the table of searches on the benchmark, by card and method."""
    return bench(recorded("bench_searches"))


def looked_up(*methods: str, columns: tuple[str, ...] = ("percentile",)) -> list[str]:
    """Return means over searches, on Breakout and then on Asterix, for each method."""
    rows = (on_bench()[task, method] for method in methods for task in CARDS)
    return [tenth(row[column]).replace("-", "−") for row in rows for column in columns]


def leads_at_cost(*methods: str) -> list[str]:
    """Return how far what searches derived leads others of its FLOPs, with the intervals' ends."""
    return looked_up(*methods, columns=("lead_at_cost", "lead_at_cost_low", "lead_at_cost_high"))


def leads_of_joint() -> list[str]:
    """Return the leads that claim C6 is of, with the intervals' ends."""
    read = recorded("bench_searches")
    effects = [part.effect for part in finds_better(Compared(read, searched(read))).parts]
    return [tenth(end) for each in effects for end in (each.estimate, each.low, each.high)]


def chance() -> list[str]:
    """Return the mean percentile of all architectures."""
    count = len({row["architecture"] for row in pq.read_table(TABLE).to_pylist()})
    return [tenth(50 * (count + 1) / count)]


def trained(name: str) -> pd.DataFrame:
    """Return the trainings of a published table with their scores."""
    rows = pq.read_table(TABLE.with_name(name)).to_pandas()
    score = rows["returns"].map(lambda returns: np.mean(np.asarray(returns, float)))
    return rows.assign(score=score)


def of_score_and_flops() -> list[str]:
    """Return how FLOPs and mean scores of all architectures correlate, on both games."""
    rows = trained("table.parquet").groupby(["task", "architecture"])[["score", "flops"]].mean()
    by_task = [rows.loc[task] for task in TASKS]
    return [f"{stats.spearmanr(each['score'], each['flops']).statistic:.2f}" for each in by_task]


def longer_ones() -> list[int]:
    """Return how many architectures were trained for longer, and for how many steps."""
    (count,) = set(trained("longer.parquet").groupby("task")["architecture"].nunique())
    said = json.loads(pq.read_schema(TABLE.with_name("longer.parquet")).metadata[b"a2d-bench"])
    return [count, said["steps"]]


def stay() -> list[str]:
    """Return how scores after longer, and after the usual time, agree with the other seeds'."""
    usual, longer = trained("table.parquet"), trained("longer.parquet")
    found: list[float] = []
    for task in TASKS:
        late = longer[longer["task"] == task].set_index("architecture")
        (seed,) = set(late["seed"])
        mine = usual[(usual["task"] == task) & usual["architecture"].isin(late.index)]
        by_seed = mine.pivot_table(index="architecture", columns="seed", values="score")
        others = by_seed.drop(columns=seed).mean(axis=1)
        both = (late["score"][others.index], by_seed[seed])
        found += [stats.spearmanr(scores, others).statistic for scores in both]
    return [f"{value:.2f}" for value in found]


ON_BENCH = [
    (README, quoted("at percentiles {} and {}, vanilla search at {} and {}; chance is {} (claim",
                    lambda: [*looked_up("joint", "vanilla"), *chance()])),
    (README, quoted("by {} [{}, {}] and {} [{}, {}] points; those of a search that imitates the "
                    "teacher, whose settings were chosen on Breakout, by {} [{}, {}] and {} "
                    "[{}, {}].",
                    lambda: leads_at_cost("joint", "imitation"))),
    (RESULTS, quoted("what chance finds ({})", chance)),
    (RESULTS, quoted("vanilla search ends at percentile {1}, among the cheapest, where the cost "
                     "term alone leads ({3})",
                     lambda: looked_up("vanilla", "cost_only"))),
    (RESULTS, quoted("(actor {} and {}, joint {} and {})", lambda: looked_up("actor", "joint"))),
    (RESULTS, quoted("leads chance by {} percentile points [{}, {}], the cost term alone by {} "
                     "[{}, {}], and vanilla search by {} [{}, {}].", leads_of_joint)),
    (RESULTS, quoted("(rank correlation {} and {})", of_score_and_flops)),
    (RESULTS, quoted("larger than {:.0f} and {:.0f} % of all",
                     lambda: map(float, looked_up("joint", columns=("cost",))))),
    (RESULTS, quoted("they lead by {} [{}, {}] and {} [{}, {}] points",
                     lambda: leads_at_cost("joint"))),
    (RESULTS, quoted("are imitation, {} [{}, {}] and {} [{}, {}], and single-path search with a "
                     "teacher, {} [{}, {}] and {} [{}, {}].",
                     lambda: leads_at_cost("imitation", "single_path_joint"))),
    (RESULTS, quoted("its percentile among all is {1}", lambda: looked_up("imitation"))),
    (RESULTS, quoted("leads others of its FLOPs too, by {3} [{4}, {5}], and actor-only by {9} "
                     "[{10}, {11}].", lambda: leads_at_cost("vanilla", "actor"))),
    (RESULTS, quoted("Of {} architectures trained for {:,}, those of", longer_ones)),
    (RESULTS, quoted("80,000 steps {}; that of the same seed after as many is {}), those of "
                     "Asterix hardly ({} against {}).", stay)),
    (BENCHMARK, quoted("after 300,000 steps ({}, where the same seed's usual trainings have {}), "
                       "on Asterix they hardly do ({} instead of {}), of", stay)),
    (BENCHMARK, quoted("of {} architectures each.", longer_ones)),
]  # fmt: skip
