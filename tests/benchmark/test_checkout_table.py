"""The table that the checkout holds: made of its rows, described as it is, said of as it says."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from a2d.benchmark.quality import judge_task
from a2d.benchmark.table import CROISSANT, PUBLISHED, PUBLISHED_LONGER, open_table
from a2d.files import checksum
from a2d.reading.bench import describe_table
from a2d.runs.latencies import latency_files
from a2d.study.bench.definition import ROWS, Benchmark, load_benchmark
from a2d.study.bench.publishing import TABLE, publish, read_rows
from tests.checkout import ROOT

RESULTS = ROOT / "results"
LARGEST = 20e6  # bytes


@pytest.fixture(scope="module")
def definition() -> Benchmark:
    return load_benchmark(ROOT)


def test_it_is_what_publishing_its_rows_again_gives(definition: Benchmark, tmp_path: Path) -> None:
    for path in latency_files(PUBLISHED.parent):
        target = tmp_path / path.relative_to(PUBLISHED.parent)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    publish(definition, RESULTS / ROWS, tmp_path)
    assert (tmp_path / TABLE).read_bytes() == PUBLISHED.read_bytes()
    assert PUBLISHED.stat().st_size < LARGEST
    described = json.loads((PUBLISHED.parent / CROISSANT).read_text(encoding="utf-8"))
    for file in described["distribution"]:
        assert file["sha256"] == checksum(PUBLISHED.parent / file["contentUrl"])


def test_every_row_was_trained_by_committed_code(definition: Benchmark) -> None:
    entries = read_rows(definition, RESULTS / ROWS)
    assert entries and not any(entry.modified for entry in entries)
    assert {entry.status for entry in entries} <= {"finished", "diverged"}
    assert all(len(entry.returns) == 100 for entry in entries if entry.status == "finished")


def test_the_noise_ceiling_is_that_of_the_file() -> None:
    rows = pd.read_parquet(PUBLISHED)
    rows["score"] = rows["returns"].map(np.mean)
    for task, mine in rows.groupby("task"):
        scores = mine.pivot_table(index="architecture", columns="seed", values="score").dropna()
        pairs = [spearmanr(scores[a], scores[b]).statistic for a, b in combinations(scores, 2)]
        found = judge_task(open_table(), str(task))
        assert found.between_seeds == pytest.approx(np.mean(pairs))


def test_its_page_says_what_the_table_says() -> None:
    page = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    longer = open_table(PUBLISHED_LONGER) if PUBLISHED_LONGER.exists() else None
    said = "\n".join(describe_table(open_table(), longer))
    assert f"```text\n{said}\n```" in page, "paste what `a2d bench` prints"
