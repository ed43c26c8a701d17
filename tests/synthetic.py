"""Records with scores that a test chooses, for a study's real runs, through the real models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from a2d.reading.deployed import Deployed
from a2d.reading.results import Results, network_of
from a2d.runs.provenance import Provenance
from a2d.runs.records import (
    CurvePoint,
    Evaluation,
    Network,
    Record,
    SearchOutcome,
    Timing,
    write_record,
)
from a2d.specs.architecture import Architecture, sample_architecture
from a2d.specs.run import DerivedAgent, RandomAgent, SearchSpec
from a2d.study.study import Run, Study, load_study
from tests.checkout import ROOT

Score = Callable[[Run], float | None]
"""The score that a run gets; None leaves it without a record."""

FLOPS = {
    "vanilla": 300_000,
    "resnet14": 2_000_000,
    "resnet20": 3_000_000,
    "resnet38": 6_000_000,
    "resnet74": 12_000_000,
}
DIVERGED = "distilled-resnet14-critic"  # what one method of a test's records did
SEARCHED_FLOPS = 1_000_000
POINTS = 5  # of a curve
PROVENANCE = Provenance(
    commit="0" * 40,
    modified=False,
    versions={"python": "3.11.7", "torch": "2.13.0"},
    processor="A processor",
    accelerator=None,
    cores=2,
    threads=1,
    platform="Linux",
)


NAME = "made-up"
LINKS = (
    "workflow/methods.yaml",
    "workflow/published_scores.yaml",
    "workflow/experiments",
    "envs",
    "figures",
    "tables",
)
MADE_UP = {
    "title": "Made up",
    "description": "Real tasks, methods and experiments; nothing of it is ever trained.",
    "steps": {"teacher": 3200, "train": 3200, "search": 3200},
    "pixels": {
        "networks": {
            "every": ["vanilla", "resnet14", "resnet20"],
            "teacher": "resnet20",
            "student": "resnet14",
        },
        "search": {"space": {"cells": 3}},
    },
}


def make_study(
    folder: Path, tasks: tuple[str, ...], seeds: int, experiments: tuple[str, ...] | None = None
) -> Study:
    """Return the study that a small scale asks for, in a new checkout in ``folder``."""
    numbers = {"teacher": 100, "search": list(range(seeds)), "train": list(range(10, 10 + seeds))}
    scale = {
        **MADE_UP,
        "tasks": list(tasks),
        "seeds": numbers,
        "experiments": experiments and list(experiments),
    }
    return study_of(scale, folder)


def shrunk(scale: str, folder: Path, tasks: tuple[str, ...], seeds: int) -> Study:
    """Return the study that a scale of this repository asks for, with fewer tasks and seeds."""
    path = ROOT / "workflow" / "scales" / f"{scale}.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings |= {"tasks": list(tasks), "own": {}}
    settings["tuned"] = [task for task in settings["tuned"] if task in tasks]
    settings["seeds"] = {
        stage: found[:seeds] if isinstance(found, list) else found
        for stage, found in settings["seeds"].items()
    }
    return study_of(settings, folder)


def study_of(scale: Mapping[str, Any], folder: Path) -> Study:
    """Return the study that the settings of a scale ask for, in a new checkout in ``folder``."""
    (folder / "workflow" / "scales").mkdir(parents=True, exist_ok=True)
    for name in LINKS:
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    path = folder / "workflow" / "scales" / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(dict(scale)), encoding="utf-8")
    return load_study(NAME, folder)


def architecture_of(spec: SearchSpec) -> Architecture:
    """Return an architecture that only the search's seed and method decide."""
    generator = np.random.default_rng([spec.seed, len(spec.distillation.mode)])
    candidates = spec.search.operators(spec.space)
    return sample_architecture(spec.space, spec.search.space, candidates, generator)


def _design(run: Run) -> str | Architecture:
    if isinstance(run.spec, SearchSpec):
        return architecture_of(run.spec)
    match run.spec.agent:
        case DerivedAgent(search=search) | RandomAgent(matched_to=search):
            return architecture_of(search)
    return run.factors["network"]


def record_of(run: Run, score: float, diverged: bool = False) -> Record:
    """Return a record whose test episodes average ``score`` exactly: one below it, one above."""
    design = _design(run)
    flops = (
        FLOPS.get(design, 10_000)
        if isinstance(design, str)
        else SEARCHED_FLOPS + 50_000 * design.skips()
    )
    steps = [run.spec.steps * (point + 1) // POINTS for point in range(POINTS)]
    search = None
    if isinstance(design, Architecture) and run.stage == "search":
        search = SearchOutcome(
            architecture=design, alpha=[[0.0] * 9] * design.cells.cells, skips=design.skips()
        )
    return Record(
        key=run.key,
        status="diverged" if diverged else "finished",
        reason="the loss is nan" if diverged else None,
        steps_done=run.spec.steps // 2 if diverged else run.spec.steps,
        spec=run.spec,
        evaluation=Evaluation(seed=1, returns=[score - 1, score + 1], lengths=[10, 10]),
        curve=[CurvePoint(step=step, mean_return=score * step / run.spec.steps) for step in steps],
        loss_terms={"policy": 0.1},
        network=Network(
            design=design,
            flops=flops,
            parameters=flops // 10,
            latency_median_ms=flops / 1e7,
            latency_p99_ms=flops / 5e6,
        ),
        search=search,
        timing=Timing(wall_s=36.0, training_s=30.0, steps_per_second=1000.0, peak_memory_mib=100.0),
        provenance=PROVENANCE,
    )


def results_of(
    study: Study, score: Score, diverged: Callable[[Run], bool] = lambda run: False
) -> Results:
    """Return results in memory, in which every run has the score that ``score`` gives it."""
    scores = {key: score(run) for key, run in study.runs.items()}
    records = {
        key: record_of(study.runs[key], value, diverged(study.runs[key]))
        for key, value in scores.items()
        if value is not None
    }
    return Results(study, records)


def deployed(results: Results) -> Results:
    """Return the results with a deployed latency of every network, a nanosecond for ten FLOPs."""
    records = results.records.values()
    latencies = {network_of(record): record.network.flops / 1e7 for record in records}
    return replace(results, deployed=Deployed("a processor", {}, latencies))


def write_results(results: Results, folder: Path) -> None:
    """Write the records as files below ``folder``, as the workflow does."""
    for key, record in results.records.items():
        path = folder / results.study.runs[key].path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_record(path, record)


def pretend_recorded(checkout: Path, scale: str) -> dict[str, str]:
    """Give every run of a scale a record that no training made."""
    study = load_study(scale, checkout)
    for run in study.runs.values():
        record = record_of(run, 1.0)
        write_record(checkout / "results" / run.path, record)
        if record.search is not None:
            text = record.search.architecture.model_dump_json()
            (checkout / "results" / run.architecture_path).write_text(text, encoding="utf-8")
    return {key: f"results/{run.path}" for key, run in study.runs.items()}
