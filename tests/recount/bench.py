"""Searches in the benchmark's space, recounted from its published table and the raw records."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy import stats

from tests.checkout import ROOT
from tests.recount.arms import Arms, Compared, Unknown
from tests.recount.intervals import mean_of_seeds, of_seeds
from tests.recount.records import Recorded, where
from tests.recount.tables import OPERATORS, Row, Rows
from tests.recount.verdicts import Said, every

TABLE = ROOT / "results" / "bench" / "table.parquet"
MEASURES = ("percentile", "lead", "alone", "cost", "lead_at_cost", "correlation")
DELTA = 10  # percentile points
LIMITS = {
    "percentile": (0, 100),
    "cost": (0, 100),
    "lead_at_cost": (-100, 100),
    "correlation": (-1, 1),
}
COMPARED = ("joint", "cost_only", "vanilla")


def _searches(recorded: Recorded) -> pd.DataFrame:
    """Return the planned searches of the experiment ``bench``, none where there is none."""
    found = [recorded.runs.iloc[:0]]
    for group in recorded.scale.experiments.get("bench", {}).get("groups", []):
        rows = where(recorded.rows, stage="search", recipe=recorded.scale.a2d["recipe"])
        found.append(rows[rows["search"].isin(group["search"])])
    return pd.concat(found)


def _trained(card: str) -> tuple[pd.Series, pd.Series, dict[str, object]] | None:
    """Return mean scores and FLOPs of the architectures with every seed, and how they are built."""
    if not TABLE.exists():
        return None
    said = json.loads(pq.read_schema(TABLE).metadata[b"a2d-bench"])
    names = [name for name, each in said["tasks"].items() if each == card]
    rows = pd.read_parquet(TABLE)
    rows = rows[rows["task"].isin(names)]
    rows = rows.assign(score=[np.mean(np.array(each, float)) for each in rows["returns"]])
    scores = rows.pivot_table(index="architecture", columns="seed", values="score")
    flops = rows.groupby("architecture")["flops"].first()
    return scores.reindex(columns=said["seeds"]).dropna().mean(axis=1), flops, said["built"]


def looked_up(recorded: Recorded) -> pd.DataFrame:
    """Return the searches with what the table says of their results."""
    rows = _searches(recorded)
    trained = {task: _trained(task) for task in rows["task"].unique()}
    found = [
        _look_up(trained[row["task"]], row["found"], row["asked"]["search"])
        for row in rows.to_dict("records")
    ]
    return rows.assign(**{name: [each[name] for each in found] for name in MEASURES})


def _look_up(
    trained: tuple[pd.Series, pd.Series, dict[str, object]] | None, search: Row, asked: Row
) -> Row:
    unknown: Row = dict.fromkeys(MEASURES, math.nan)
    if trained is None or not isinstance(search, dict):  # nothing is recorded
        return unknown
    scores, flops, built = trained
    design = search["architecture"]
    name = "-".join(design["operators"])
    if design["cells"] != built or name not in scores:
        return unknown
    percentile = 100 * np.mean([score <= scores[name] for score in scores])
    chance = 100 * np.mean(np.arange(1, len(scores) + 1) / len(scores))
    return {
        "percentile": percentile,
        "lead": percentile - chance,
        "alone": scores[name],
        "cost": 100 * np.mean([flops[each] <= flops[name] for each in scores.index]),
        "lead_at_cost": percentile - _mean_of_rivals(scores, flops, name),
        "correlation": _agreement(scores, search, asked),
    }


def _mean_of_rivals(scores: pd.Series, flops: pd.Series, name: str) -> float:
    """Return the mean percentile of the others whose FLOPs differ by at most a tenth."""
    allowed = 0.1 * flops[name]
    rivals = [
        each for each in scores.index if each != name and abs(flops[each] - flops[name]) <= allowed
    ]
    shares = [100 * np.mean([score <= scores[each] for score in scores]) for each in rivals]
    return float(np.mean(shares)) if shares else math.nan


def _agreement(scores: pd.Series, search: Row, asked: Row) -> float:
    """Return Spearman's correlation of what the search thought with what training alone gives."""
    names = asked.get("candidates") or OPERATORS[search["architecture"]["space"]]
    thought: dict[str, float] = {}
    if search["alpha"] is not None:
        for operators in product(names, repeat=len(search["alpha"])):
            places = [names.index(each) for each in operators]
            values = zip(search["alpha"], places, strict=True)
            thought["-".join(operators)] = sum(cell[place] for cell, place in values)
    else:
        tried: dict[str, list[float]] = {}
        for trial in search["trials"]:
            if trial["score"] is not None:
                tried.setdefault("-".join(trial["operators"]), []).append(trial["score"])
        thought = {each: float(np.mean(values)) for each, values in tried.items()}
    known = [str(name) for name in scores.index if name in thought]
    if len(known) < 3:
        return math.nan
    ours = np.array([thought[name] for name in known])
    return float(stats.spearmanr(ours, scores[known].to_numpy()).statistic)


def bench(recorded: Recorded) -> Rows:
    """The table ``bench``."""
    rows: Rows = {}
    for (task, method), same in looked_up(recorded).groupby(["task", "search"]):
        row: Row = {"flops": same["flops"].mean(), "planned": len(same)}
        row["n"] = same["score"].notna().sum()
        for name in ("percentile", "alone", "cost", "lead_at_cost", "correlation"):
            interval = mean_of_seeds(list(same[name].dropna()))
            bounds = LIMITS.get(name, (-math.inf, math.inf))
            low, high = (float(np.clip(interval[end], *bounds)) for end in ("low", "high"))
            row |= {name: interval["score"], f"{name}_low": low, f"{name}_high": high}
        rows[str(task), str(method)] = row
    return rows


def searched(recorded: Recorded) -> Arms:
    """What claim C6 compares."""
    rows = looked_up(recorded).assign(part=0)
    return {f"{method} on the bench": where(rows, search=method) for method in COMPARED}


def finds_better(found: Compared) -> Said:
    """C6."""
    if not TABLE.exists():
        raise Unknown("there is no table")
    joint, *others = (found.values(f"{each} on the bench", "lead")[..., 0] for each in COMPARED)
    parts = [of_seeds("joint − chance", joint, delta=DELTA)]
    for name, scores in zip(("cost only", "vanilla"), others, strict=True):
        parts.append(of_seeds(f"joint − {name}", joint, scores, delta=DELTA))
    return every("Joint searches find better architectures", parts)
