"""Searchers that try their candidates: what they try, what they spend, and what they find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from a2d.environments.tiny import Reach
from a2d.errors import A2DError
from a2d.networks.supernet import Supernet, operator_flops
from a2d.runs.execute import run_search
from a2d.search.evolution import Evolution
from a2d.search.searcher import make_searcher
from a2d.search.single_path import SinglePath
from a2d.search.trial import Trial, best_of
from a2d.specs.architecture import PAPER_OPERATORS
from a2d.specs.run import SearchSpec
from a2d.specs.task import load_card
from tests.checkout import ENVS
from tests.users_tasks import card, register

CELLS, STEPS = 3, 2000


def searching(kind: str, task: str = "tiny-reach", seed: int = 0, **settings: Any) -> SearchSpec:
    search = {"kind": kind, "space": {"cells": CELLS, "width": 4}, **settings}
    return SearchSpec(
        task=load_card(ENVS / f"{task}.yaml"),
        steps=STEPS,
        seed=seed,
        a2c={"environments": 4},
        evaluation={"episodes": 4, "environments": 4},
        search=search,
    )


def searcher_of(spec: SearchSpec) -> Any:
    shape = (3, 10, 10) if spec.space == "convolution" else (4,)
    torch.manual_seed(0)
    return make_searcher(
        spec, Supernet(spec.search.space, spec.search.operators(spec.space), shape)
    )


def search_by(searcher: Evolution, trials: int, score: Any) -> list[Trial]:
    """Let a searcher try some architectures whose true scores are known."""
    for _ in range(trials):
        operators = searcher.ask().operators
        searcher.tell(Trial(operators=operators, score=score(operators), steps=1))
    return searcher.trials


def proposed(searcher: SinglePath, generator: torch.Generator) -> list[list[int]]:
    searcher.propose(generator)
    return searcher.supernet.gates.paths


def skips(operators: tuple[str, ...]) -> float:
    return float(operators.count("skip"))


def test_each_kind_has_its_own_class() -> None:
    assert type(searcher_of(searching("evolution"))) is Evolution
    assert type(searcher_of(searching("single_path"))) is SinglePath


def test_a_child_differs_from_a_parent_among_the_youngest_in_one_cell() -> None:
    searcher = searcher_of(searching("evolution", population=5, tournament=5))
    trials = search_by(searcher, 40, skips)
    for index in range(5, 40):
        youngest = trials[index - 5 : index]
        parent = best_of(youngest).operators  # the tournament is the whole population
        child = trials[index].operators
        assert sum(mine != other for mine, other in zip(child, parent, strict=True)) == 1


def test_evolution_finds_more_than_as_many_random_draws() -> None:
    found: dict[int, list[float]] = {16: [], 100: []}
    for population, best in found.items():
        for seed in range(30):
            spec = searching("evolution", seed=seed, population=population, tournament=4)
            best.append(best_of(search_by(searcher_of(spec), 100, skips)).rank)
    # A population of 100 has no children: it only draws at random.
    assert np.mean(found[16]) > np.mean(found[100]) + 0.5


def test_what_is_tried_next_depends_on_the_seed_and_on_the_trials_alone() -> None:
    spec = searching("evolution", population=4, tournament=2)
    first = searcher_of(spec)
    trials = search_by(first, 10, skips)
    again = searcher_of(spec)
    for trial in trials:
        again.tell(trial)
    assert again.ask() == first.ask() == first.ask()
    other = searcher_of(searching("evolution", seed=1, population=4, tournament=2))
    assert [trial.operators for trial in search_by(other, 10, skips)] != [
        trial.operators for trial in trials
    ]


@pytest.mark.parametrize("task", ["tiny-reach", "tiny-catch"])
def test_no_architecture_costs_more_than_the_largest_cost(task: str) -> None:
    spec = searching("evolution", task, population=20, tournament=2, largest_cost=0.2)
    searcher = searcher_of(spec)
    names, flops = searcher.supernet.candidates, operator_flops(searcher.supernet)
    limit = 0.2 * flops.max(dim=1).values.sum()
    trials = search_by(searcher, 60, lambda operators: -skips(operators))
    costs = [
        sum(flops[cell, names.index(name)] for cell, name in enumerate(trial.operators))
        for trial in trials
    ]
    assert max(costs) <= limit and max(costs) > 0.5 * limit
    assert len({trial.operators for trial in trials[:20]}) > 10, "many, not the cheapest alone"


def test_a_limit_that_no_architecture_keeps_is_refused() -> None:
    spec = searching(
        "evolution", "tiny-catch", candidates=("conv3", "inverted5_e5"), largest_cost=0.01
    )
    with pytest.raises(A2DError, match=r"largest_cost: 0\.01 is less than the cheapest"):
        searcher_of(spec)


def test_a_trial_without_a_score_is_the_worst_and_the_earliest_of_equals_is_the_best() -> None:
    scores = [None, -5.0, 2.0, 2.0, None]
    trials = [Trial(operators=(str(k),), score=score, steps=1) for k, score in enumerate(scores)]
    assert best_of(trials) == trials[2] and best_of(trials[:2]) == trials[1]


def test_paths_are_drawn_uniformly() -> None:
    searcher = searcher_of(searching("single_path"))
    generator = torch.Generator().manual_seed(0)
    drawn = torch.tensor([proposed(searcher, generator) for _ in range(4500)]).squeeze(-1)
    counts = torch.stack([(drawn == operator).sum(dim=0) for operator in range(9)])
    assert counts.shape == (9, CELLS) and (counts - 500).abs().max() < 5 * 22  # five deviations


def test_the_budget_is_what_is_said_from_scratch(tmp_path: Path) -> None:
    record = run_search(searching("evolution", trials=7, population=3, tournament=2), tmp_path)
    assert record.search is not None
    each = [300, 300, *[280] * 5]  # 100 updates of 4 × 5 steps among seven trials
    assert [trial.steps for trial in record.search.trials] == each
    assert record.steps_done == sum(each) == STEPS
    assert [point.step for point in record.curve] == np.cumsum(each).tolist()
    assert record.search.architecture.operators == best_of(list(record.search.trials)).operators
    assert record.search.alpha is None and record.network.design == record.search.architecture


@pytest.mark.parametrize("task", ["tiny-reach", "tiny-catch"])
def test_the_budget_is_what_is_said_with_shared_weights(task: str, tmp_path: Path) -> None:
    spec = searching(
        "single_path", task, trial_share=0.5, trial_episodes=5, population=2, tournament=1
    )
    record = run_search(spec, tmp_path)
    assert record.search is not None
    trials = record.search.trials
    spent = [trial.steps for trial in trials]
    assert record.curve[-1].step == 1000 and record.steps_done == 1000 + sum(spent)
    assert STEPS - 5 < record.steps_done <= STEPS
    assert all(steps % 5 == 0 for steps in spent)
    assert all(trial.score is not None for trial in trials[:-1]), "only the last one can be cut off"
    assert record.search.architecture.operators == best_of(list(trials)).operators


def test_a_trial_with_shared_weights_scores_what_its_path_plays(tmp_path: Path) -> None:
    spec = searching("single_path", trial_share=0.5, trial_episodes=5, population=2, tournament=1)
    first, second = (run_search(spec, tmp_path / name).search for name in ("a", "b"))
    assert first == second and first is not None
    assert len({trial.score for trial in first.trials}) > 1


def test_trials_that_diverge_are_recorded_without_a_score(tmp_path: Path) -> None:
    spec = searching("evolution", trials=3, population=2, tournament=1)
    hopeless = spec.model_copy(update={"a2c": spec.a2c.model_copy(update={"learning_rate": 1e30})})
    record = run_search(hopeless, tmp_path)
    assert record.search is not None and record.status in ("finished", "diverged")
    assert [trial.score for trial in record.search.trials] == [None] * len(record.search.trials)


class Worthless(Reach):
    """A task whose rewards are no numbers, from some step of an episode on."""

    def __init__(self, first: int = 1) -> None:
        super().__init__()
        self.first, self.played = first, 0

    def reset(self, **options: Any) -> Any:
        self.played = 0
        return super().reset(**options)

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = super().step(action)
        self.played += 1
        if self.played >= self.first:
            reward = float("nan")
        return observation, reward, terminated, truncated, info


@pytest.mark.parametrize("kind", ["evolution", "single_path"])
def test_where_every_update_diverges_the_search_ends(kind: str, tmp_path: Path) -> None:
    with register("Worthless-v0", Worthless, max_episode_steps=5):
        task = card(id="Worthless-v0")
        spec = searching(kind).model_copy(update={"task": task})
        record = run_search(spec, tmp_path)
    assert record.status == "diverged" and record.evaluation is None
    assert record.search is not None and record.steps_done <= STEPS
    assert all(trial.score is None and trial.steps > 0 for trial in record.search.trials)


def test_a_trial_that_diverges_costs_the_steps_that_it_played(tmp_path: Path) -> None:
    """Weights learn for 50 steps of each environment's first episode, and see no such reward."""
    settings: dict[str, Any] = {"trial_share": 0.9, "trial_episodes": 5, "population": 2}
    with register("Worthless-v0", Worthless, max_episode_steps=999, kwargs={"first": 51}):
        task = card(id="Worthless-v0")
        spec = searching("single_path", tournament=1, **settings).model_copy(update={"task": task})
        record = run_search(spec, tmp_path)
    assert record.search is not None
    *tried, last = record.search.trials
    assert [trial.steps for trial in tried] == [51 * 5] * 7 and all(each.reason for each in tried)
    assert last.steps == STEPS - 200 - 7 * 51 * 5 and last.reason is None, "the budget has ended"


def test_a_search_needs_candidates_of_its_space(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"operators\[0\] is 'conv3'; the dense space has"):
        searching("gumbel", candidates=("conv3", "skip"))
    with pytest.raises(ValueError, match="names an operator twice"):
        searching("gumbel", candidates=("skip", "skip"))
    with pytest.raises(ValueError, match="two operators or more"):
        searching("gumbel", candidates=("skip",))


@pytest.mark.parametrize("kind", ["gumbel", "single_path", "evolution"])
def test_a_search_derives_from_its_candidates_alone(kind: str, tmp_path: Path) -> None:
    names = ("dense_tanh", "inverted_relu_e3")
    record = run_search(searching(kind, candidates=names), tmp_path)
    assert record.search is not None and set(record.search.architecture.operators) <= set(names)
    if record.search.alpha is not None:
        assert np.shape(record.search.alpha) == (CELLS, 2)
    assert set(names) < set(PAPER_OPERATORS["dense"])
