"""Repeat recorded runs that are drawn at random, and count how they come out.

``python -m benchmarks.repeat_runs --scale study --out fresh`` draws twenty of the scale's recorded
runs, does each again, and says how often each verdict of ``a2d compare`` falls, by the processors
of the record and of the repetition. Teachers are not drawn, as their weights are in use. Stopped,
the same command goes on; what has been repeated is not done again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from a2d.reading.compare import compare_records
from a2d.reading.results import load_results
from a2d.runs.records import Record, read_record
from a2d.specs.run import TrainSpec, key_of, teacher_run_of
from a2d.study.study import Run, Study, load_study

ROOT = Path(__file__).parents[1]
A2D = (sys.executable, "-c", "from a2d.cli import main; main()")


def draw(study: Study, recorded: dict[str, Record], count: int, seed: int) -> list[Run]:
    """Return recorded runs, each as likely as the next, in order of their paths."""
    runs = sorted((study.runs[key] for key in recorded), key=lambda run: run.path)
    eligible = [run for run in runs if run.stage != "teacher"]
    generator = np.random.default_rng(seed)
    chosen = generator.choice(len(eligible), size=min(count, len(eligible)), replace=False)
    return [eligible[index] for index in sorted(chosen)]


def repeat(run: Run, out: Path) -> Record:
    """Do a run again, unless its record is in ``out`` already."""
    path = (out / run.path).resolve()
    if not path.exists():
        with tempfile.TemporaryDirectory() as weights:
            taught = teacher_run_of(run.spec)
            if taught is not None:
                _lend(taught, Path(weights))
            words = ("run", run.path, "--record", path, "--runs", weights)
            subprocess.run([*A2D, *map(str, words)], cwd=ROOT, check=True)
    return read_record(path)


def _lend(teacher: TrainSpec, weights: Path) -> None:
    """Let a folder of weights hold a teacher's."""
    (weights / key_of(teacher)).symlink_to(ROOT / "runs" / key_of(teacher))


def main() -> None:
    """Draw, repeat, compare and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="study")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    study = load_study(options.scale, ROOT)
    recorded = load_results(study, ROOT / "results").records
    counts: Counter[str] = Counter()
    for run in draw(study, recorded, options.count, options.seed):
        fresh, before = repeat(run, options.out), recorded[run.key]
        verdict = compare_records(fresh, before)
        sides = f"{before.provenance.processor} -> {fresh.provenance.processor}"
        print(f"{verdict:20} {before.score:9.2f} {fresh.score:9.2f}  {run.path}  ({sides})")
        counts[f"{sides}: {verdict}"] += 1
    for line, count in sorted(counts.items()):
        print(f"{count:3} {line}")


if __name__ == "__main__":
    main()
