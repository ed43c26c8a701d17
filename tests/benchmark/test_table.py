"""The table: what it answers, what it refuses by name, and how little it takes to open it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import spearmanr

from a2d.benchmark.quality import judge_longer, judge_task, rank_correlation
from a2d.benchmark.space import Space
from a2d.benchmark.table import open_table
from a2d.errors import A2DError
from a2d.study.bench import filling
from a2d.study.bench.publishing import publish
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.small_benchmark import known_table, tiny_benchmark

TABLE = known_table(missing=(5,))
NAME = "conv3-skip-conv5-conv3"


def test_names_and_places_of_a_space_are_one_to_one() -> None:
    space = Space(("a", "b", "c"), 3)
    names = [space.name(index) for index in range(space.size)]
    assert names[0] == "a-a-a" and names[-1] == "c-c-c" and len(set(names)) == 27
    assert [space.index(name) for name in names] == list(range(27))
    assert space.join(space.places("c-a-b")) == "c-a-b"


def test_a_query_gives_the_score_or_the_curve_so_far() -> None:
    whole, part = TABLE.query(NAME, "known", 1), TABLE.query(NAME, "known", 1, 300)
    assert whole.value == pytest.approx(2, abs=2) and len(whole.curve) == 9
    assert part.curve.tolist() == pytest.approx([0, whole.value / 8, whole.value / 4])
    assert part.value == part.curve[-1] and (part.steps, part.every) == (300, 100)


def test_percentile_and_cost_are_over_what_is_there() -> None:
    means = np.nanmean(np.delete(TABLE.scores[0], 5, axis=0), axis=1)
    mine = TABLE.scores[0, TABLE.space.index(NAME)].mean()
    assert TABLE.percentile(NAME, "known") == pytest.approx(100 * np.mean(means <= mine))
    assert TABLE.cost(NAME, "known") == (1000 + TABLE.space.index(NAME), 10, 0.25, 2.0)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (("conv3-skip", "known", 0), "should be 4 of skip, conv3, conv5, joined by '-'"),
        ((NAME, "other", 0), "task 'other': the table has known"),
        ((NAME, "known", 7), "seed 7: the table has 0, 1, 2"),
        ((NAME, "known", 0, 50), "multiple of 100, up to 900"),
        ((NAME, "known", 0, "300"), "steps '300': should be a multiple of 100, up to 900"),
        ((7, "known", 0), "architecture 7: should be 4 of"),
        ((TABLE.space.name(5), "known", 0), "not trained yet; the table has 80 of 81"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    question: tuple[str, str, int], message: str
) -> None:
    with pytest.raises(A2DError, match=message):
        TABLE.query(*question)


def test_a_missing_architecture_has_no_percentile_and_no_cost() -> None:
    for ask in (TABLE.percentile, TABLE.cost):
        with pytest.raises(A2DError, match="not trained"):
            ask(TABLE.space.name(5), "known")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(A2DError, match="bench-table publish"):
        open_table(tmp_path / "nothing.parquet")
    (tmp_path / "text").write_text("text", encoding="utf-8")
    with pytest.raises(A2DError, match="cannot be read as a table of the benchmark"):
        open_table(tmp_path / "text")


def publish_tiny(folder: Path) -> Path:
    benchmark = tiny_benchmark(folder)
    group = next(iter(benchmark.groups()))
    filling.fill(group, folder / "rows", Workspace(folder, folder / "runs"))
    publish(benchmark, folder / "rows", folder)
    return folder / "table.parquet"


def test_a_table_that_was_changed_is_refused_in_one_line(tmp_path: Path) -> None:
    path = publish_tiny(tmp_path)
    whole = pq.read_table(path)
    first = whole.column("returns").to_pylist()
    better = [[1000.0] * len(first[0]), *first[1:]]
    changed = whole.set_column(
        whole.schema.get_field_index("returns"), "returns", pa.array(better, pa.list_(pa.float32()))
    )
    pq.write_table(changed.replace_schema_metadata(whole.schema.metadata), path)
    with pytest.raises(A2DError, match=r"table\.parquet: .*checksum is not the one in croissant"):
        open_table(path)
    elsewhere = tmp_path / "copy.parquet"  # described by nothing
    for damaged, message in (
        (whole.drop_columns(["curve"]), "curve"),
        (pa.concat_tables([whole, whole.slice(0, 1)]), "is there twice"),
        (whole.replace_schema_metadata({b"a2d-bench": b"{}"}), "built"),
        (whole.replace_schema_metadata({}), "a2d-bench"),
    ):
        pq.write_table(damaged, elsewhere)
        with pytest.raises(A2DError, match=rf"copy\.parquet: cannot be read .*{message}"):
            open_table(elsewhere)


def test_nobody_changes_a_table_by_accident() -> None:
    run = TABLE.query(NAME, "known", 1)
    with pytest.raises(ValueError, match="read-only"):
        run.curve[:] = 99
    with pytest.raises(A2DError, match="81: should be 0 to 80"):
        TABLE.space.name(81)


def test_rank_correlation_is_spearmans_ties_included() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        x, y = generator.integers(5, size=(2, 12)).astype(float)
        assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert np.isnan(rank_correlation(np.ones(4), np.arange(4.0)))


def test_the_noise_ceiling_is_the_mean_over_pairs_of_seeds() -> None:
    scores = known_table(noise=1.0).scores[0]
    pairs = [spearmanr(scores[:, a], scores[:, b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
    found = judge_task(known_table(noise=1.0), "known")
    assert found.between_seeds == pytest.approx(np.mean(pairs))
    # The curves are straight lines to the score, so that every share of them ranks alike.
    assert found.by_share[0.5] == pytest.approx(found.between_seeds)
    assert found.between_seeds < found.of_means < 1


def test_ranks_after_more_steps_are_held_against_the_other_seeds() -> None:
    table, longer = known_table(noise=1.0), known_table(noise=0.3, seeds=1, missing=(3, 7))
    found = judge_longer(table, longer, "known")
    there = [index for index in range(table.space.size) if index not in (3, 7)]
    own, others = table.scores[0][there, 0], table.scores[0][there, 1:].mean(axis=1)
    after = longer.scores[0][there, 0]
    assert found.architectures == len(there) == 79
    assert found.longer == pytest.approx(spearmanr(after, others).statistic)
    assert found.same == pytest.approx(spearmanr(own, others).statistic)


def test_the_library_starts_without_torch_and_without_pandas() -> None:
    code = (
        "import sys, a2d.benchmark.simulation, a2d.benchmark.quality; "
        "assert not {'torch', 'pandas', 'pydantic', 'scipy'} & set(sys.modules); "
        "print(open('/proc/self/status').read())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", answer.stdout)
    assert int(peak) < 200 * 1024
