"""Searches played on tables whose truth is known."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy as np
import pytest

from a2d.benchmark.searchers import (
    SEARCHERS,
    MakeSearcher,
    Problem,
    RandomSearch,
    Trial,
    load_searcher,
)
from a2d.benchmark.simulation import simulate
from a2d.errors import A2DError
from tests.checkout import ROOT
from tests.small_benchmark import known_table

TABLE = known_table()
BUDGET = 40 * TABLE.steps


class Scripted:
    """Asks for what a test wants asked, and keeps the answers."""

    def __init__(self, *questions: tuple[str, int]) -> None:
        self.questions, self.answers = list(questions), list[Trial]()

    def __call__(self, problem: Problem, generator: np.random.Generator) -> Scripted:
        return self

    def ask(self) -> tuple[str, int]:
        return self.questions[min(len(self.answers), len(self.questions) - 1)]

    def tell(self, trial: Trial) -> None:
        self.answers.append(trial)


GOOD, BAD, MIDDLE = (
    "-".join(names) for names in (["conv3"] * 4, ["skip"] * 4, ["conv3", "conv3", "skip", "skip"])
)


def test_the_clock_counts_steps_and_goes_on_from_where_a_training_stopped() -> None:
    script = Scripted((BAD, 300), (GOOD, 300), (GOOD, 900), (GOOD, 900), (BAD, 200))
    played = simulate(TABLE, "known", script, 2900)
    # 300, 300, 600 more, all of it again, and 200 again of what had 300.
    assert played.clock[:5].tolist() == [300, 600, 1200, 2100, 2300]


def test_the_longest_trained_is_kept_and_among_those_the_best() -> None:
    script = Scripted((GOOD, 300), (BAD, 900), (MIDDLE, 900), (BAD, 900))
    played = simulate(TABLE, "known", script, 3900)
    assert played.incumbents[:4] == [GOOD, BAD, MIDDLE, MIDDLE]


def test_a_search_is_judged_by_seeds_that_it_has_not_seen() -> None:
    for seed in range(6):
        script = Scripted((MIDDLE, 900))
        played = simulate(TABLE, "known", script, 900, seed)
        (answer,) = script.answers
        scores = [TABLE.query(MIDDLE, "known", each).value for each in TABLE.seeds]
        (shown,) = (place for place, value in enumerate(scores) if value == answer.score)
        others = np.delete(TABLE.scores[0], shown, axis=1).mean(axis=1)
        mine = others[TABLE.space.index(MIDDLE)]
        assert played.regrets[0] == pytest.approx(others.max() - mine)
        assert played.percentiles[0] == pytest.approx(100 * np.mean(others <= mine))


def test_a_short_training_is_answered_by_its_curve() -> None:
    script = Scripted((GOOD, 300))
    simulate(TABLE, "known", script, 900)
    curves = TABLE.curves[0, TABLE.space.index(GOOD), :, 2]
    assert script.answers[0].score in curves.tolist()


@pytest.mark.parametrize("name", SEARCHERS)
def test_every_searcher_spends_its_budget_and_repeats_itself(name: str) -> None:
    make = load_searcher(name)
    first, again, other = (simulate(TABLE, "known", make, BUDGET, seed) for seed in (0, 0, 1))
    assert first.clock[-1] > BUDGET - TABLE.steps and (np.diff(first.clock) > 0).all()
    assert first.incumbents == again.incumbents and first.incumbents != other.incumbents


@pytest.mark.parametrize("name", ["evolution", "surrogate", "optuna"])
def test_what_learns_finds_more_than_random_search(name: str) -> None:
    exact = known_table(cells=6, seeds=2, noise=0.01)
    found = {
        each: [
            simulate(exact, "known", load_searcher(each), 2 * BUDGET, seed).regrets[-1]
            for seed in range(4)
        ]
        for each in (name, "random")
    }
    assert np.mean(found[name]) < np.mean(found["random"]) - 0.5


class Recording:
    """Notes what another searcher asks for."""

    def __init__(self, make: MakeSearcher) -> None:
        self.make, self.asked = make, set[str]()

    def __call__(self, problem: Problem, generator: np.random.Generator) -> Recording:
        self.searcher = self.make(problem, generator)
        return self

    def ask(self) -> tuple[str, int]:
        question = self.searcher.ask()
        self.asked.add(question[0])
        return question

    def tell(self, trial: Trial) -> None:
        self.searcher.tell(trial)


def test_halving_spends_less_on_each_and_sees_more() -> None:
    halving, random = (Recording(load_searcher(name)) for name in ("halving", "random"))
    for recording in (halving, random):
        simulate(TABLE, "known", recording, 12 * TABLE.steps)
    assert len(halving.asked) > 2 * len(random.asked)


def test_random_search_finds_what_the_best_of_as_many_draws_is() -> None:
    exact = known_table(noise=1e-6)
    played = [simulate(exact, "known", RandomSearch, 10 * exact.steps, seed) for seed in range(200)]
    means = np.sort(exact.scores[0].mean(axis=1))
    ranks = np.arange(1, len(means) + 1) / len(means)
    chances = ranks**10 - (ranks - 1 / len(means)) ** 10  # of the best of ten
    expected = float((chances * (means[-1] - means)).sum())
    assert np.mean([each.regrets[-1] for each in played]) == pytest.approx(expected, abs=0.12)


def test_what_the_table_lacks_is_free_and_never_kept() -> None:
    table = known_table(missing=tuple(range(1, 81, 2)))
    played = simulate(table, "known", RandomSearch, 20 * table.steps)
    assert played.clock.tolist() == [table.steps * (1 + each) for each in range(20)]
    assert all(table.complete("known")[table.space.index(name)] for name in played.incumbents)


@pytest.mark.parametrize(
    ("questions", "budget", "message"),
    [
        ([("conv3-conv3", 900)], 900, "should be 4 of skip, conv3, conv5"),
        ([(GOOD, 150)], 900, "multiple of 100, up to 900"),
        ([(GOOD, 1000)], 900, "multiple of 100, up to 900"),
        ([(GOOD, 900)], 800, "less than one training's 900 steps"),
    ],
)
def test_impossible_questions_are_refused(
    questions: list[tuple[str, int]], budget: int, message: str
) -> None:
    with pytest.raises(A2DError, match=message):
        simulate(TABLE, "known", Scripted(*questions), budget)


def test_a_search_that_asks_only_for_what_is_missing_ends() -> None:
    table = known_table(missing=(0,))
    with pytest.raises(A2DError, match=r"80 of 81 architectures"):
        simulate(table, "known", Scripted((BAD, 900)), 900)


def test_too_little_of_a_task_is_refused() -> None:
    with pytest.raises(A2DError, match=r"1 of 81 architectures"):
        simulate(known_table(missing=tuple(range(80))), "known", RandomSearch, 900)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "should be one of random, evolution"),
        ("no_such_module:Searcher", "No module named 'no_such_module'"),
        ("a2d.benchmark.searchers:Nothing", "has no Nothing"),
    ],
)
def test_a_searcher_that_is_not_there_is_named(name: str, message: str) -> None:
    with pytest.raises(A2DError, match=message):
        load_searcher(name)


def test_a_hundred_searches_of_evolution_and_of_random_search_take_seconds() -> None:
    table, start = known_table(cells=5), time.process_time()
    for name in ("evolution", "random"):
        for seed in range(100):
            simulate(table, "known", load_searcher(name), 100 * table.steps, seed)
    assert time.process_time() - start < 30


def test_the_code_of_the_page_does_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    own, library = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(own, names)
    played = simulate(TABLE, "known", names["Cheapest"], 5 * TABLE.steps)
    assert played.incumbents[0] == BAD
    monkeypatch.setattr("a2d.benchmark.table.open_table", lambda: TABLE)
    exec(library, names)
    assert names["run"].value == TABLE.query(BAD, "known", 0).value
