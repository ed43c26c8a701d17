"""A policy from elsewhere, with what learning asks of a teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from gymnasium.spaces import Box, Discrete
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from a2d.errors import A2DError
from a2d.networks.agent import Agent
from a2d.networks.interface import Interface

# From a batch of observations to what a policy says of them, by name.
Policy = Callable[[Tensor], Mapping[str, Any]]


class ImportedAgent(nn.Module):
    """Acts and teaches by a policy that this library has not built.

    The policy maps a batch of observations, vectors (N, D) or images (N, C, H, W), as the
    environment gives them, to ``logits`` (N, A), or to ``mean`` and ``log_std`` (N, A) in the
    environment's own units of actions; and to ``value`` (N,), if it has values.

    Args:
        policy: as above; a module moves with this one.
        interface: of the task.
        action: the environment's own space, whose bounds are -1..1 for agents here.
        reward_scale: the card's; the policy's values are of rewards as the environment gives them.
    """

    normalizer: None = None  # its own is a part of the policy
    has_values = True  # until the policy has said otherwise
    middle: Tensor
    reach: Tensor

    def __init__(
        self,
        policy: Policy,
        interface: Interface,
        action: Box | Discrete,
        reward_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.policy, self.interface, self.reward_scale = policy, interface, reward_scale
        if isinstance(action, Box):
            low, high = (torch.from_numpy(side).double() for side in (action.low, action.high))
            self.register_buffer("middle", (high + low) / 2)
            self.register_buffer("reach", (high - low) / 2)

    @property
    def device(self) -> torch.device:
        """Where the weights are, as far as a policy shows them."""
        return next((tensor.device for tensor in self.parameters()), torch.device("cpu"))

    def preprocess(self, observations: Tensor) -> Tensor:
        """Return the observations as they are; the policy has a preprocessing of its own."""
        return observations

    def heads(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Map observations to logits (N, A), or means and log deviations (N, 2A), and values (N,).

        Values are NaN where the policy has none.

        Raises:
            A2DError: an output is missing, or of another shape than the task asks for.
        """
        count, actions = len(observations), self.interface.actions
        said = {
            name: torch.as_tensor(output).to(observations.device, torch.float32)
            for name, output in self.policy(observations).items()
        }
        self.has_values = "value" in said
        values = said.get("value", torch.full((count,), torch.nan, device=observations.device))
        values = self._shaped(values.reshape(-1), "value", (count,)) * self.reward_scale
        if not self.interface.continuous:
            return self._shaped(said.get("logits"), "logits", (count, actions)), values
        mean = self._shaped(said.get("mean"), "mean", (count, actions))
        deviation = said.get("log_std")
        if deviation is not None and deviation.numel() == actions:
            deviation = deviation.reshape(1, actions).expand_as(mean)
        deviation = self._shaped(deviation, "log_std", (count, actions))
        mean = (mean - self.middle) / self.reach
        outputs = torch.cat([mean, deviation - self.reach.log()], dim=-1)
        return outputs.float(), values

    @staticmethod
    def _shaped(output: Tensor | None, name: str, shape: tuple[int, ...]) -> Tensor:
        if output is None:
            raise A2DError(f"the teacher has no output {name!r}, which this task needs")
        if tuple(output.shape) != shape:
            raise A2DError(
                f"the teacher's output {name!r} is of shape {tuple(output.shape)}, not {shape}"
            )
        return output

    def distribution(self, outputs: Tensor) -> Distribution:
        """Return the policy: categorical over logits, or Gaussian, in the agent's -1..1."""
        if not self.interface.continuous:
            return Categorical(logits=outputs, validate_args=False)
        mean, deviation = outputs.chunk(2, dim=-1)
        normal = Normal(mean, deviation.exp(), validate_args=False)
        return Independent(normal, 1, validate_args=False)

    def forward(self, observations: Tensor) -> tuple[Distribution, Tensor]:
        """Map observations (N, ...) to a batch of N distributions and values (N,)."""
        outputs, values = self.heads(self.preprocess(observations))
        return self.distribution(outputs), values


Teacher = Agent | ImportedAgent  # whoever teaches: frozen, and asked about a student's observations
