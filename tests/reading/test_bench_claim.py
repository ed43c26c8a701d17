"""C6 and its artifacts: searches whose results are known, in a table whose truth is known."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from a2d.benchmark.table import Table
from a2d.reading import lookups
from a2d.reading.claims import Ruling, judge_all
from a2d.reading.results import Results
from a2d.specs.architecture import Architecture, CellSpace
from a2d.study.bench.definition import load_benchmark
from a2d.study.study import Study, load_study
from tests.checkout import ROOT
from tests.scripts import script
from tests.small_benchmark import known_table
from tests.synthetic import make_study, results_of

OPERATORS = ("skip", "inverted3_e1", "conv3", "conv5")
TASKS = ("minatar-breakout", "minatar-asterix")
known = partial(known_table, cells=3, operators=OPERATORS, cards=TASKS)  # as the searches have it
TABLE = known()  # a score is conv3's count
GOOD, POOR = "conv3-conv3-conv5", "skip-skip-conv5"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("bench"), TASKS, 5, ("bench",))


def derived(study: Study, names: dict[str, list[str]]) -> Results:
    """Record every search with the architecture of its method and seed; POOR where none is named.

    One cell differs between seeds, so that the percentiles do.
    """
    results = results_of(study, lambda run: 1.0)
    for key, record in results.records.items():
        run = study.runs[key]
        if record.search is not None:
            name = names.get(run.factors["search"], [POOR] * 5)[run.spec.seed]
            design = Architecture(
                space="convolution",
                cells=record.search.architecture.cells,
                operators=tuple(name.split("-")),
            )
            found = record.search.model_copy(update={"architecture": design})
            results.records[key] = record.model_copy(update={"search": found})
    return results


def ruling(results: Results) -> Ruling:
    return next(each for each in judge_all(results) if each.claim.claim == "C6")


def some(generator: np.random.Generator, fewest: int) -> list[str]:
    """Return five architectures with at least so many conv3."""
    names = [TABLE.space.name(index) for index in range(TABLE.space.size)]
    return list(generator.choice([name for name in names if name.count("conv3") >= fewest], 5))


@pytest.fixture
def with_table(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(lookups, "published", lambda: TABLE)
    return TABLE


@pytest.mark.usefixtures("with_table")
def test_a_search_that_finds_what_is_good_supports_the_claim(study: Study) -> None:
    found = ruling(derived(study, {"joint": [GOOD, GOOD, GOOD, "conv3-conv3-conv3", GOOD]}))
    assert found.verdict == "supported" and found.seeds == (5, 5) and found.tasks == 2
    turned = ruling(derived(study, dict.fromkeys(("vanilla", "cost_only"), [GOOD] * 5)))
    assert turned.verdict == "contradicted"


@pytest.mark.usefixtures("with_table")
def test_percentiles_and_leads_are_those_of_the_tables_own_scores(study: Study) -> None:
    generator = np.random.default_rng(0)
    names = {method: some(generator, fewest) for method, fewest in (("joint", 2), ("vanilla", 0))}
    decision = ruling(derived(study, names)).decision
    first, second = (scores.mean(axis=1) for scores in TABLE.scores)
    ranks = {
        method: [
            100 * np.mean(means <= means[TABLE.space.index(name)])
            for name in each
            for means in (first, second)
        ]
        for method, each in {**names, "cost_only": [POOR] * 5}.items()
    }
    assert decision is not None
    chance, cost, vanilla = (part.effect.estimate for part in decision.parts)
    every = [100 * np.mean(first <= value) for value in first]
    assert chance == pytest.approx(np.mean(ranks["joint"]) - np.mean(every))
    assert cost == pytest.approx(np.mean(ranks["joint"]) - np.mean(ranks["cost_only"]))
    assert vanilla == pytest.approx(np.mean(ranks["joint"]) - np.mean(ranks["vanilla"]))


def test_without_a_table_the_claim_is_open(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "published", lambda: None)
    found = ruling(derived(study, {}))
    assert found.verdict == "inconclusive" and "no table yet" in found.reasons[0]


def test_a_network_that_is_built_otherwise_is_not_looked_up(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in (known(built=CellSpace(cells=3, width=8)), known(operators=("skip", "conv3"))):
        monkeypatch.setattr(lookups, "published", lambda other=other: other)
        assert "not every run has a value" in ruling(derived(study, {})).reasons[0]


def test_what_the_table_lacks_leaves_the_claim_open(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = known(missing=(TABLE.space.index(POOR),))
    monkeypatch.setattr(lookups, "published", lambda: lacking)
    assert "not every run has a value" in ruling(derived(study, {})).reasons[0]


@pytest.mark.usefixtures("with_table")
def test_the_tables_row_is_the_mean_over_searches(study: Study) -> None:
    names = some(np.random.default_rng(1), 1)
    data = (
        script("tables/bench")
        .make(derived(study, {"joint": names}))
        .data.set_index(["task", "search"])
    )
    means = TABLE.scores[0].mean(axis=1)
    alone = [means[TABLE.space.index(name)] for name in names]
    ranks = [100 * np.mean(means <= value) for value in alone]
    row = data.loc[("minatar-breakout", "joint")]
    assert (row["percentile"], row["alone"]) == pytest.approx((np.mean(ranks), np.mean(alone)))
    # The known table's FLOPs are in the order of its names.
    cost = [100 * (TABLE.space.index(name) + 1) / TABLE.space.size for name in names]
    assert row["cost"] == pytest.approx(np.mean(cost)) and row["n"] == row["planned"] == 5


@pytest.mark.usefixtures("with_table")
def test_the_figure_marks_every_search_twice(study: Study, tmp_path: Path) -> None:
    drawing = script("figures/bench").draw(derived(study, {"joint": [GOOD] * 5}))
    for axes in (drawing.figure.axes[1], drawing.figure.axes[3]):
        cloud = axes.lines
        assert len(cloud[0].get_xdata()) == TABLE.space.size
        assert sum(len(line.get_xdata()) for line in cloud[1:]) == 5 * 8
    assert "64 of 64 architectures of minatar-asterix" in drawing.caption


def test_a_task_of_which_the_table_has_nothing_is_blank(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = known(missing=tuple(range(TABLE.space.size)))
    monkeypatch.setattr(lookups, "published", lambda: nothing)
    drawing = script("figures/bench").draw(derived(study, {}))
    said = [[text.get_text() for text in axes.texts] for axes in drawing.figure.axes]
    assert all(len(texts) == 1 and texts[0].startswith("no ") for texts in said)


def test_the_studys_searches_are_in_the_tables_space() -> None:
    """Its scale and the table's definition say the same, whichever is changed."""
    benchmark, study = load_benchmark(ROOT), load_study("bench_searches", ROOT)
    searches = [run for run in study.runs.values() if run.stage == "search"]
    assert {run.key for run in searches} == study.on_bench
    for run in searches:
        assert run.spec.kind == "search"
        assert run.spec.search.space == benchmark.definition.space
        assert run.spec.search.operators("convolution") == benchmark.definition.operators
        assert run.spec.task in benchmark.cards.values()
        assert getattr(run.spec.search, "largest_cost", 1.0) == 1.0
