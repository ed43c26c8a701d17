"""Repeat recorded runs that are drawn at random, and count how they come out.

``python -m benchmarks.repeat_runs --scale study --out fresh`` draws twenty of the scale's recorded
runs, does each again, and says how often each verdict of ``a2d compare`` falls, by the processors
of the record and of the repetition, and how the differences compare with those of two seeds; all
pairs stand in ``fresh/pairs.csv``. Teachers are not drawn, as their weights are in use.
``--elsewhere`` draws only from what another kind of processor recorded. ``--bench`` draws trainings
of the benchmark's table instead. Stopped, the same command goes on; what has been repeated is not
done again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from a2d.reading.bench import compare_with_row
from a2d.reading.compare import Verdict, compare_records
from a2d.reading.results import load_results
from a2d.runs.provenance import collect_provenance
from a2d.runs.records import RECORD, Record, read_record
from a2d.specs.run import TrainSpec, key_of, teacher_run_of
from a2d.study.bench.definition import ROWS, load_benchmark
from a2d.study.bench.filling import train_again
from a2d.study.bench.journal import entry_of
from a2d.study.bench.publishing import read_rows
from a2d.study.study import Run, Study, load_study
from a2d.study.workspace import Workspace

ROOT, RESULTS = Path(__file__).parents[1], Path(__file__).parents[1] / "results"
FILES = Workspace(RESULTS, ROOT / "runs")
A2D = (sys.executable, "-c", "from a2d.cli import main; main()")


class Pair(NamedTuple):
    """A repetition and what it repeats."""

    run: str
    verdict: Verdict
    before: float
    after: float
    spread: float  # standard deviation of the recorded scores over all seeds of the same runs
    recorded_on: str
    repeated_on: str


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


def runs_again(scale: str, count: int, seed: int, out: Path, without: str | None) -> Iterator[Pair]:
    """Repeat runs of a scale, but those that the processor ``without`` recorded."""
    results = load_results(load_study(scale, ROOT), RESULTS)
    spreads = results.runs.groupby(["task", "method"])["score"].std()
    records = results.records.items()
    recorded = {key: record for key, record in records if record.provenance.processor != without}
    for run in draw(results.study, recorded, count, seed):
        before, after = recorded[run.key], repeat(run, out)
        yield Pair(
            run.path,
            compare_records(after, before),
            before.score,
            after.score,
            float(spreads[run.spec.task.name, run.method]),
            before.provenance.processor,
            after.provenance.processor,
        )


def rows_again(count: int, seed: int, out: Path, without: str | None) -> Iterator[Pair]:
    """Repeat trainings of the benchmark's table, but those of the processor ``without``."""
    benchmark = load_benchmark(ROOT)
    rows = read_rows(benchmark, RESULTS / ROWS)
    scores = {row.key: float(np.mean(row.returns)) for row in rows}
    recorded = [row for row in rows if row.processor != without]
    chosen = np.random.default_rng(seed).choice(len(recorded), min(count, len(recorded)), False)
    for before in (recorded[index] for index in sorted(chosen)):
        row = benchmark.row(before.architecture, before.task, before.seed)
        path = out / row.key / RECORD
        record = read_record(path) if path.exists() else train_again(row, path.parent, FILES)
        after = entry_of(row, record)
        alike = [
            scores[other.key]
            for other in rows
            if (other.architecture, other.task) == (row.architecture, row.task)
        ]
        yield Pair(
            f"{row.architecture}, {row.task}, seed {row.seed}",
            compare_with_row(after, before),
            scores[before.key],
            float(np.mean(after.returns)),
            float(np.std(alike, ddof=1)),
            before.processor,
            after.processor,
        )


def summary(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield how often each verdict falls, and how the differences compare with those of seeds."""
    verdicts = Counter(
        f"{each.recorded_on} -> {each.repeated_on}: {each.verdict}" for each in pairs
    )
    for line, count in sorted(verdicts.items()):
        yield f"{count:3} {line}"
    # Two seeds differ by the square root of two standard deviations, root mean square.
    shares = np.array([(each.after - each.before) / each.spread for each in pairs]) / 2**0.5
    shares = shares[np.isfinite(shares)]
    yield (
        f"differences in units of those of two seeds, {len(shares)} runs: "
        f"mean {shares.mean():.2f}, root mean square {np.sqrt((shares**2).mean()):.2f}"
    )


def main() -> None:
    """Draw, repeat, compare and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="study")
    parser.add_argument("--bench", action="store_true", help="the benchmark's table, not a scale")
    parser.add_argument("--elsewhere", action="store_true", help="of other processors than this")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    without = collect_provenance(threads=1).processor if options.elsewhere else None
    drawn = options.count, options.seed, options.out, without
    pairs = []
    for pair in rows_again(*drawn) if options.bench else runs_again(options.scale, *drawn):
        print(f"{pair.verdict:20} {pair.before:9.2f} {pair.after:9.2f}  {pair.run}", flush=True)
        pairs.append(pair)
    pd.DataFrame(pairs).to_csv(options.out / "pairs.csv", index=False)
    for line in summary(pairs):
        print(line)


if __name__ == "__main__":
    main()
