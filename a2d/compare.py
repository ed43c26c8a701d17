"""Fresh records against recorded ones, run by run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from a2d.errors import A2DError
from a2d.records import Record, find_records, read_record
from a2d.statistics import stratified_bootstrap_difference

Verdict = Literal["identical", "same within noise", "different", "only fresh", "only recorded", "damaged"]


@dataclass(frozen=True)
class Comparison:
    """One run in both places. Scores are mean test returns."""

    path: str
    verdict: Verdict
    fresh: float | None
    recorded: float | None


def _content(record: Record) -> dict[str, object]:
    """Return what must be equal bit for bit: everything but timings, machines and interruptions."""
    data = record.model_dump(mode="json", exclude={"timing", "provenance", "resumed_from"})
    for name in ("latency_median_ms", "latency_p99_ms"):
        del data["network"][name]
    return data


def compare_records(fresh: Record, recorded: Record) -> Verdict:
    """Judge one run repeated.

    'Same within noise' means that the 95 % bootstrap interval of the difference of mean test returns,
    over the episodes of either, holds 0. It speaks of these two trained agents, not of training in general.
    """
    if _content(fresh) == _content(recorded):
        return "identical"
    if fresh.evaluation is None or recorded.evaluation is None:
        return "different"
    columns = [np.array(evaluation.returns)[:, None] for evaluation in (fresh.evaluation, recorded.evaluation)]
    generator = np.random.default_rng(0)
    interval = stratified_bootstrap_difference(columns[0], columns[1], lambda x: float(np.mean(x)), generator)
    same = fresh.status == recorded.status and interval.low <= 0 <= interval.high
    return "same within noise" if same else "different"


def compare_folders(fresh: Path, recorded: Path) -> list[Comparison]:
    """Compare all records below two folders, of studies or of single runs, paired by their relative paths."""
    places = []
    for folder in (fresh, recorded):
        paths = [*find_records(folder), *folder.rglob("record.json")]
        places.append({str(path.relative_to(folder)): path for path in paths})
    comparisons = []
    for name in sorted(places[0].keys() | places[1].keys()):
        try:
            pair = [read_record(place[name]) if name in place else None for place in places]
        except A2DError as error:
            print(f"a2d: {error}", file=sys.stderr)
            comparisons.append(Comparison(name, "damaged", None, None))
        else:
            comparisons.append(_compare(name, pair[0], pair[1]))
    return comparisons


def _compare(name: str, fresh: Record | None, recorded: Record | None) -> Comparison:
    if fresh is None:
        return Comparison(name, "only recorded", None, recorded.score if recorded else None)
    if recorded is None:
        return Comparison(name, "only fresh", fresh.score, None)
    return Comparison(name, compare_records(fresh, recorded), fresh.score, recorded.score)
