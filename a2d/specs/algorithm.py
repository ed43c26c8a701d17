"""How agents learn, as plain data: one class of settings for each algorithm."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from a2d.errors import nearest
from a2d.specs.data import Frozen

DistillationMode = Literal["none", "actor", "critic", "joint"]
Head = Literal["actor", "critic"]
HEADS: tuple[Head, ...] = ("actor", "critic")


class ActorCriticSettings(Frozen):
    """What both actor-critics have."""

    environments: int = Field(64, ge=1, description="environments stepped side by side")
    rollout_length: int = Field(
        5, ge=1, description="steps of every environment between two updates"
    )
    learning_rate: float = Field(1e-3, gt=0, description="of the weights")
    discount: float = Field(0.99, ge=0, le=1, description="gamma, of rewards per step")
    value_coefficient: float = Field(0.5, ge=0, description="beta_v, of the value's squared error")
    entropy_coefficient: float = Field(0.01, ge=0, description="beta_e, of the policy's entropy")
    max_gradient_norm: float = Field(
        0.5, gt=0, description="gradients of a larger norm are scaled down to it"
    )

    @property
    def steps_per_update(self) -> int:
        return self.environments * self.rollout_length

    @property
    def batch(self) -> int:
        """How many steps one gradient is of."""
        return self.steps_per_update


class A2CSettings(ActorCriticSettings):
    """Synchronous advantage actor-critic; the defaults are the paper brief's reconstruction."""

    learning_rate: float = Field(1e-3, gt=0, description="held for the first half of training ...")
    final_learning_rate: float = Field(1e-4, ge=0, description="... then decayed linearly to this")
    rmsprop_decay: float = Field(
        0.99, gt=0, lt=1, description="of the running mean of squared gradients"
    )
    rmsprop_epsilon: float = Field(
        1e-5, gt=0, description="added outside the square root, as PyTorch does"
    )


class PPOSettings(ActorCriticSettings):
    """Proximal policy optimisation (Schulman et al. 2017) with Adam."""

    environments: int = Field(32, ge=1, description="environments stepped side by side")
    rollout_length: int = Field(
        64, ge=1, description="steps of every environment between two updates"
    )
    gae_lambda: float = Field(0.95, ge=0, le=1, description="of the advantages")
    clip: float = Field(0.2, gt=0, description="how far a policy's ratio to the last one counts")
    epochs: int = Field(4, ge=1, description="passes over every rollout")
    minibatches: int = Field(8, ge=1, description="of every pass")
    learning_rate: float = Field(5e-4, gt=0, description="Adam's, decayed linearly to 0")
    adam_epsilon: float = Field(1e-5, gt=0, description="added outside the square root")

    @property
    def batch(self) -> int:
        return self.steps_per_update // self.minibatches

    @model_validator(mode="after")
    def check_minibatches(self) -> PPOSettings:
        if self.steps_per_update % self.minibatches:
            raise ValueError(
                f"minibatches ({self.minibatches}) must divide environments × rollout_length "
                f"({self.steps_per_update}); "
                f"the nearest that it divides: {nearest(self.steps_per_update, self.minibatches)}"
            )
        if self.steps_per_update == self.minibatches:
            raise ValueError(f"minibatches ({self.minibatches}) of one step have no deviation")
        return self


class DistillationSettings(Frozen):
    """Which of the teacher's heads teach, and how strongly."""

    mode: DistillationMode = "none"
    actor_coefficient: float = Field(1e-1, ge=0, description="beta_a, of KL(teacher || student)")
    critic_coefficient: float = Field(
        1e-3, ge=0, description="beta_c, of half the squared value error"
    )
    schedule: Literal["constant", "annealed"] = Field(
        "constant", description="'annealed' lowers both coefficients linearly to zero over the run"
    )

    def teaches(self, head: Head) -> bool:
        """Whether the teacher's ``head`` teaches."""
        return self.mode in (head, "joint")

    def identity(self) -> dict[str, Any]:
        """Return what changes a result: an unused coefficient or schedule does not."""
        unused = {f"{head}_coefficient" for head in HEADS if not self.teaches(head)}
        return self.model_dump(exclude=unused | ({"schedule"} if self.mode == "none" else set()))
