"""The test score against the same games played one by one."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from a2d.environments import make_environment
from a2d.environments.tiny import Catch
from a2d.environments.vector import independent_seeds
from a2d.errors import Diverged
from a2d.networks.agent import Agent
from a2d.networks.interface import build_agent, interface_of
from a2d.runs.evaluation import Episodes, evaluate
from a2d.specs.task import DEFAULT_EPISODE_LIMIT, TaskCard, load_card
from tests.checkout import ENVS
from tests.users_tasks import Walk, card, register


class Rule(nn.Module):
    """A policy that always does what a rule says."""

    def __init__(self, actions: int, rule: Any) -> None:
        super().__init__()
        self.actions, self.rule = actions, rule

    def preprocess(self, observation: Tensor) -> Tensor:
        return observation

    def heads(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        chosen = torch.tensor([self.rule(one.numpy()) for one in observation])
        logits = 1e4 * nn.functional.one_hot(chosen, self.actions)
        return logits, torch.full((len(chosen),), torch.nan)  # it has no values

    def distribution(self, logits: Tensor) -> Categorical:
        return Categorical(logits=logits)


def follow(board: np.ndarray) -> int:
    ball, paddle = (int(board[channel].max(axis=0).argmax()) for channel in (0, 1))
    return int(np.sign(ball - paddle)) + 1


def push_right(observation: np.ndarray) -> int:
    return 1


def balance(observation: np.ndarray) -> int:
    return int(observation[2] > 0)


def play_one_by_one(
    environment: Any, seeds: list[int], quota: int, rule: Any
) -> list[tuple[float, int]]:
    """Play ``quota`` episodes after each seed; later episodes go on with the same stream."""
    played = []
    for seed in seeds:
        observation, _ = environment.reset(seed=seed)
        for _ in range(quota):
            total, length, done = 0.0, 0, False
            while not done:
                observation, reward, terminated, truncated, _ = environment.step(
                    np.int64(rule(observation))
                )
                total, length, done = total + float(reward), length + 1, terminated or truncated
            played.append((total, length))
            observation, _ = environment.reset()
    return played


def evaluated(
    name: str, rule: Any, actions: int, episodes: int, count: int, seed: int = 0
) -> Episodes:
    environments = make_environment(load_card(ENVS / f"{name}.yaml"), count, seed)
    policy: Any = Rule(actions, rule)
    return evaluate(policy, environments, episodes, seed)


@pytest.mark.parametrize("rule", [follow, lambda board: 0], ids=["follows", "runs to the left"])
def test_catch_equals_games_played_by_hand(rule: Any) -> None:
    found = evaluated("tiny-catch", rule, 3, 12, 4)
    expected = play_one_by_one(Catch(), independent_seeds(0, 4), 3, rule)
    assert list(zip(found.returns, found.lengths, strict=True)) == expected
    assert found.lengths == [35] * 12
    assert found.returns == [5.0] * 12 or rule is not follow


@pytest.mark.parametrize(("rule", "each"), [(balance, 3), (push_right, 60)])
def test_every_environment_plays_the_same_number_however_long_they_last(
    rule: Any, each: int
) -> None:
    found = evaluated("gymnasium-cartpole", rule, 2, 5 * each, 5, seed=3)
    pole = gymnasium.make("CartPole-v1")
    expected = play_one_by_one(pole, independent_seeds(3, 5), each, rule)
    assert list(zip(found.returns, found.lengths, strict=True)) == expected
    assert len(set(found.lengths)) > 1, "short and long episodes, or nothing is shown"


def fresh(card: TaskCard) -> Agent:
    torch.manual_seed(0)
    network = "vanilla" if card.observation == "pixels" else "mlp8"
    return build_agent(
        network, interface_of(make_environment(card, 1, 0), card.normalize_observations)
    )


def score(card: TaskCard, agent: Agent, seed: int = 0) -> Episodes:
    return evaluate(agent, make_environment(card, 2, seed), 4, seed)


@pytest.mark.parametrize("name", ["tiny-catch", "tiny-reach"])
def test_seed_alone_decides(name: str) -> None:
    card = load_card(ENVS / f"{name}.yaml")
    agent = fresh(card)
    torch.manual_seed(123)
    first = score(card, agent)
    torch.manual_seed(456)
    assert score(card, agent) == first != score(card, agent, seed=1)


def test_mode_and_gradient_change_nothing_and_nothing_is_learned() -> None:
    card = load_card(ENVS / "tiny-reach.yaml").model_copy(update={"normalize_observations": True})
    agent = fresh(card)
    assert agent.normalizer is not None
    agent.normalizer.update(torch.rand(30, 4) * 2 - 1)
    before = {name: value.clone() for name, value in agent.state_dict().items()}
    first = score(card, agent.train())
    assert score(card, agent.eval()) == first
    assert all(torch.equal(value, before[name]) for name, value in agent.state_dict().items())
    assert all(weight.grad is None for weight in agent.parameters())


def test_rewards_are_never_clipped_here() -> None:
    card = load_card(ENVS / "tiny-reach.yaml")
    clipped = card.model_copy(update={"clip_rewards": True})
    assert score(clipped, fresh(clipped)) == score(card, fresh(card))
    assert min(score(clipped, fresh(clipped)).returns) < -1


def walked(steps: int | None, **fields: Any) -> Episodes:
    with register("Walk-v0", lambda **options: Walk(**options)):
        environments = make_environment(
            card(id="Walk-v0", options={"steps": steps}, **fields), 2, 0
        )
    policy: Any = Rule(2, push_right)
    return evaluate(policy, environments, 4, 0)


def test_episodes_without_an_end_are_cut_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DEFAULT_EPISODE_LIMIT == 27_000
    monkeypatch.setattr("a2d.runs.evaluation.DEFAULT_EPISODE_LIMIT", 50)
    assert walked(None) == Episodes([50.0] * 4, [50] * 4, 200)
    said = capsys.readouterr().err
    assert (
        said.startswith("a2d: mine: test episodes without an end were cut after 50 steps")
        and said.count("\n") == 1
    )
    assert "max_episode_steps" in said


def test_episodes_that_end_or_have_a_limit_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("a2d.runs.evaluation.DEFAULT_EPISODE_LIMIT", 50)
    assert walked(49).lengths == [49] * 4
    assert walked(None, max_episode_steps=60).lengths == [60] * 4
    assert walked(70, max_episode_steps=100).lengths == [70] * 4
    assert capsys.readouterr().err == ""


def test_the_mode_is_the_likeliest_action() -> None:
    class Undecided(Rule):
        def distribution(self, logits: Tensor) -> Categorical:
            return Categorical(probs=0.4 * super().distribution(logits).probs + 0.2)

    catch = load_card(ENVS / "tiny-catch.yaml")
    agent: Any = Undecided(3, follow)
    best = evaluate(agent, make_environment(catch, 2, 0), 4, 0, choice="mode").returns
    drawn = evaluate(agent, make_environment(catch, 2, 0), 4, 0).returns
    assert best == [5.0] * 4 and sum(drawn) < sum(best)


@pytest.mark.parametrize("choice", ["sampled", "mode"])
@pytest.mark.parametrize("name", ["tiny-catch", "tiny-reach"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_give_no_score(number: float, name: str, choice: Any) -> None:
    card = load_card(ENVS / f"{name}.yaml")
    agent = fresh(card)
    agent.actor.bias.data[0] = number
    with pytest.raises(Diverged, match="the network's outputs are not finite"):
        evaluate(agent, make_environment(card, 2, 0), 4, 0, choice=choice)
