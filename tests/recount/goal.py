"""What A2D reaches on every task, recounted."""

from __future__ import annotations

import math

import pandas as pd

from tests.recount.arms import agents
from tests.recount.records import Recorded, where
from tests.recount.tables import Rows, summary

MOST = {"flops": 1 / 2, "deployed_ms": 3 / 5}
COLUMNS = ["score", *MOST]


def _means(rows: pd.DataFrame) -> pd.Series[float]:
    """Return the means over runs that have a score; NaN where one has not been measured."""
    return rows[rows["score"].notna()][COLUMNS].mean(skipna=False)


def goal(recorded: Recorded) -> Rows:
    """Return a row per task on which manual agents of equal steps are planned."""
    rows: Rows = {}
    arms = agents(recorded)
    for task in dict.fromkeys(arms["manual"]["task"]):
        own, random, manual = (where(arms[arm], task=task) for arm in ("A2D", "random", "manual"))
        sizes = [_means(each) for _, each in manual.groupby("network")]
        known = [size for size in sizes if not math.isnan(size["score"])]
        best = max(known, key=lambda size: size["score"], default=sizes[0])
        ours = _means(own)
        shares = {cost: ours[cost] / best[cost] for cost in MOST}
        score = ours["score"] - best["score"]
        unknown = any(map(math.isnan, [score, *shares.values()]))
        met = score >= 0 and all(shares[cost] <= MOST[cost] for cost in MOST)
        cheap = [size for size in sizes if size["flops"] <= ours["flops"]]
        as_good = sum(size["score"] >= ours["score"] for size in cheap)
        rows[(task,)] = summary(own) | {
            "over_manual": score,
            "over_random": ours["score"] - summary(random)["score"],
            **{f"{cost}_share": share for cost, share in shares.items()},
            "reached": math.nan if unknown else met,
            "as_good": math.nan if math.isnan(score) else as_good,
        }
    return rows
