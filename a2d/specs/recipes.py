"""Recipes: named factors of a search, laid over its settings.

Scales and the command line know these two; a study adds its own in ``workflow/methods.yaml``.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from a2d.specs.algorithm import DistillationSettings
from a2d.specs.data import Frozen
from a2d.specs.search import SETTINGS


class Recipe(Frozen):
    """Named factors of the search, laid over the scale's settings, where a searcher has them."""

    title: str
    search: dict[str, Any] = Field(default_factory=dict)
    distillation: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def check_keys(self) -> Recipe:
        fields = {name for settings in SETTINGS.values() for name in settings.model_fields}
        unknown = self.search.keys() - (fields - {"kind"})
        if unknown:
            raise ValueError(f"search.{min(unknown)}: is not a known key of a recipe")
        if "mode" in self.distillation:
            raise ValueError("distillation.mode: is not a known key of a recipe; methods have one")
        for settings in SETTINGS.values():
            settings.model_validate(settings.own(self.search) | {"kind": settings.name()})
        DistillationSettings.model_validate(self.distillation)
        return self


RECIPES: dict[str, Recipe] = {
    # As far as the paper's is known: no shortcut, no normalisation, small constant coefficients.
    "paper": Recipe(
        title="paper's recipe",
        distillation={"actor_coefficient": 0.1, "critic_coefficient": 0.001},
    ),
    # A stronger one, named apart so that it is never mistaken for the paper's.
    "plus": Recipe(
        title="A2D+",
        search={"space": {"shortcut": "identity"}, "architecture_learning_rate": 0.02},
        distillation={
            "actor_coefficient": 1.0,
            "critic_coefficient": 0.5,
            "schedule": "annealed",
        },
    ),
}
