"""What a record says but for what differs between two equal runs: times, latencies, provenance."""

from __future__ import annotations

from typing import Any

from a2d.runs.records import Evaluation, Record


def content(record: Record) -> dict[str, Any]:
    data = record.model_dump(mode="json", exclude={"timing", "provenance"})
    return data | {"network": {**data["network"], "latency_median_ms": 0, "latency_p99_ms": 0}}


def judged(record: Record) -> Evaluation:
    assert record.evaluation is not None
    return record.evaluation


def content_without_history(record: Record) -> dict[str, Any]:
    data = content(record)
    del data["resumed_from"]
    return data
