"""Searches looked up in a table whose truth is known, and the text of `a2d bench`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from a2d.benchmark.searchers import load_searcher
from a2d.benchmark.simulation import exhaust, simulate
from a2d.benchmark.table import open_table
from a2d.errors import A2DError
from a2d.reading.bench import describe_mean, describe_searches, describe_table
from a2d.reading.lookups import describe_lookups, look_up
from a2d.runs.execute import run_search
from a2d.runs.records import SearchOutcome
from a2d.search.trial import Trial
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec
from a2d.study.bench import filling
from a2d.study.bench.publishing import TABLE, publish
from a2d.study.workspace import Workspace
from tests.small_benchmark import known_table, tiny_benchmark

EXACT = known_table(noise=1e-6)  # a score is the number of conv3
CANDIDATES = ("conv5", "conv3", "skip")  # not in the table's order


def outcome(operators: tuple[str, ...], **found: object) -> SearchOutcome:
    cells = {"cells": len(operators)}
    architecture = Architecture(space="convolution", cells=cells, operators=operators)
    defaults = {"architecture": architecture, "alpha": None, "skips": 0}
    return SearchOutcome.model_validate(defaults | found)


def test_alpha_that_prefers_what_is_good_ranks_as_training_alone_does() -> None:
    best = ("conv3",) * 4
    for weight, expected in ((1.0, 1.0), (-1.0, -1.0)):
        alpha = [[0.0, weight, 0.0]] * 4
        found = look_up(EXACT, "known", outcome(best, alpha=alpha), CANDIDATES)
        assert found.percentile == 100 and found.architecture == "-".join(best)
        assert found.correlation == pytest.approx(expected, abs=0.1)  # noise breaks the ties


def test_trials_rank_what_they_have_tried() -> None:
    names = [("conv3",) * count + ("skip",) * (4 - count) for count in range(5)]
    scores = [10.0, 20.0, 30.0, 40.0, None]
    trials = tuple(
        Trial(operators=each, score=score, steps=1)
        for each, score in zip(names, scores, strict=True)
    )
    again = Trial(operators=names[0], score=100.0, steps=1)  # its mean is 55, above all others
    found = look_up(EXACT, "known", outcome(names[1], trials=(*trials, again)), CANDIDATES)
    assert found.correlation == pytest.approx(-0.2) and found.ranked == 4  # of 55, 20, 30, 40
    found = look_up(EXACT, "known", outcome(names[1], trials=trials), CANDIDATES)
    means = EXACT.scores[0].mean(axis=1)
    mine = means[EXACT.space.index("-".join(names[1]))]
    assert found.correlation == 1
    assert found.percentile == pytest.approx(100 * np.mean(means <= mine))


def test_a_search_among_other_operators_ranks_those_that_it_shares_with_the_table() -> None:
    best, fewer = ("conv3",) * 4, ("skip", "conv3")
    found = look_up(EXACT, "known", outcome(best, alpha=[[0.0, 1.0]] * 4), fewer)
    assert found.ranked == 2**4 and found.correlation == pytest.approx(1, abs=0.1)
    trials = tuple(
        Trial(operators=each, score=score, steps=1)
        for each, score in ((best, 3.0), (("skip",) * 4, 1.0), (("dense",) * 4, 9.0))
    )
    assert look_up(EXACT, "known", outcome(best, trials=trials), (*CANDIDATES, "dense")).ranked == 2


def test_the_rivals_of_what_was_found_are_all_others_of_about_its_flops() -> None:
    """The known table's networks have 1,000, 1,001, 1,002, ... FLOPs."""
    wide = known_table(cells=6, noise=1e-6)
    operators = ("conv3",) * 2 + ("skip",) * 4
    index = wide.space.index("-".join(operators))
    found = look_up(wide, "known", outcome(operators), CANDIDATES)
    near = [each for each in range(729) if abs(each - index) <= (1000 + index) / 10]
    assert 100 < len(near) < 400
    rivals = [wide.percentile(wide.space.name(each), "known") for each in near if each != index]
    assert found.lead_at_cost == pytest.approx(found.percentile - np.mean(rivals))
    alone = known_table(cells=6, missing=tuple(each for each in near if each != index))
    assert np.isnan(look_up(alone, "known", outcome(operators), CANDIDATES).lead_at_cost)


def test_a_search_that_was_run_is_looked_up_and_one_elsewhere_refused(tmp_path: Path) -> None:
    space = {"cells": 1, "width": 4, "shortcut": "identity"}
    benchmark = tiny_benchmark(tmp_path, space=space)
    for group in benchmark.groups():
        filling.fill(group, tmp_path / "rows", Workspace(tmp_path, tmp_path / "runs"))
    publish(benchmark, tmp_path / "rows", tmp_path)
    table = open_table(tmp_path / TABLE)
    row = benchmark.row("skip", "catch", 900)
    spec = SearchSpec(
        task=row.spec.task, steps=400, seed=900, a2c=row.spec.a2c, evaluation=row.spec.evaluation,
        search={"space": space, "candidates": ("skip", "conv3")},
    )  # fmt: skip
    record = run_search(spec, tmp_path / "search")
    lines = list(describe_lookups(benchmark, table, "catch", {"one": record}))
    assert record.search is not None
    assert lines[0] == "catch: 2 of 2 architectures are there with every seed"
    assert lines[1].startswith("-".join(record.search.architecture.operators)) and "one" in lines[1]
    assert "(too few) of 1 searches; one drawn at random expects 75.0" in lines[2]
    with pytest.raises(A2DError, match=r"two: is the same search as one"):
        list(describe_lookups(benchmark, table, "catch", {"one": record, "two": record}))
    with pytest.raises(A2DError, match=r"task 'nope': the table has catch"):
        list(describe_lookups(benchmark, table, "nope", {"one": record}))
    wider = tiny_benchmark(tmp_path, space={**space, "width": 8})
    with pytest.raises(A2DError, match=r"one: searched tiny-catch in .*width=4.*width=8"):
        list(describe_lookups(wider, table, "catch", {"one": record}))


def test_a_partial_table_says_so() -> None:
    lines = list(describe_table(known_table(missing=(1, 2))))
    assert "known: 79 of 81 architectures are there with every seed" in lines
    assert re.fullmatch(
        r"  earlier: after 25%, 50%, 75% of the steps (0\.\d\d[, ]+){3}.*", lines[-1]
    )
    *_, later = describe_table(known_table(), known_table(seeds=1, missing=(4,)))
    assert re.match(r"  later: 0\.\d\d of 80 architectures after 900 steps", later)
    one_seed = list(describe_table(known_table(seeds=1)))
    assert one_seed[-1] == "known: 81 of 81 architectures are there with every seed"
    searchers = {"random": load_searcher("random")}
    head, _, *rows = describe_searches(known_table(missing=(1, 2)), "known", searchers, 10, 9000)
    assert "79 of 81 architectures" in head and "12 simulations" in head and len(rows) == 7


def test_what_is_printed_of_searches_are_their_means() -> None:
    table, make = known_table(), load_searcher("random")
    _, _, *rows = describe_searches(table, "known", {"random": make}, 12, 18_000)
    played = [simulate(table, "known", make, 18_000, seed) for seed in range(12)]
    for row, share in zip(rows, (0.1, 0.2, 0.3, 0.5, 0.7, 1.0), strict=False):
        trainings = round(18_000 * share) // 900
        numbers = [float(each) for each in re.findall(r"-?\d+\.\d\d", row)]
        for column, values in ((0, "regrets"), (3, "percentiles")):
            found = np.array([getattr(each, values)[trainings - 1] for each in played])
            strata = found.reshape(4, 3)  # simulations that see the same seed below each other
            error = np.sqrt((strata.var(axis=0, ddof=1) / 4).sum()) / 3
            assert numbers[column] == pytest.approx(found.mean(), abs=0.0051)
            width = numbers[column + 2] - numbers[column + 1]
            assert width <= 2 * 4.4 * error, "Student's factor for 2 degrees of freedom at most"
    assert rows[-1].startswith("(every architecture)") and f"{81 * 900:,}" in rows[-1]
    best = [exhaust(table, "known", seed) for seed in range(3)]
    numbers = [float(each) for each in re.findall(r"\d+\.\d\d", rows[-1])]
    assert numbers[0] == pytest.approx(np.mean([each.regrets[0] for each in best]), abs=0.0051)
    assert numbers[1] == pytest.approx(np.mean([each.percentiles[0] for each in best]), abs=0.0051)


def test_a_searchers_mistake_is_said_with_its_name() -> None:
    class Wrong:
        def __init__(self, *_: object) -> None:
            pass

        def ask(self) -> tuple[str, int]:
            return "conv9", 900

        def tell(self, trial: object) -> None:
            pass

    with pytest.raises(A2DError, match="searcher my:Wrong: architecture 'conv9'"):
        list(describe_searches(known_table(), "known", {"my:Wrong": Wrong}, 9, 9000))
    with pytest.raises(A2DError, match=r"^budget 800"):
        next(describe_searches(known_table(), "known", {}, 9, 800))


def test_a_mean_has_students_interval() -> None:
    # Mean 2, deviation 1, n 3: 2 ± 4.303 / sqrt(3).
    values = np.array([[1.0], [2.0], [3.0]])
    assert describe_mean(values) == "  2.00 [ -0.48,   4.48]"
    assert describe_mean(values, (0.0, 4.0)) == "  2.00 [  0.00,   4.00]"
    assert describe_mean(values[:2]).split() == ["1.50", "(too", "few)"]
    assert describe_mean(np.array([[1.0], [np.nan]])).strip() == "--"
