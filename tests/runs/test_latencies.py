"""The files of latencies: one a machine, none of them a record, the fullest one shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2d.errors import A2DError
from a2d.runs.latencies import (
    Latencies,
    NetworkLatency,
    Spread,
    best_latencies,
    latency_path,
    read_latencies,
    write_latencies,
)
from a2d.runs.records import find_records
from a2d.specs.architecture import Architecture

ARCHITECTURE = Architecture.model_validate(
    {"space": "convolution", "cells": {"cells": 2, "width": 8}, "operators": ("skip", "conv3")}
)


def measured(processor: str, *designs: str | Architecture, ms: float = 0.5) -> Latencies:
    spread = Spread(median_ms=ms, low_ms=ms, high_ms=ms)
    networks = tuple(
        NetworkLatency(task="pong", design=design, eager=spread, deployed=spread)
        for design in designs
    )
    versions = {"onnxruntime": "1.20"}
    return Latencies(processor=processor, cores=2, versions=versions, rounds=3, networks=networks)


def test_a_file_is_named_by_its_processor_and_is_no_record(tmp_path: Path) -> None:
    path = latency_path(tmp_path, "Some(R) Core(TM) i7-9 @ 2.6GHz")
    assert path == tmp_path / "latency" / "some-r-core-tm-i7-9-2-6ghz.json"
    write_latencies(path, measured("Seed", "vanilla", ARCHITECTURE))
    assert read_latencies(path) == measured("Seed", "vanilla", ARCHITECTURE)
    assert find_records(tmp_path) == []


def test_of_several_machines_the_fullest_is_taken_then_the_first_by_name(tmp_path: Path) -> None:
    wanted = {("pong", "vanilla"), ("pong", ARCHITECTURE.model_dump_json())}
    assert best_latencies(tmp_path, wanted) is None
    write_latencies(latency_path(tmp_path, "a"), measured("a", "vanilla", "resnet14", "resnet20"))
    write_latencies(latency_path(tmp_path, "b"), measured("b", "vanilla", ARCHITECTURE))
    write_latencies(latency_path(tmp_path, "c"), measured("c", "vanilla", ARCHITECTURE))
    found = best_latencies(tmp_path, wanted)
    assert found is not None and found.processor == "b"


def test_an_edited_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = latency_path(tmp_path, "a")
    write_latencies(path, measured("a", "vanilla"))
    path.write_text(path.read_text().replace("0.5", "0.1"), encoding="utf-8")
    with pytest.raises(A2DError, match=r"a\.json: .*measure again by `a2d latency`"):
        best_latencies(tmp_path, set())
