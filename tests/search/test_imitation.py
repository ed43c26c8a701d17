"""Search by imitation: what the teacher shows, what a candidate learns of it, what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import kl_divergence

from a2d.algorithms.make_learner import make_learner
from a2d.algorithms.rollout import Collector
from a2d.environments import make_environment
from a2d.networks.agent import Agent
from a2d.networks.interface import build_agent, interface_of
from a2d.runs.execute import run_search
from a2d.runs.imitation import Demonstration, Examples, Imitator
from a2d.runs.progress_bar import Reporter
from a2d.search.trial import best_of
from a2d.specs.algorithm import DistillationSettings
from a2d.specs.run import ManualAgent, SearchSpec, TrainSpec
from a2d.specs.task import load_card
from tests.checkout import ENVS

STEPS = 400  # ten updates of 8 × 5
JOINT = DistillationSettings(mode="joint", actor_coefficient=0.7, critic_coefficient=0.3)


def searching(task: str = "tiny-reach", network: str = "mlp8", **changes: Any) -> SearchSpec:
    base = {
        "task": load_card(ENVS / f"{task}.yaml"),
        "steps": STEPS,
        "seed": 0,
        "a2c": {"environments": 8},
        "evaluation": {"episodes": 4, "environments": 4},
    }
    search = {"kind": "imitation", "space": {"cells": 3, "width": 4}, "trials": 5}
    search |= {"trial_updates": 12, "population": 3, "tournament": 2}
    teacher = TrainSpec(**base, agent=ManualAgent(network=network))
    return SearchSpec(
        **{**base, "search": search, "distillation": JOINT, "teacher": teacher} | changes
    )


def agent_for(spec: SearchSpec, design: Any, seed: int) -> Agent:
    environments = make_environment(spec.task, 1, 0)
    interface = interface_of(environments, spec.task.normalize_observations)
    environments.close()
    torch.manual_seed(seed)
    return build_agent(design, interface)


def demonstration_of(spec: SearchSpec, teacher: Agent) -> Demonstration:
    def collector() -> Collector:
        environments = make_environment(spec.task, spec.a2c.environments, 3)
        generator = torch.Generator().manual_seed(1)
        return Collector(environments, spec.task, 3, 0.99, generator)

    return Demonstration(spec, teacher, collector)


def play(demonstration: Demonstration) -> None:
    with Reporter("test", STEPS, None, None) as reporter:
        while not demonstration.ended():
            demonstration.update(reporter)


@pytest.mark.parametrize(("task", "network"), [("tiny-catch", "vanilla"), ("tiny-reach", "mlp8")])
def test_the_teacher_plays_the_searchs_steps_and_learns_nothing(task: str, network: str) -> None:
    spec = searching(task, network)
    teacher = agent_for(spec, network, 1)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    demonstration = demonstration_of(spec, teacher)
    play(demonstration)
    examples = demonstration.examples()
    assert len(examples.values) == demonstration.progress.steps == STEPS
    outputs, values = teacher.heads(teacher.preprocess(examples.observations))
    assert torch.allclose(outputs, examples.outputs, atol=1e-6)
    assert torch.allclose(values, examples.values, atol=1e-6)
    assert all(torch.equal(before[name], each) for name, each in teacher.state_dict().items())


def test_a_normaliser_of_the_teacher_stays_and_the_students_knows_what_was_seen() -> None:
    task = load_card(ENVS / "tiny-reach.yaml").model_copy(update={"normalize_observations": True})
    spec = searching()
    spec = spec.model_copy(update={"task": task})
    teacher = agent_for(spec, "mlp8", 1)
    assert teacher.normalizer is not None
    teacher.normalizer.update(torch.randn(50, 4))
    demonstration = demonstration_of(spec, teacher)
    play(demonstration)
    assert teacher.normalizer.count == 50


def test_a_demonstration_that_is_taken_up_is_the_one_it_would_have_been() -> None:
    spec = searching()
    teacher = agent_for(spec, "mlp8", 1)
    whole, first, second = (demonstration_of(spec, teacher) for _ in range(3))
    play(whole)
    with Reporter("test", STEPS, None, None) as reporter:
        for _ in range(4):
            first.update(reporter)
    second.restore(*first.state())
    play(second)
    for mine, its in zip(whole.examples(), second.examples(), strict=True):
        assert torch.equal(mine, its)


def examples_of(teacher: Agent, count: int) -> Examples:
    observations = torch.rand(count, 4)
    with torch.no_grad():
        return Examples(observations, *teacher.heads(teacher.preprocess(observations)))


def plain_losses(student: Agent, teacher: Agent, observations: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weighted sum of both distillation terms, and the critic's term."""
    policy, values = student(observations)
    with torch.no_grad():
        taught, taught_values = teacher(observations)
    of_critic = 0.5 * (taught_values - values).square().mean()
    return 0.7 * kl_divergence(taught, policy).mean() + 0.3 * of_critic, of_critic


def test_updates_and_score_equal_plain_ones() -> None:
    spec = searching(a2c={"environments": 8, "learning_rate": 3e-3})
    changes = {"trial_updates": 4, "scored_share": 0.5}
    spec = spec.model_copy(update={"search": spec.search.model_copy(update=changes)})
    teacher, ours, plain = (agent_for(spec, "mlp8", seed) for seed in (1, 2, 2))
    examples = examples_of(teacher, 50)
    learner = make_learner(spec, ours, teacher)
    imitator = Imitator(learner, spec, torch.Generator().manual_seed(5))
    optimizer = torch.optim.RMSprop(plain.parameters(), 3e-3, alpha=0.99, eps=1e-5)
    again, losses = torch.Generator().manual_seed(5), []
    while not imitator.ended():
        imitator.update(examples)
        drawn = torch.randint(50, (40,), generator=again)  # as many as a rollout has
        optimizer.zero_grad()
        loss, of_critic = plain_losses(plain, teacher, examples.observations[drawn])
        loss.backward()
        losses.append(of_critic.item())
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        optimizer.step()
    for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=2e-5)
    assert len(losses) == 4, "of which the last half counts"
    assert imitator.score == pytest.approx(-(losses[2] + losses[3]) / 2, rel=1e-3)


def test_a_trial_whose_loss_is_no_number_has_no_score(tmp_path: Path) -> None:
    spec = searching()
    teacher = agent_for(spec, "mlp8", 1)
    with torch.no_grad():
        teacher.critic.bias.fill_(1e30)
    record = run_search(spec, tmp_path, teacher)
    assert record.search is not None and record.status == "diverged"
    assert all(t.score is None and "loss" in (t.reason or "") for t in record.search.trials)


def test_the_best_of_the_trials_is_derived_and_the_steps_are_the_teachers(tmp_path: Path) -> None:
    spec = searching()
    teacher = agent_for(spec, "mlp8", 1)
    record = run_search(spec, tmp_path / "a", teacher)
    assert record.search is not None
    trials = list(record.search.trials)
    assert len(trials) == 5 and all(trial.steps == 0 for trial in trials)
    assert all(trial.score is not None and trial.score < 0 for trial in trials)
    assert record.search.architecture.operators == best_of(trials).operators
    assert record.steps_done == record.curve[-1].step == STEPS
    again = run_search(spec, tmp_path / "b", teacher)
    assert again.search == record.search and again.evaluation == record.evaluation


def test_a_network_that_can_imitate_is_preferred(tmp_path: Path) -> None:
    """Skips alone leave a linear agent, which the teacher's values are beyond."""
    spec = searching()
    changes = {"candidates": ("skip", "dense_tanh"), "trials": 6, "population": 6}
    changes |= {"trial_updates": 200, "tournament": 1}
    spec = spec.model_copy(update={"search": spec.search.model_copy(update=changes)})
    teacher = agent_for(spec, "mlp64", 1)
    with torch.no_grad():
        for weight in teacher.backbone.parameters():
            weight.mul_(4)  # far from linear
    record = run_search(spec, tmp_path, teacher)
    assert record.search is not None and len({t.operators for t in record.search.trials}) > 2
    skips = [trial.operators.count("skip") for trial in record.search.trials]
    ranks = [trial.rank for trial in record.search.trials]
    assert np.corrcoef(skips, ranks)[0, 1] < 0


def test_it_needs_a_teacher() -> None:
    with pytest.raises(ValueError, match="imitation: its critic has to teach"):
        searching(teacher=None, distillation={"mode": "none"})
    with pytest.raises(ValueError, match="joint or critic, not actor"):
        searching(distillation={"mode": "actor"})
