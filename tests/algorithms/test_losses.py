"""Returns and loss terms against hand-worked examples, scipy and stable-baselines3."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from stable_baselines3.common.buffers import RolloutBuffer
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, Normal

from a2d.algorithms.losses import (
    actor_distillation,
    critic_distillation,
    n_step_returns,
    policy_loss,
    value_loss,
    weighted_sum,
)


def gaussian(means: list[list[float]], deviations: list[float]) -> Distribution:
    mean = torch.tensor(means, dtype=torch.float64)
    return Independent(
        Normal(mean, torch.tensor(deviations, dtype=torch.float64).expand_as(mean)), 1
    )


def categorical(probabilities: list[list[float]]) -> Distribution:
    return Categorical(logits=torch.tensor(probabilities, dtype=torch.float64).log())


def random_case(seed: int, steps: int, environments: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rewards = torch.randn(steps, environments, generator=generator, dtype=torch.float64)
    ends = torch.rand(steps, environments, generator=generator) < 0.3
    return rewards, ends, torch.randn(environments, generator=generator, dtype=torch.float64)


def test_returns_worked_by_hand() -> None:
    # Columns: a termination after the second step; a truncation there whose final observation is
    # worth 6, so that its reward 2 arrives as 2 + 0.5 * 6; no end at all; an end with the last
    # step.
    rewards = torch.tensor(
        [[1.0, 1.0, 1.0, 1.0], [2.0, 5.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0], [3.0, 3.0, 3.0, 3.0]]
    )
    ends = torch.zeros(4, 4, dtype=torch.bool)
    ends[1, 0] = ends[1, 1] = ends[3, 3] = True
    returns = n_step_returns(rewards, ends, torch.full((4,), 10.0), 0.5)
    expected = [
        [2.0, 3.5, 3.0, 2.375],
        [2.0, 5.0, 4.0, 2.75],
        [4.0, 4.0, 4.0, 1.5],
        [8.0, 8.0, 8.0, 3.0],
    ]
    assert returns.tolist() == expected


@given(
    st.integers(0, 10_000),
    st.integers(1, 8),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.5, 0.99, 1.0]),
)
def test_returns_equal_a_sum_for_every_step_and_environment(
    seed: int, steps: int, environments: int, discount: float
) -> None:
    rewards, ends, last = random_case(seed, steps, environments)
    returns = n_step_returns(rewards, ends, last, discount)
    for i in range(environments):
        for start in range(steps):
            total, weight, alive = 0.0, 1.0, True
            for step in range(start, steps):
                total += weight * float(rewards[step, i])
                weight *= discount
                if ends[step, i]:
                    alive = False
                    break
            total += weight * float(last[i]) if alive else 0.0
            assert float(returns[start, i]) == pytest.approx(total, abs=1e-9)


def test_returns_equal_those_of_stable_baselines() -> None:
    rewards, ends, last = random_case(0, 7, 3)
    buffer = RolloutBuffer(7, Box(-1, 1, (1,)), Discrete(2), gae_lambda=1.0, gamma=0.97, n_envs=3)
    values = torch.randn(7, 3, generator=torch.Generator().manual_seed(1))
    starts = np.concatenate([np.zeros((1, 3)), ends[:-1].numpy()])
    for step in range(7):
        zeros = np.zeros((3, 1))
        buffer.add(zeros, zeros, rewards[step].numpy(), starts[step], values[step], torch.zeros(3))
    buffer.compute_returns_and_advantage(last.float(), ends[-1].numpy())
    assert np.allclose(n_step_returns(rewards, ends, last, 0.97).numpy(), buffer.returns, atol=1e-5)


def test_policy_loss_of_both_kinds() -> None:
    policy = categorical([[0.2, 0.3, 0.5], [0.25, 0.25, 0.5]])
    loss = policy_loss(policy, torch.tensor([2, 0]), torch.tensor([2.0, -1.0]))
    assert loss.item() == pytest.approx(-(2 * math.log(0.5) - math.log(0.25)) / 2)
    policy = gaussian([[0.1, -0.2]], [0.5, 2.0])
    density = stats.norm.pdf(0.7, 0.1, 0.5) * stats.norm.pdf(1.0, -0.2, 2.0)
    loss = policy_loss(policy, torch.tensor([[0.7, 1.0]]), torch.tensor([3.0]))
    assert loss.item() == pytest.approx(-3 * math.log(density))


def test_descending_the_policy_loss_makes_a_good_action_likelier() -> None:
    logits = torch.zeros(1, 3, requires_grad=True)
    policy_loss(Categorical(logits=logits), torch.tensor([1]), torch.tensor([2.0])).backward()
    assert logits.grad is not None  # of -A log softmax: A (pi - onehot)
    assert torch.allclose(logits.grad, 2 * torch.tensor([[1 / 3, 1 / 3 - 1, 1 / 3]]))


def test_value_terms() -> None:
    values, targets = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 0.0])
    assert value_loss(values, targets).item() == pytest.approx((1 + 0 + 9) / 3)
    assert critic_distillation(targets, values).item() == pytest.approx((1 + 0 + 9) / 6)


@given(
    st.lists(st.tuples(*[st.floats(0.01, 1.0)] * 4), min_size=1, max_size=3), st.integers(0, 1000)
)
def test_categorical_divergence_equals_scipys(rows: list[tuple[float, ...]], seed: int) -> None:
    p = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    q = np.random.default_rng(seed).dirichlet(np.ones(4), size=len(rows))
    found = actor_distillation(categorical(p.tolist()), categorical(q.tolist())).item()
    assert found == pytest.approx(float(np.mean(stats.entropy(p, q, axis=1))), abs=1e-6)
    assert found >= -1e-9


def test_divergence_is_the_teachers_from_the_student() -> None:
    teacher, student = categorical([[0.9, 0.1]]), categorical([[0.5, 0.5]])
    forward = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    backward = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    assert actor_distillation(teacher, student).item() == pytest.approx(forward)
    assert forward != pytest.approx(backward, rel=0.1)
    assert actor_distillation(teacher, teacher).item() == 0.0


def test_gaussian_divergence_equals_closed_form_and_integral() -> None:
    m1, s1, m2, s2 = 0.3, 0.7, -0.4, 1.2
    closed = math.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5
    p, q = stats.norm(m1, s1), stats.norm(m2, s2)
    integral, _ = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -8, 8)
    found = actor_distillation(gaussian([[m1]], [s1]), gaussian([[m2]], [s2])).item()
    assert found == pytest.approx(closed) and found == pytest.approx(integral, abs=1e-6)
    # Dimensions add up, states are averaged.
    two = actor_distillation(
        gaussian([[m1, m1], [m2, m2]], [s1, s1]), gaussian([[m2, m2]] * 2, [s2, s2])
    ).item()
    same_mean = math.log(s2 / s1) + s1**2 / (2 * s2**2) - 0.5
    assert two == pytest.approx((2 * closed + 2 * same_mean) / 2)


def test_weighted_sum_needs_equal_names() -> None:
    terms = {"policy": torch.tensor(2.0), "entropy": torch.tensor(3.0)}
    assert weighted_sum(terms, {"entropy": -0.5, "policy": 1.0}).item() == 0.5
    for wrong in (
        {"policy": 1.0},
        {"policy": 1.0, "entropy": 1.0, "value": 0.5},
        {"policy": 1.0, "entropi": 1},
    ):
        with pytest.raises(ValueError, match="differ"):
            weighted_sum(terms, wrong)


def test_divergence_stays_finite_where_a_probability_underflows() -> None:
    teacher = Categorical(logits=torch.zeros(1, 2))
    student = Categorical(logits=torch.tensor([[0.0, -200.0]], requires_grad=True))
    assert student.probs[0, 1] == 0, "in float32"
    # 0.5 (ln 0.5 - 0) + 0.5 (ln 0.5 + 200)
    assert actor_distillation(teacher, student).item() == pytest.approx(100 - math.log(2))
