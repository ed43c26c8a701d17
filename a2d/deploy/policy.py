"""A trained agent as a function from a task's raw observations to the task's own actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gymnasium.spaces import Box, Discrete
from torch import Tensor, nn

from a2d.environments import open_environment
from a2d.environments.vector import Array, NativeSpaces
from a2d.errors import A2DError
from a2d.networks.agent import Agent
from a2d.runs.agent_files import Description, load_agent
from a2d.runs.file_kinds import expect
from a2d.seeds import seed_global_streams


def native_spaces(description: Description) -> NativeSpaces:
    """Return the spaces of a saved agent's task; the task is built for it, and closed."""
    seed_global_streams(0)
    with open_environment(description.spec.task, 1, 0) as environment:
        return environment.native


class NativePolicy(nn.Module):
    """An agent's policy between the spaces of the task itself, all of it tensors, for export.

    Args:
        agent: whose weights it shares.
        spaces: of the task.
    """

    low: Tensor
    high: Tensor

    def __init__(self, agent: Agent, spaces: NativeSpaces) -> None:
        super().__init__()
        self.agent = agent
        self.spaces = spaces
        if isinstance(spaces.action, Box):
            self.dtype = _torch_dtype(spaces.action.dtype)
            # In float64, whatever the task's dtype, as in training.
            self.register_buffer("low", torch.from_numpy(spaces.action.low.astype(np.float64)))
            self.register_buffer("high", torch.from_numpy(spaces.action.high.astype(np.float64)))

    @property
    def outputs(self) -> str:
        """What the network computes: the actions' logits, or the means of the policy."""
        if isinstance(self.spaces.action, Discrete):
            return "logits"
        return "means"

    def forward(self, observation: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Map raw observations (N, ...) to actions (N,) or (N, A) and the network's outputs (N, A).

        ``noise`` (N, A) chooses: zeros give the most likely action; standard Gumbel noise, or
        standard normal noise for continuous actions, gives one drawn from the policy.
        """
        if observation.dtype != torch.uint8 or self.agent.scale == 1.0:
            observation = observation.float()
        if self.spaces.channels_last:
            observation = observation.permute(0, 3, 1, 2)
        outputs, _ = self.agent.heads(self.agent.preprocess(observation))
        if isinstance(self.spaces.action, Discrete):
            # The Gumbel-max trick: distributed as the softmax of the logits.
            return (outputs + noise).argmax(-1) + int(self.spaces.action.start), outputs
        assert self.agent.log_deviation is not None
        return self._to_bounds(outputs + self.agent.log_deviation.exp() * noise), outputs

    def _to_bounds(self, actions: Tensor) -> Tensor:
        """Map -1..1 to the task's bounds, as ``a2d.environments.spaces.Actions`` does."""
        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2
        scaled = middle + half * actions.double().clamp(-1, 1)
        scaled = torch.minimum(torch.maximum(scaled, self.low), self.high)
        if not self.dtype.is_floating_point:
            scaled = scaled.round()
        return scaled.to(self.dtype)

    def draw_noise(self, count: int, generator: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw the noise (count, A) of sampled actions."""
        shape = (count, self.agent.actor.out_features)
        if self.outputs == "logits":
            return generator.gumbel(size=shape).astype(np.float32)
        return generator.standard_normal(shape, dtype=np.float32)


def _torch_dtype(dtype: Any) -> torch.dtype:
    try:
        return torch.from_numpy(np.zeros(0, dtype)).dtype
    except TypeError as error:  # e.g. of long doubles
        raise A2DError(f"actions of {dtype} are none that PyTorch has; declare float32") from error


class Policy:
    """A trained agent that acts in its task's own environment.

    Args:
        policy: the agent between the task's spaces.
        seed: of the actions that are drawn.
    """

    def __init__(self, policy: NativePolicy, seed: int | None = None) -> None:
        self.policy = policy.eval()
        self.spaces = policy.spaces
        self._generator = np.random.default_rng(seed)

    def act(self, observation: npt.ArrayLike, mode: bool = True) -> Array:
        """Return the action for an observation, as the environment itself gives and takes them.

        Args:
            observation: of ``env.reset`` or ``env.step``; a batch of them, (N, ...), gives a batch.
            mode: take the most likely action. Scores of a2d are of drawn actions, ``mode=False``.

        Returns:
            What ``env.step`` takes: an integer, or an array (A,) within the bounds.

        Raises:
            A2DError: this is no observation of the agent's task.
        """
        declared = self.spaces.observation
        array = np.asarray(observation)
        single = array.shape == declared.shape
        if not single and array.shape[1:] != declared.shape:
            raise A2DError(
                f"this agent's task has observations of shape {declared.shape}, or batches "
                f"(N, {', '.join(map(str, declared.shape))}); this one is {array.shape}"
            )
        batch = array[None] if single else array
        batch = np.ascontiguousarray(batch, declared.dtype)
        noise = np.zeros((len(batch), self.policy.agent.actor.out_features), np.float32)
        if not mode:
            noise = self.policy.draw_noise(len(batch), self._generator)
        with torch.inference_mode():
            actions = self.policy(torch.from_numpy(batch), torch.from_numpy(noise))[0].numpy()
        return actions[0] if single else actions


def load_policy(folder: Path, seed: int | None = None) -> Policy:
    """Read a trained agent that ``a2d train`` left in a folder.

    Raises:
        A2DError: a file is missing or damaged, or the task cannot be built.
    """
    agent, description = load_agent(expect(folder, "agent"))
    return Policy(NativePolicy(agent, native_spaces(description)), seed)
