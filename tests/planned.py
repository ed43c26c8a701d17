"""Runs of a study by name, and records of theirs that took a chosen time."""

from __future__ import annotations

from typing import Any

from a2d.runs.provenance import collect_provenance
from a2d.runs.records import (
    Evaluation,
    Network,
    Record,
    Timing,
)
from a2d.study.study import Run, Study


def record_of(run: Run, seconds_per_step: float = 0.01, **fields: Any) -> Record:
    values: dict[str, Any] = {
        "key": run.key, "status": "finished", "steps_done": run.spec.steps, "spec": run.spec,
        "evaluation": Evaluation(seed=0, returns=[1.0, 2.0], lengths=[3, 3]),
        "curve": [], "loss_terms": {},
        "network": Network(
            design="x", flops=1, parameters=1, latency_median_ms=1.0, latency_p99_ms=1.0
        ),
        "timing": Timing(
            wall_s=seconds_per_step * run.spec.steps,
            training_s=1.0, steps_per_second=1.0, peak_memory_mib=1.0,
        ),
        "provenance": collect_provenance(1),
    }  # fmt: skip
    return Record(**values | fields)


def named(study: Study, task: str, method: str) -> Run:
    return next(
        run for run in study.runs.values() if run.spec.task.name == task and run.method == method
    )
