"""Searches played on tables whose truth is known."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy as np
import pytest

from a2d.benchmark.searchers import (
    SEARCHERS,
    Evolution,
    MakeSearcher,
    Problem,
    RandomSearch,
    SuccessiveHalving,
    Trial,
    load_searcher,
)
from a2d.benchmark.simulation import exhaust, simulate
from a2d.errors import A2DError
from a2d.specs.architecture import CellSpace
from a2d.specs.search import EvolutionSettings
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
    script = Scripted((BAD, 300), (GOOD, 300), (GOOD, 900), (GOOD, 900), (BAD, 200), (BAD, 400))
    played = simulate(TABLE, "known", script, 2900)
    # 300, 300, 600 more, all of it again, 200 again of what had 300, and 100 more than those.
    assert played.clock[:6].tolist() == [300, 600, 1200, 2100, 2300, 2400]


def test_the_longest_trained_is_kept_and_among_those_the_best() -> None:
    script = Scripted((GOOD, 300), (BAD, 900), (MIDDLE, 900), (BAD, 900))
    played = simulate(TABLE, "known", script, 3900)
    assert played.incumbents[:4] == [GOOD, BAD, MIDDLE, MIDDLE]


def test_a_search_is_judged_by_seeds_that_it_has_not_seen() -> None:
    all_shown = []
    for seed in range(6):
        script = Scripted((MIDDLE, 900))
        played = simulate(TABLE, "known", script, 900, seed)
        (answer,) = script.answers
        scores = [TABLE.query(MIDDLE, "known", each).value for each in TABLE.seeds]
        (shown,) = (place for place, value in enumerate(scores) if value == answer.score)
        all_shown.append(shown)
        others = np.delete(TABLE.scores[0], shown, axis=1).mean(axis=1)
        mine = others[TABLE.space.index(MIDDLE)]
        assert played.regrets[0] == pytest.approx(others.max() - mine)
        assert played.percentiles[0] == pytest.approx(100 * np.mean(others <= mine))
    assert all_shown == [0, 1, 2, 0, 1, 2]


def test_who_knew_all_scores_of_the_seed_shown_would_keep_its_best() -> None:
    for seed in range(3):
        shown = TABLE.scores[0, :, seed]
        others = np.delete(TABLE.scores[0], seed, axis=1).mean(axis=1)
        best = exhaust(TABLE, "known", seed)
        assert best.regrets.tolist() == pytest.approx([others.max() - others[shown.argmax()]])
        assert best.clock.tolist() == [81 * 900]


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
        self.make, self.asked = make, list[tuple[str, int]]()

    def __call__(self, problem: Problem, generator: np.random.Generator) -> Recording:
        self.searcher = self.make(problem, generator)
        return self

    def ask(self) -> tuple[str, int] | None:
        question = self.searcher.ask()
        if question is not None:
            self.asked.append(question)
        return question

    def tell(self, trial: Trial) -> None:
        self.searcher.tell(trial)


@pytest.mark.parametrize("missing", [(), tuple(range(0, 81, 3))])
def test_halving_trains_the_best_third_on_and_the_best_third_of_those(
    missing: tuple[int, ...],
) -> None:
    table, recording = known_table(missing=missing), Recording(SuccessiveHalving)
    simulate(table, "known", recording, 40 * table.steps)
    steps = [done for _, done in recording.asked]
    rounds = [[name for name, done in recording.asked[:60] if done == each] for each in (100, 300)]
    first, second = rounds[0][:27], rounds[1]
    there = [name for name in first if table.complete("known")[table.space.index(name)]]
    assert set(steps[:27]) == {100} and steps[27] == 300
    places = [table.space.index(name) for name in there]
    best = np.array(there)[np.argsort(-table.curves[0, places, 0, 0])]
    kept = -(-len(there) // 3)
    assert second[:kept] == best[:kept].tolist()
    longest = [name for name, done in recording.asked if done == 900][: -(-kept // 3)]
    places = [table.space.index(name) for name in second[:kept]]
    order = np.argsort(-table.curves[0, places, 0, 2])
    assert longest == np.array(second[:kept])[order][: len(longest)].tolist()


def test_evolution_is_the_one_of_the_library() -> None:
    settings = EvolutionSettings(kind="evolution", space=CellSpace(cells=4))
    assert (Evolution.population, Evolution.tournament) == (
        settings.population, settings.tournament
    )  # fmt: skip


def test_evolution_changes_one_cell_of_the_best_of_a_tournament() -> None:
    searcher = Evolution(Problem(TABLE.space, 900, 100), np.random.default_rng(0))
    for place in range(Evolution.population):
        searcher.tell(Trial(GOOD if place % 2 else BAD, 900, float(place % 2)))
    children = [name.split("-") for name, _ in (searcher.ask() for _ in range(200))]
    # Four draws of sixteen, half of which are good: one is among them in 15 of 16 tournaments.
    assert np.mean([child.count("conv3") >= 3 for child in children]) > 0.85
    assert {child.count("conv3") for child in children} <= {0, 1, 3, 4}


def test_evolution_forgets_what_the_table_lacks() -> None:
    searcher = Evolution(Problem(TABLE.space, 900, 100), np.random.default_rng(0))
    searcher.tell(Trial(GOOD, 900, None))
    searcher.tell(Trial(BAD, 900, 1.0))
    assert [trial.architecture for trial in searcher.trials] == [BAD]


def test_the_surrogate_prefers_what_it_knows_less() -> None:
    """Of two that are predicted alike, the one that is further from all that was trained."""
    make = load_searcher("surrogate")
    searcher = make(Problem(TABLE.space, 900, 100), np.random.default_rng(0))
    near = [TABLE.space.name(index) for index in range(8)]  # the first two cells skip
    for name in near:
        searcher.tell(Trial(name, 900, 1.0))
    question = searcher.ask()
    assert question is not None and question[0].split("-")[:2].count("skip") == 0


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
        ([42], 900, r"ask\(\) should return .*; it returned 42"),
        ([(GOOD, "many")], 900, r"it returned \('conv3.*', 'many'\)"),
        ([(3, 900)], 900, r"it returned \(3, 900\)"),
    ],
)
def test_impossible_questions_are_refused(questions: list[Any], budget: int, message: str) -> None:
    with pytest.raises(A2DError, match=message):
        simulate(TABLE, "known", Scripted(*questions), budget)


def test_a_search_that_asks_only_for_what_is_missing_ends() -> None:
    table = known_table(missing=(0,))
    with pytest.raises(A2DError, match=r"80 of 81 architectures"):
        simulate(table, "known", Scripted((BAD, 900)), 900)
    played = simulate(table, "known", Scripted((GOOD, 900), (BAD, 900)), 9000)
    assert played.incumbents == [GOOD], "what it found before is not lost"


def test_a_search_may_end_itself() -> None:
    script: Any = Scripted((GOOD, 900), (BAD, 900))
    script.questions.append(None)
    assert simulate(TABLE, "known", script, 9000).clock.tolist() == [900, 1800]


def test_too_little_of_a_task_is_refused() -> None:
    with pytest.raises(A2DError, match=r"1 of 81 architectures"):
        simulate(known_table(missing=tuple(range(80))), "known", RandomSearch, 900)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "should be one of random, evolution"),
        ("no_such_module:Searcher", "No module named 'no_such_module'"),
        ("a2d.benchmark.searchers:Nothing", "has no Nothing"),
        ("a2d.benchmark.searchers:SEARCHERS", "is no class or function"),
        (":Searcher", "or module:Class"),
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
    played = simulate(TABLE, "known", names["Cheapest"], 100 * TABLE.steps)
    assert played.incumbents[0] == BAD and len(played.clock) == TABLE.space.size
    assert "--searcher my_module:Cheapest" in page
    monkeypatch.setattr("a2d.benchmark.table.open_table", lambda: TABLE)
    exec(library, names)
    assert names["run"].value == TABLE.query(BAD, "known", 0).value
