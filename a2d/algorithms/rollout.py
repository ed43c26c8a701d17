"""Acting in a vector of environments, and what one rollout returns."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import NamedTuple

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from a2d.environments.vector import Array, StepResult
from a2d.errors import Diverged
from a2d.networks.agent import draw
from a2d.networks.imported import Teacher
from a2d.networks.layers import Tape
from a2d.specs.task import TaskCard

RECENT_EPISODES = 100


class Rollout(NamedTuple):
    """T steps of N environments, flattened to (T·N, ...) where not said otherwise.

    Where they have a graph, ``outputs`` and ``values`` are of the pass that acted, which then
    learns as well.
    """

    observations: Tensor
    inputs: Tensor  # the observations as the network saw them
    outputs: Tensor
    values: Tensor
    actions: Tensor
    rewards: Tensor  # (T, N), clipped and scaled by the card, with truncations' bootstrap
    ends: Tensor  # (T, N)
    last_values: Tensor  # (N,)


class EpisodeTracker:
    """Unclipped returns of the episodes that ended, over all environments."""

    def __init__(self, environments: int) -> None:
        self.running = np.zeros(environments)
        self.recent: deque[float] = deque(maxlen=RECENT_EPISODES)
        self.finished = 0

    def step(self, rewards: np.ndarray, done: np.ndarray) -> None:
        """Take one step's rewards and episode ends, both (N,)."""
        self.running += rewards
        if done.any():
            self.recent.extend(self.running[done].tolist())
            self.finished += int(done.sum())
            self.running[done] = 0.0

    @property
    def mean_return(self) -> float | None:
        if not self.recent:
            return None
        return float(np.mean(self.recent))


class Collector:
    """Steps environments with an agent. Holds the observation that the next rollout starts from.

    Args:
        environments: of the task, to be reset with ``seed``.
        card: of the task.
        seed: of the environments.
        discount: per step.
        generator: draws the actions, on the agent's device; PyTorch's global one if none is given.
    """

    def __init__(
        self,
        environments: VectorEnv,
        card: TaskCard,
        seed: int,
        discount: float,
        generator: torch.Generator = torch.default_generator,
    ) -> None:
        self.environments = environments
        self.generator = generator
        self.card = card
        self.discount = discount
        self.tracker = EpisodeTracker(environments.num_envs)
        self.observation = torch.from_numpy(environments.reset(seed=seed)[0])

    def collect(self, agent: Teacher, length: int, graph: bool = True) -> Rollout:
        """Play ``length`` steps and return them, with the graph of the network's pass or without.

        A graph holds all that the network computed, and so much memory where there are many steps.
        """
        tape, steps = Tape(length), []
        for _ in range(length):
            observation = self.observation.to(agent.device)
            if agent.normalizer is not None and agent.training:
                agent.normalizer.update(observation)
            x = agent.preprocess(observation)
            with tape.record() if graph else torch.no_grad():
                output, value = agent.heads(x)
                known = value.isfinite().all() or not agent.has_values
                if not (output.isfinite().all() and known):
                    raise Diverged("the network's outputs are not finite")
                action = draw(agent.distribution(output), self.generator)
            reward, end = self._step(agent, action)
            steps.append((observation, x, output, value, action, reward, end))
        observations, xs, acted, valued, actions, rewards, ends = zip(*steps, strict=True)
        inputs = torch.cat(xs)
        if graph:
            with tape.replay():
                outputs, values = agent.heads(inputs)
        else:
            outputs, values = torch.cat(acted), torch.cat(valued)
        return Rollout(
            observations=torch.cat(observations),
            inputs=inputs,
            outputs=outputs,
            values=values,
            actions=torch.cat(actions),
            rewards=torch.stack(rewards).to(agent.device),
            ends=torch.stack(ends).to(agent.device),
            last_values=self._values(agent, self.observation),
        )

    def replay(self, actions: Array) -> None:
        """Bring the environments to where these actions, (T, N) or (T, N, A), lead."""
        for action in actions:
            self._advance(action)

    def fingerprint(self) -> str:
        """Return a hash of what the agent would see next, and of the returns so far."""
        digest = hashlib.sha256(np.ascontiguousarray(self.observation.numpy()).tobytes())
        digest.update(self.tracker.running.tobytes() + np.array(self.tracker.recent).tobytes())
        return digest.hexdigest()

    def _advance(self, action: Array) -> StepResult:
        """Step the environments and reset those that ended; return the step's own result."""
        observation, raw_reward, terminated, truncated, info = self.environments.step(action)
        done = terminated | truncated
        self.tracker.step(raw_reward, done)
        following = observation
        if done.any():
            following = self.environments.reset(options={"reset_mask": done})[0]
        self.observation = torch.from_numpy(following)
        return observation, raw_reward, terminated, truncated, info

    def _step(self, agent: Teacher, action: Tensor) -> tuple[Tensor, Tensor]:
        observation, raw_reward, terminated, truncated, info = self._advance(action.cpu().numpy())
        done = terminated | truncated
        end = done
        if self.card.clip_rewards:
            raw_reward = np.sign(raw_reward)
        if self.card.life_loss_ends_return:
            end = done | info["lost_life"]
        reward = torch.from_numpy(raw_reward).float() * self.card.reward_scale
        cut = truncated & ~terminated
        if cut.any():
            # Truncation is not termination: the return includes the final observation's value.
            final = torch.from_numpy(observation[cut])
            reward[torch.from_numpy(cut)] += self.discount * self._values(agent, final).cpu()
        return reward, torch.from_numpy(end)

    @torch.no_grad()
    def _values(self, agent: Teacher, observation: Tensor) -> Tensor:
        return agent.heads(agent.preprocess(observation.to(agent.device)))[1]
