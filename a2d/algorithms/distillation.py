"""What a teacher says of the states that a student sees, and the loss terms made of it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution

from a2d.algorithms.losses import actor_distillation, critic_distillation
from a2d.networks.imported import Teacher
from a2d.specs.algorithm import DistillationSettings

Teaching = tuple[Tensor, Tensor]  # a teacher's outputs (N, A) and values (N,)


def freeze(teacher: Teacher) -> Teacher:
    """Return the teacher in evaluation mode, without gradients."""
    return teacher.eval().requires_grad_(False)


class Distillation:
    """Distils a teacher's heads, as the settings say.

    Args:
        settings: which of the heads teach, and how strongly.
        teacher: frozen here, and moved to ``device``; None where nothing is distilled.
        device: of the students.
    """

    def __init__(
        self, settings: DistillationSettings, teacher: Teacher | None, device: torch.device
    ) -> None:
        self.settings = settings
        self.teacher = None if teacher is None else freeze(teacher).to(device)

    @torch.no_grad()
    def teaching(self, observations: Tensor) -> Teaching | None:
        """Return what the teacher says of the observations; None without a teacher."""
        if self.teacher is None:
            return None
        outputs, values = self.teacher.heads(self.teacher.preprocess(observations))
        return outputs, values

    def terms(
        self, policy: Distribution, values: Tensor, teaching: Teaching | None
    ) -> dict[str, Tensor]:
        """Return the loss terms of the heads that teach, by name."""
        if self.teacher is None or teaching is None:
            return {}
        terms, (taught, taught_values) = {}, teaching
        if self.settings.teaches("actor"):
            terms["actor_distillation"] = actor_distillation(
                self.teacher.distribution(taught), policy
            )
        if self.settings.teaches("critic"):
            terms["critic_distillation"] = critic_distillation(taught_values, values)
        return terms

    def coefficients(self, progress: float = 0.0) -> dict[str, float]:
        """Return the coefficients of the terms by their names, at ``progress`` in 0..1."""
        scale, coefficients = 1.0, {}
        if self.settings.schedule == "annealed":
            scale = 1.0 - progress
        if self.settings.teaches("actor"):
            coefficients["actor_distillation"] = scale * self.settings.actor_coefficient
        if self.settings.teaches("critic"):
            coefficients["critic_distillation"] = scale * self.settings.critic_coefficient
        return coefficients
