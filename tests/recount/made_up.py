"""Complete studies that were never trained, written as files by the shipped code.

What a record says beside its score is drawn too, by a generator of the run's own, so that no
column is a constant that any formula gets right.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from a2d.runs.latencies import Latencies, NetworkLatency, Spread, design_text, write_latencies
from a2d.runs.records import Record, SearchOutcome, write_record
from a2d.search.trial import Trial
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec
from a2d.study.study import Run, Study
from tests.checkout import ROOT
from tests.synthetic import record_of, study_of

Level = Callable[[Run, float], float]
"""A run's score, 0 for the random policy's and 1 for the teacher's; the number is noise."""

TASKS, SIZES = 5, 4
DIVERGED = ("derived-vanilla-shortcut-joint", 11)  # a run that did, on every task


def smaller_study(folder: Path) -> Study:
    """Return the scale `study` with fewer tasks, seeds and sizes, in a new checkout."""
    scale = yaml.safe_load((ROOT / "workflow/scales/study.yaml").read_text(encoding="utf-8"))
    scale["tasks"] = scale["tasks"][-TASKS:]
    scale["tuned"] = [task for task in scale["tuned"] if task in scale["tasks"]]
    scale["seeds"] |= {"search": list(range(6)), "train": list(range(10, 16))}
    scale["experiments"] = ["distillation", "equal_steps", "size_sweep", "stability"]
    for kind in ("pixels", "vectors"):
        networks = scale[kind]["networks"]
        networks["every"] = networks["every"][:SIZES]
        networks["student"] = networks["every"][1]
    return study_of(scale, folder)


def write_made_up(study: Study, level: Level, results: Path) -> None:
    """Write a record of every run below ``results``, and latencies of all networks."""
    networks: dict[tuple[str, str], Record] = {}
    for run in study.runs.values():
        record = _record(run, level)
        path = results / run.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_record(path, record)
        networks[run.spec.task.name, design_text(record.network.design)] = record
    measured = tuple(_latency(record) for record in networks.values())
    latencies = Latencies(processor="p", cores=1, versions={}, rounds=1, networks=measured)
    write_latencies(results / study.name / "latency" / "p.json", latencies)


def _generator(*parts: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(parts).encode()))


def _record(run: Run, level: Level) -> Record:
    """Return a record whose scores' errors, costs and search are drawn."""
    generator, random = _generator(run.path), run.spec.task.random_score
    assert random is not None
    unit = 1 + abs(random.value)
    share = level(run, float(generator.normal()))
    errors = np.array([-1.5, -0.5, 0.5, 1.5]) * generator.uniform(0.01, 0.1)
    returns = random.value + unit * (share + errors)
    record = record_of(run, 0.0, (run.method, run.spec.seed) == DIVERGED)
    costs = _generator(run.spec.task.name, design_text(record.network.design))
    largest = 1_000_000 if run.stage in ("search", "derive") else 4_000_000
    network = {
        "flops": int(costs.integers(largest // 2, largest)),
        "parameters": int(costs.integers(1_000, 100_000)),
        "latency_median_ms": float(generator.uniform(0.1, 1.0)),
    }
    evaluation = {"returns": returns.tolist(), "lengths": [1, 2, 3, 4]}
    changes: dict[str, Any] = {
        "network": record.network.model_copy(update=network),
        "evaluation": record.evaluation and record.evaluation.model_copy(update=evaluation),
        "timing": record.timing.model_copy(update={"wall_s": float(generator.uniform(10, 90))}),
    }
    if isinstance(run.spec, SearchSpec):
        changes["search"] = _outcome(run.spec, record.network.design, generator)
    return record.model_copy(update=changes)


def _outcome(
    spec: SearchSpec, design: str | Architecture, generator: np.random.Generator
) -> SearchOutcome:
    """Return what a search says: alpha of a gradient's, trials of another's."""
    assert isinstance(design, Architecture)
    names = spec.search.operators(spec.space)
    shape = (design.cells.cells, len(names))
    outcome: dict[str, Any] = {
        "architecture": design,
        "skips": design.skips(),
        "alpha": None,
        "operator_flops": generator.uniform(1, 1000, shape).tolist(),
    }
    if spec.search.kind == "gumbel":
        outcome["alpha"] = generator.normal(size=shape).tolist()
        outcome["gradient_t"] = generator.normal(size=shape).tolist()
    else:
        scores = [None, *generator.normal(size=30).tolist()]
        drawn = generator.integers(len(names), size=(len(scores), shape[0]))
        tried = zip(drawn, scores, strict=True)
        outcome["trials"] = tuple(
            Trial(operators=tuple(names[place] for place in places), score=score, steps=1)
            for places, score in tried
        )
    return SearchOutcome(**outcome)


def _latency(record: Record) -> NetworkLatency:
    """Return latencies that are no function of FLOPs."""
    task, design = record.spec.task.name, record.network.design
    eager, deployed = _generator("latency", task, design_text(design)).uniform(0.01, 0.02, 2)
    if isinstance(design, str):
        deployed *= 3  # than what is searched
    return NetworkLatency(
        task=task,
        design=design,
        eager=Spread(median_ms=eager, low_ms=0, high_ms=1),
        deployed=Spread(median_ms=deployed, low_ms=0, high_ms=1),
    )
