"""An agent: a shared backbone, a policy head (actor) and a value head (critic)."""

from __future__ import annotations

import math
from typing import Any

import torch
from gymnasium.spaces import Box, Discrete, Space
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from a2d.errors import A2DError
from a2d.networks.layers import Dense
from a2d.networks.manual import HIDDEN_UNITS, BasicBlock, manual_backbone
from a2d.networks.normalizer import Normalizer
from a2d.networks.operators import (
    Cell,
    InvertedResidual,
    cell_shapes,
    image_size_of,
    space_of,
    stem,
)
from a2d.specs.architecture import Architecture

BYTE_SCALE = 1 / 255
# By whether an agent sees bytes: numbers that would be taken for pixels 255 times as dark, or as
# bright.
WRONG_PIXELS = {True: (torch.float32, torch.float64, torch.float16), False: (torch.uint8,)}


class Agent(nn.Module):
    """Maps observations to an action distribution and a value.

    Args:
        backbone: from observations to features of any shape.
        observation_space: of one environment; bytes are scaled to 0..1.
        action_space: of one environment; Discrete (categorical policy) or Box (diagonal Gaussian).
        normalizer: standardises vector observations; None leaves them alone.
    """

    has_values = True  # an imported one may have none

    def __init__(
        self,
        backbone: nn.Module,
        observation_space: Box,
        action_space: Space[Any],
        normalizer: Normalizer | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.normalizer = normalizer
        self.observation_shape = observation_space.shape
        self.pixels = len(self.observation_shape) == 3
        self.scale = BYTE_SCALE if observation_space.dtype == "uint8" else 1.0
        features = self._count_features()
        # Images get a fully connected layer before the heads, as in the paper's agents.
        hidden = [Dense(features, HIDDEN_UNITS, "relu")] if self.pixels else []
        self.trunk = nn.Sequential(nn.Flatten(), *hidden)
        features = HIDDEN_UNITS if self.pixels else features
        if isinstance(action_space, Discrete):
            self.actor = Dense(features, int(action_space.n))
            self.log_deviation = None
        else:
            assert isinstance(action_space, Box)
            self.actor = Dense(features, math.prod(action_space.shape))
            self.log_deviation = nn.Parameter(torch.zeros(self.actor.out_features))
        self.critic = Dense(features, 1)
        initialize(self)
        if self.pixels:
            # Depthwise convolutions run two to three times faster in this layout on a processor.
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _count_features(self) -> int:
        x = torch.zeros(1, *self.observation_shape)
        with torch.no_grad():
            return int(self.backbone(x).numel())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.critic.weight.device

    def forward(self, observation: Tensor) -> tuple[Distribution, Tensor]:
        """Map (N, *observation_shape) to a batch of N distributions and values (N,)."""
        outputs, values = self.heads(self.preprocess(observation))
        return self.distribution(outputs), values

    def preprocess(self, observation: Tensor) -> Tensor:
        """Scale or standardise, as float32 in the layout that the network runs fastest in.

        Raises:
            A2DError: these are no observations of the agent's task.
        """
        # A caller may bring anything, whatever the annotation says.
        if not isinstance(observation, Tensor) or observation.shape[1:] != self.observation_shape:  # type: ignore[redundant-expr]
            raise A2DError(self._misfit(observation))
        if self.pixels and observation.dtype in WRONG_PIXELS[self.scale == BYTE_SCALE]:
            wanted = "bytes, 0 to 255" if self.scale == BYTE_SCALE else "floats within 0..1"
            raise A2DError(f"this agent sees images of {wanted}, not of {observation.dtype}")
        if self.normalizer is not None:
            return self.normalizer.standardize(observation)
        if not self.pixels:
            return observation.float()
        observation = observation.contiguous(memory_format=torch.channels_last)
        if self.scale == 1.0:
            return observation.float()
        return observation * self.scale

    def _misfit(self, observation: Any) -> str:
        """Say what was given instead of a batch of observations, and how to make one of it."""
        wanted = f"this agent sees a tensor (N, {', '.join(map(str, self.observation_shape))})"
        if not isinstance(observation, Tensor):
            return f"{wanted}, not a {type(observation).__name__}: give torch.from_numpy(array)"
        shape = tuple(observation.shape)
        problem = f"{wanted}, not one of shape {shape}"
        if self.pixels and len(shape) == 4 and (shape[3], *shape[1:3]) == self.observation_shape:
            return f"{problem}: its channels are last, give observation.permute(0, 3, 1, 2)"
        if self.pixels and len(shape) == 3 and (shape[2], *shape[:2]) == self.observation_shape:
            return f"{problem}: its channels are last, give observation.permute(2, 0, 1)[None]"
        if shape == self.observation_shape:
            return f"{problem}: give a batch, observation[None]"
        return problem

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map preprocessed observations to logits or means (N, A) and values (N,)."""
        features = self.trunk(self.backbone(x))
        return self.actor(features), self.critic(features).squeeze(-1)

    def distribution(self, outputs: Tensor) -> Distribution:
        """Return the policy: categorical over logits, or Gaussian around means, (N, A)."""
        if self.log_deviation is None:
            return Categorical(logits=outputs, validate_args=False)
        normal = Normal(outputs, self.log_deviation.exp().expand_as(outputs), validate_args=False)
        return Independent(normal, 1, validate_args=False)


@torch.no_grad()
def draw(policy: Distribution, generator: torch.Generator | None = None) -> Tensor:
    """Draw (N,) or (N, A) actions as ``policy.sample()`` does, which takes no generator."""
    if isinstance(policy, Categorical):
        return torch.multinomial(policy.probs, 1, replacement=True, generator=generator).squeeze(-1)
    assert isinstance(policy, Independent)
    normal = policy.base_dist
    assert isinstance(normal, Normal)
    return torch.normal(normal.loc, normal.scale, generator=generator)


def initialize(agent: Agent) -> None:
    """Orthogonal weights; residual branches and the policy start near zero.

    Hidden layers have gain sqrt(2), the actor 0.01, the critic 1 (Andrychowicz et al. 2021, who
    find a near-uniform first policy to matter).
    """
    for layer in agent.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    for layer in agent.modules():
        if isinstance(layer, BasicBlock):
            nn.init.zeros_(layer.second.weight)
        elif isinstance(layer, InvertedResidual) and layer.residual:
            nn.init.zeros_(layer.project.weight if layer.norm is None else layer.norm.weight)
    nn.init.orthogonal_(agent.actor.weight, 0.01)
    nn.init.orthogonal_(agent.critic.weight, 1.0)


def derived_backbone(
    architecture: Architecture, observation_shape: tuple[int, ...]
) -> nn.Sequential:
    """Build the network of an ``arch.json``."""
    space, cells = architecture.space, architecture.cells
    shapes = cell_shapes(space, cells, image_size_of(observation_shape))
    layers = [
        Cell(operator, shape, cells)
        for operator, shape in zip(architecture.chosen(), shapes, strict=True)
    ]
    return nn.Sequential(stem(space, cells, observation_shape), *layers)


def build_backbone(design: str | Architecture, observation_shape: tuple[int, ...]) -> nn.Module:
    """Build a backbone from a manual network's name or from an architecture.

    Raises:
        A2DError: the design is for another kind of observation.
    """
    if isinstance(design, Architecture):
        if design.space != space_of(observation_shape):
            kind = f"{design.space} architecture"
            raise A2DError(f"a {kind} does not fit observations of shape {observation_shape}")
        return derived_backbone(design, observation_shape)
    return manual_backbone(design, observation_shape)
