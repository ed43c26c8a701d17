"""Records as they lie on the disk, read with json alone, beside what their scale plans."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.recount.plan import Data, Scale, plan, read_scale

Paths = dict[tuple[Any, ...], list[Path]]

CLEAR = 5  # standard errors by which a teacher must beat the random policy
# What a record leaves out where it is as it has always been.
ABSENT = {"draw": 0, "kind": "gumbel", "task_gradient": "learnt", "reward_scale": 1.0}
MEASURES = (
    "score", "error", "flops", "parameters", "latency_ms", "deployed_ms", "steps_done",
    "core_hours", "skips", "own_latency_ms",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Recorded:
    """A scale, its labelled runs with what is recorded of them, and each task's fixed points.

    ``rows`` has a row per label, ``runs`` one per run.
    """

    scale: Scale
    rows: pd.DataFrame
    random: dict[str, float]

    @property
    def runs(self) -> pd.DataFrame:
        return self.rows[self.rows["first"]]

    def teacher(self, task: str) -> pd.Series[Any]:
        return where(self.rows, task=task, stage="teacher").iloc[0]


def where(rows: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """Return the rows that have these values."""
    kept = pd.Series(True, index=rows.index)
    for column, value in equal.items():
        kept &= rows[column] == value
    return rows[kept]


def read_recorded(name: str, root: Path, results: Path) -> Recorded:
    """Read a scale's plan from the checkout ``root``, and what is recorded below ``results``."""
    scale = read_scale(name, root)
    rows = plan(scale)
    paths = _paths(results)
    records = {run: _find(paths, name, same) for run, same in rows.groupby("run", sort=False)}
    measured = {run: _measures(record) for run, record in records.items()}
    _add_latencies(measured, results / name / "latency")
    found = pd.DataFrame(
        [measured[run] for run in rows["run"]], columns=[*MEASURES, "state", "design", "found"]
    )
    found = found.astype(dict.fromkeys(MEASURES, float))
    rows = pd.concat([rows, found], axis=1)
    cards = scale.cards.items()
    random = {task: card["random_score"]["value"] for task, card in cards if "random_score" in card}
    return Recorded(scale, rows, random)


def _paths(results: Path) -> Paths:
    """Return the paths of all records by scale, task, folder and seed.

    A scale that was changed can have more than one for a seed.
    """
    found: Paths = {}
    for path in sorted(results.glob("*/*/*/seed*-*.json")):
        if not path.name.endswith(".arch.json"):
            seed = int(path.name.removeprefix("seed").partition("-")[0])
            place = (*path.parent.relative_to(results).parts, seed)
            found.setdefault(place, []).append(path)
    return found


def _find(paths: Paths, scale: str, same: pd.DataFrame) -> Data | None:
    """Return the record of a run: at its scale's own place, or else under another scale."""
    scales = sorted({str(place[0]) for place in paths}, key=lambda each: (each != scale, each))
    for each, row in product(scales, same.itertuples()):
        for path in paths.get((each, row.task, row.folder, row.seed), []):
            record = json.loads(path.read_text(encoding="utf-8"))
            if agrees(row.asked, record["spec"]):
                return dict(record)
            assert each != scale, f"{path} is not what its folder's name says"
    return None


def agrees(asked: Any, spec: Any) -> bool:
    """Return whether a record's spec says all that was asked, as far as its settings have it."""
    if not isinstance(asked, dict):
        return bool(asked == spec)
    if not isinstance(spec, dict):
        return False
    return all(agrees(value, spec.get(key, ABSENT.get(key, value))) for key, value in asked.items())


def _measures(record: Data | None) -> Data:
    if record is None:
        return {"state": "missing"}
    network, timing, evaluation = record["network"], record["timing"], record["evaluation"]
    returns = [] if evaluation is None else evaluation["returns"]
    many, search = len(returns), record["search"]
    return {
        "state": record["status"],
        "score": np.mean(returns) if many else math.nan,
        "error": np.std(returns, ddof=1) / math.sqrt(many) if many > 1 else math.nan,
        "flops": network["flops"],
        "parameters": network["parameters"],
        "latency_ms": network["latency_median_ms"],
        "own_latency_ms": network["latency_median_ms"],
        "steps_done": record["steps_done"],
        "core_hours": timing["wall_s"] * record["provenance"]["threads"] / 3600,
        "skips": math.nan if search is None else search["skips"],
        "found": search,
        "design": (record["spec"]["task"]["name"], _text(network["design"])),
    }


def _text(design: object) -> str:
    return json.dumps(design, sort_keys=True)


def _add_latencies(measured: dict[Any, Data], folder: Path) -> None:
    """Say of every network the lowest eager latency of its records, or what one machine measured.

    That is the machine whose file has most of the networks, the first by name of equals; beside
    its numbers no others are shown.
    """
    recorded = [row for row in measured.values() if row["state"] != "missing"]
    lowest: dict[Any, float] = {}
    for row in recorded:
        lowest[row["design"]] = min(row["latency_ms"], lowest.get(row["design"], math.inf))
    machines = []
    for path in sorted(folder.glob("*.json")):
        networks = json.loads(path.read_text(encoding="utf-8"))["networks"]
        machines.append({(each["task"], _text(each["design"])): each for each in networks})
    most = max((len(set(lowest) & set(machine)) for machine in machines), default=0)
    chosen = next((each for each in machines if len(set(lowest) & set(each)) == most), {})
    for row in recorded:
        row["latency_ms"] = math.nan if chosen else lowest[row["design"]]
        row["deployed_ms"] = math.nan
        if row["design"] in chosen:
            found = chosen[row["design"]]
            row["latency_ms"] = found["eager"]["median_ms"]
            row["deployed_ms"] = found["deployed"]["median_ms"]
