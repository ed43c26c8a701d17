"""One update against the paper's formulas by hand: objective, optimiser, schedules, teacher."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from a2d.algorithms.a2c import A2C, learning_rate
from a2d.algorithms.rollout import Collector, Rollout
from a2d.environments import make_environment
from a2d.errors import Diverged
from a2d.networks.agent import Agent
from a2d.networks.interface import build_agent, interface_of
from a2d.specs.algorithm import A2CSettings, DistillationSettings
from a2d.specs.task import load_card
from tests.checkout import ENVS

TASKS = [("tiny-catch", "vanilla"), ("tiny-reach", "mlp16")]
SETTINGS = A2CSettings(
    environments=4, value_coefficient=0.7, entropy_coefficient=0.03, max_gradient_norm=0.1
)
JOINT = DistillationSettings(mode="joint", actor_coefficient=0.4, critic_coefficient=0.2)


def agent_of(task: str, network: str, seed: int, scale: float = 1.0) -> Agent:
    torch.manual_seed(seed)
    card = load_card(ENVS / f"{task}.yaml")
    agent = build_agent(
        network, interface_of(make_environment(card, 1, 0), card.normalize_observations)
    )
    agent.actor.weight.data *= scale  # heads start near zero
    return agent


def play(agent: Agent, task: str, length: int = 5) -> Rollout:
    torch.manual_seed(3)
    card = load_card(ENVS / f"{task}.yaml")
    return Collector(make_environment(card, 4, 0), card, 0, 0.99).collect(agent, length)


def losses_by_hand(student: Agent, teacher: Agent, rollout: Rollout) -> dict[str, Tensor]:
    """Recompute every term from the rollout's observations, actions, rewards and ends alone."""
    outputs, values = student.heads(student.preprocess(rollout.observations))
    steps, environments = rollout.rewards.shape
    returns = torch.zeros(steps, environments)
    for i in range(environments):
        following = rollout.last_values[i].item()
        for step in reversed(range(steps)):
            following = rollout.rewards[step, i].item() + 0.99 * (
                0 if rollout.ends[step, i] else following
            )
            returns[step, i] = following
    targets = returns.reshape(-1)
    with torch.no_grad():
        taught, worth = teacher.heads(teacher.preprocess(rollout.observations))
    if student.log_deviation is None:
        logs, teaching = torch.log_softmax(outputs, -1), torch.softmax(taught, -1)
        chosen = logs.gather(1, rollout.actions[:, None])[:, 0]
        entropy = -(logs.exp() * logs).sum(-1)
        divergence = (teaching * (teaching.log() - logs)).sum(-1)
    else:
        assert teacher.log_deviation is not None
        s, t = student.log_deviation, teacher.log_deviation.detach()
        chosen = (
            -((rollout.actions - outputs) ** 2) / (2 * (2 * s).exp())
            - s
            - math.log(2 * math.pi) / 2
        ).sum(-1)
        entropy = (s + math.log(2 * math.pi * math.e) / 2).sum().expand(len(targets))
        divergence = (
            s - t + ((2 * t).exp() + (taught - outputs) ** 2) / (2 * (2 * s).exp()) - 0.5
        ).sum(-1)
    return {
        "policy": -(chosen * (targets - values.detach())).mean(),
        "value": (values - targets).square().mean(),
        "entropy": entropy.mean(),
        "actor_distillation": divergence.mean(),
        "critic_distillation": (worth - values).square().mean() / 2,
    }


@pytest.mark.parametrize(("task", "network"), TASKS)
def test_one_update_is_the_formulas_and_rmsprop_by_hand(task: str, network: str) -> None:
    student, teacher = agent_of(task, network, 0, 30), agent_of(task, network, 1, 30)
    copy = deepcopy(student)
    rollout = play(student, task)
    terms = losses_by_hand(copy, teacher, rollout)
    loss = (
        terms["policy"] + 0.7 * terms["value"] - 0.03 * terms["entropy"]
        + 0.4 * terms["actor_distillation"] + 0.2 * terms["critic_distillation"]
    )  # fmt: skip
    gradients = torch.autograd.grad(loss, list(copy.parameters()))
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    assert norm > 0.1, "or clipping is not exercised"

    found = A2C(student, SETTINGS, JOINT, teacher).update(rollout, 0.75)
    assert found == pytest.approx(
        {name: term.item() for name, term in terms.items()}, rel=1e-3, abs=1e-5
    )
    rate = (SETTINGS.learning_rate + SETTINGS.final_learning_rate) / 2
    for before, gradient, after in zip(
        copy.parameters(), gradients, student.parameters(), strict=True
    ):
        clipped = gradient * (0.1 / norm)
        square = 0.01 * clipped**2  # the decay is 0.99
        expected = before - rate * clipped / (square.sqrt() + 1e-5)  # epsilon outside the root
        close = torch.isclose(after, expected, atol=2e-5) | (clipped.abs() < 1e-6)
        assert close.all()


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        ("none", set()),
        ("actor", {"actor_distillation"}),
        ("critic", {"critic_distillation"}),
        ("joint", {"actor_distillation", "critic_distillation"}),
    ],
)
def test_modes_add_the_terms_they_are_named_for(mode: Any, names: set[str]) -> None:
    student, teacher = agent_of("tiny-catch", "vanilla", 0), agent_of("tiny-catch", "vanilla", 1)
    distillation = JOINT.model_copy(update={"mode": mode})
    learner = A2C(student, SETTINGS, distillation, None if mode == "none" else teacher)
    wanted = {"policy", "value", "entropy"} | names
    assert learner.update(play(student, "tiny-catch"), 0.0).keys() == wanted
    assert learner.coefficients(0.0).keys() == wanted


def test_learning_rate_is_held_then_falls_linearly() -> None:
    settings = A2CSettings(learning_rate=1e-3, final_learning_rate=1e-4)
    rates = [learning_rate(settings, progress) for progress in (0.0, 0.3, 0.5, 0.75, 1.0)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 5.5e-4, 1e-4])


def test_annealing_lowers_both_coefficients_to_zero() -> None:
    annealed = JOINT.model_copy(update={"schedule": "annealed"})
    student, teacher = agent_of("tiny-reach", "mlp8", 0), agent_of("tiny-reach", "mlp8", 1)
    constant = A2C(student, SETTINGS, JOINT, teacher)
    assert constant.coefficients(0.0) == constant.coefficients(0.75)
    assert A2C(student, SETTINGS, annealed, teacher).coefficients(1.0)["critic_distillation"] == 0
    coefficients = A2C(student, SETTINGS, annealed, teacher).coefficients(0.25)
    assert coefficients == pytest.approx(
        {
            "policy": 1,
            "value": 0.7,
            "entropy": -0.03,
            "actor_distillation": 0.3,
            "critic_distillation": 0.15,
        }
    )


@pytest.mark.parametrize(("task", "network"), TASKS)
def test_teacher_learns_nothing(task: str, network: str) -> None:
    student, teacher = agent_of(task, network, 0), agent_of(task, network, 1)
    teacher.train()
    before = deepcopy(teacher.state_dict())
    learner = A2C(student, SETTINGS, JOINT, teacher)
    for _ in range(3):
        learner.update(play(student, task), 0.0)
    assert not teacher.training
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert all(weight.grad is None and not weight.requires_grad for weight in teacher.parameters())


def test_teacher_keeps_the_normaliser_it_was_trained_with() -> None:
    card = load_card(ENVS / "tiny-reach.yaml").model_copy(update={"normalize_observations": True})
    interface = interface_of(make_environment(card, 1, 0), True)
    student, teacher = build_agent("mlp8", interface), build_agent("mlp8", interface)
    assert teacher.normalizer is not None and student.normalizer is not None
    teacher.normalizer.update(torch.randn(50, 4) * 9 + 3)
    before = deepcopy(teacher.normalizer.state_dict())
    collector = Collector(make_environment(card, 4, 0), card, 0, 0.99)
    A2C(student, SETTINGS, JOINT, teacher).update(collector.collect(student, 5), 0.0)
    assert all(
        torch.equal(value, before[name]) for name, value in teacher.normalizer.state_dict().items()
    )
    assert student.normalizer.count.item() == 20


@pytest.mark.parametrize("mode", ["actor", "critic"])
def test_distillation_alone_makes_the_student_like_its_teacher(mode: Any) -> None:
    student, teacher = (
        agent_of("tiny-catch", "vanilla", 0),
        agent_of("tiny-catch", "vanilla", 1, 300),
    )
    settings = SETTINGS.model_copy(update={"value_coefficient": 0.0, "entropy_coefficient": 0.0})
    distillation = DistillationSettings(mode=mode, actor_coefficient=1.0, critic_coefficient=1.0)
    learner = A2C(student, settings, distillation, teacher)
    history = []
    for _ in range(60):
        rollout = play(student, "tiny-catch")
        still = rollout._replace(  # rewards that make every advantage vanish
            rewards=rollout.values.detach().view(5, 4), ends=torch.ones(5, 4, dtype=torch.bool)
        )
        history.append(learner.update(still, 0.0)[f"{mode}_distillation"])
    assert history[-1] < 0.1 * history[0]


@pytest.mark.parametrize("what", ["rewards", "last_values"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_changes_no_weight(what: str, number: float) -> None:
    agent = agent_of("tiny-catch", "vanilla", 0)
    learner = A2C(agent, SETTINGS, DistillationSettings(), None)
    rollout = play(agent, "tiny-catch")
    broken = getattr(rollout, what).clone()
    broken[-1] = number
    before = deepcopy(agent.state_dict())
    with pytest.raises(Diverged):
        learner.update(rollout._replace(**{what: broken}), 0.0)
    assert all(torch.equal(value, before[name]) for name, value in agent.state_dict().items())
    assert learner.update(play(agent, "tiny-catch"), 0.0), "and it can go on"
