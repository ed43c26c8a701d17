"""Returns and the named terms of the objective.

L = L_policy + beta_v L_value - beta_e entropy + beta_a L_actor + beta_c L_critic + lambda L_cost
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, kl_divergence


def n_step_returns(rewards: Tensor, ends: Tensor, last_values: Tensor, discount: float) -> Tensor:
    """Return the discounted n-step returns (T, N), cut where an episode ends.

    Args:
        rewards: (T, N); at a truncation it already holds the discounted value of the final
            observation.
        ends: (T, N) bool, the episode ended with this step, by termination or truncation.
        last_values: (N,) values of the observations after the last step.
        discount: per step.
    """
    returns = torch.empty_like(rewards)
    following = last_values
    for step in reversed(range(len(rewards))):
        following = rewards[step] + discount * following * ~ends[step]
        returns[step] = following
    return returns


def generalized_advantages(
    rewards: Tensor,
    ends: Tensor,
    values: Tensor,
    last_values: Tensor,
    discount: float,
    decay: float,
) -> Tensor:
    """Return generalised advantages (T, N) (Schulman et al. 2016, eq. 16).

    Args:
        rewards: (T, N); at a truncation it already holds the discounted value of the final
            observation.
        ends: (T, N) bool, the episode ended with this step, by termination or truncation.
        values: (T, N) of the observations that were acted on.
        last_values: (N,) values of the observations after the last step.
        discount: per step.
        decay: lambda; 0 gives one-step advantages, 1 those of the n-step returns.
    """
    advantages = torch.empty_like(rewards)
    following, later = last_values, torch.zeros_like(last_values)
    for step in reversed(range(len(rewards))):
        error = rewards[step] + discount * following * ~ends[step] - values[step]
        later = error + discount * decay * later * ~ends[step]
        advantages[step], following = later, values[step]
    return advantages


def standardize(values: Tensor) -> Tensor:
    """Return the values (N,) with mean 0 and standard deviation 1."""
    return (values - values.mean()) / (values.std() + 1e-8)


def clipped_policy_loss(ratios: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Return PPO's clipped surrogate with its sign turned, over (N,) (Schulman et al. 2017, eq. 7).

    Args:
        ratios: of the actions' probabilities now to those when they were played.
        advantages: of the actions.
        clip: how far from 1 a ratio counts.
    """
    clipped = ratios.clamp(1 - clip, 1 + clip)
    return -torch.min(ratios * advantages, clipped * advantages).mean()


def policy_loss(policy: Distribution, actions: Tensor, advantages: Tensor) -> Tensor:
    """Return the policy-gradient loss, the mean of -log pi(a|s) A(s, a) over (N,)."""
    return -(policy.log_prob(actions) * advantages).mean()


def value_loss(values: Tensor, returns: Tensor) -> Tensor:
    """Return the mean squared error of values against returns, both (N,)."""
    return torch.nn.functional.mse_loss(values, returns)


def actor_distillation(teacher: Distribution, student: Distribution) -> Tensor:
    """Return the mean KL(teacher || student) over a batch of states, in closed form."""
    if isinstance(teacher, Categorical) and isinstance(student, Categorical):
        # From logarithms: kl_divergence is infinite where a student's probability underflows.
        return (teacher.probs * (teacher.logits - student.logits)).sum(dim=-1).mean()
    return kl_divergence(teacher, student).mean()


def critic_distillation(teacher_values: Tensor, student_values: Tensor) -> Tensor:
    """Return the mean of half the squared difference of values, both (N,)."""
    return 0.5 * torch.nn.functional.mse_loss(student_values, teacher_values)


def weighted_sum(terms: dict[str, Tensor], coefficients: dict[str, float]) -> Tensor:
    """Sum terms by coefficients of the same names.

    Raises:
        ValueError: a term without a coefficient, or a coefficient without a term.
    """
    if terms.keys() != coefficients.keys():
        raise ValueError(
            f"loss terms {sorted(terms)} and coefficients {sorted(coefficients)} differ"
        )
    return torch.stack([coefficients[name] * term for name, term in terms.items()]).sum()
