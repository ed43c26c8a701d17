"""How an architecture is searched, as plain data: one class of settings for each kind of searcher.

A searcher of kind ``x_y`` is its settings here and the class ``XY`` in ``a2d/search/x_y.py``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from a2d.specs.algorithm import DistillationSettings, Head
from a2d.specs.architecture import (
    OPERATORS,
    PAPER_OPERATORS,
    CellSpace,
    Operator,
    Space,
    check_names,
)
from a2d.specs.cost_table import CostTable
from a2d.specs.data import Frozen, later

# What the paper's operators were when the first runs were recorded. Those of another meaning, or of
# other names, are a part of every key that depends on them.
RECORDED_OPERATORS: dict[Space, str] = {
    "convolution": "f969096e076d0163",
    "dense": "311c3ff47c2f7da0",
}


class SearchBase(Frozen):
    """What every searcher has: the space, and what a cell may become."""

    space: CellSpace = CellSpace()
    candidates: tuple[str, ...] | None = later(
        None, "names of the operators that a cell may become; the paper's nine where absent"
    )
    costs: CostTable | None = later(
        None, "measured milliseconds of every cell's operators; costs are FLOPs where absent"
    )

    @model_validator(mode="after")
    def check_candidates(self) -> SearchBase:
        if self.candidates is not None and len(set(self.candidates)) < len(self.candidates):
            raise ValueError(f"candidates: {', '.join(self.candidates)} names an operator twice")
        if self.candidates is not None and len(self.candidates) < 2:
            raise ValueError("candidates: a search needs two operators or more to choose from")
        return self

    @classmethod
    def name(cls) -> str:
        """Return the kind."""
        return str(get_args(cls.model_fields["kind"].annotation)[0])

    @classmethod
    def own(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Return those of some settings that this kind of searcher has."""
        return {name: value for name, value in settings.items() if name in cls.model_fields}

    def operators(self, space: Space) -> tuple[str, ...]:
        """Return the names of the operators to choose from."""
        if self.candidates is None:
            return tuple(PAPER_OPERATORS[space])
        return self.candidates

    def check_space(self, space: Space) -> None:
        """Raise ValueError where the settings do not fit a task of this space."""
        check_names(self.operators(space), space)
        if self.costs is not None:
            self.costs.check(self.space, self.operators(space))

    def supernet_updates(self, updates: int) -> int:
        """Return how many of the search's updates train a supernet; the others go to trials."""
        return updates

    def check_updates(self, updates: int) -> None:
        """Raise ValueError where the search has too few updates."""

    def check_teacher(self, distillation: DistillationSettings) -> None:
        """Raise ValueError where a search needs a teacher that it has not."""


class GumbelSettings(SearchBase):
    """Differentiable search; the defaults are the paper's recipe as far as it is known."""

    kind: Literal["gumbel"] = later("gumbel", "Gumbel-Softmax over alpha, as in the paper")
    train_mode: Literal["one-level", "bi-level"] = Field(
        "one-level", description="weights and alpha together, or in turn"
    )
    backward_paths: int = Field(
        2, ge=1, description="K: operators per cell that alpha's gradient sees"
    )
    temperature: float = Field(5.0, gt=0, description="of the Gumbel-Softmax at the start")
    temperature_decay: float = Field(0.98, gt=0, le=1, description="factor of each decay")
    temperature_decays: int = Field(200, ge=0, description="decays, evenly spread over the search")
    architecture_learning_rate: float = Field(1e-3, gt=0, description="Adam's, for alpha")
    cost_coefficient: float = Field(
        1e-2, ge=0, description="lambda, of the expected FLOPs as a fraction"
    )
    task_gradient: Literal["learnt", "noise"] = later(
        "learnt",
        "'noise' gives the task's gradient of alpha a random sign at every update, so that only "
        "the cost is left to learn from: a control",
    )

    @model_validator(mode="after")
    def check_paths(self) -> GumbelSettings:
        count = len(self.operators("convolution"))
        if self.backward_paths > count:
            raise ValueError(f"backward_paths: {self.backward_paths} of {count} candidates")
        return self


class TrialSettings(SearchBase):
    """What searchers by trials of single architectures have."""

    largest_cost: float = Field(
        1.0,
        gt=0,
        le=1,
        description="of the cells' FLOPs, by the most expensive ones'",
    )


class SharedWeightsSettings(TrialSettings):
    """Trials that play with a supernet's weights, after its training."""

    trial_share: float = Field(0.25, gt=0, lt=1, description="of all steps, spent on trials")
    trial_episodes: int = Field(20, ge=1, description="of one trial, a copy of the task for each")

    def supernet_updates(self, updates: int) -> int:
        return max(1, updates - round(self.trial_share * updates))

    def check_updates(self, updates: int) -> None:
        if self.supernet_updates(updates) == updates:
            raise ValueError(
                f"{self.name()}: of {updates} updates none is left for trials; "
                "give the search more steps, or a larger trial_share"
            )


class FromScratchSettings(TrialSettings):
    """Trials that train an agent of their own."""

    trials: int = Field(20, ge=1, description="each has the same share of the search's updates")

    def supernet_updates(self, updates: int) -> int:
        return 0

    def check_updates(self, updates: int) -> None:
        if self.trials > updates:
            raise ValueError(
                f"{self.name()}: {self.trials} trials are more than the {updates} updates of the "
                "search; give it more steps, or fewer trials"
            )


class EvolvingSettings(TrialSettings):
    """Regularised evolution (Real et al. 2019)."""

    population: int = Field(16, ge=2, description="the youngest trials, among which parents are")
    tournament: int = Field(4, ge=1, description="of the population, drawn; the best has a child")

    @model_validator(mode="after")
    def check_tournament(self) -> EvolvingSettings:
        if self.tournament > self.population:
            raise ValueError(f"tournament: {self.tournament} of a population of {self.population}")
        return self


class SinglePathSettings(SharedWeightsSettings, EvolvingSettings):
    """Uniform single-path sampling, then trials with the shared weights (SPOS, Guo et al. 2020)."""

    kind: Literal["single_path"]


class EvolutionSettings(FromScratchSettings, EvolvingSettings):
    """Evolution over trials that train an agent from scratch (Real et al. 2019)."""

    kind: Literal["evolution"]


class ImitationSettings(EvolvingSettings):
    """Evolution over trials that learn from what the teacher saw, without playing themselves.

    The teacher plays all of the search's steps. A trial learns to say what the teacher's heads say,
    by the run's own optimizer, its first learning rate and the size of its batches. Its score is
    minus the mean loss of one head in its last updates: what learns fast does well (Ru et al. 2021,
    "Speedy Performance Estimation for Neural Architecture Search").
    """

    kind: Literal["imitation"]
    trials: int = Field(32, ge=1, description="each learns from the same observations")
    trial_updates: int = Field(200, ge=1, description="of every trial's agent")
    scored_share: float = Field(0.5, gt=0, le=1, description="of the updates: the last ones")
    scored_head: Head = Field("critic", description="whose loss is the score; it must teach")

    def supernet_updates(self, updates: int) -> int:
        return 0

    def check_teacher(self, distillation: DistillationSettings) -> None:
        if not distillation.teaches(self.scored_head):
            raise ValueError(
                f"imitation: its {self.scored_head} has to teach; give the search a teacher, and "
                f"distillation mode joint or {self.scored_head}, not {distillation.mode}"
            )


def _kind(settings: Any) -> str:
    """Return a searcher's kind; settings from before there were kinds are Gumbel's."""
    found = getattr(settings, "kind", None)
    if isinstance(settings, dict):
        found = settings.get("kind")
    return f"<{found or 'gumbel'}>"


SEARCHERS = (GumbelSettings, SinglePathSettings, EvolutionSettings, ImitationSettings)
SETTINGS: dict[str, type[SearchBase]] = {settings.name(): settings for settings in SEARCHERS}
SearchSettings = Annotated[
    Annotated[GumbelSettings, Tag("<gumbel>")]
    | Annotated[SinglePathSettings, Tag("<single_path>")]
    | Annotated[EvolutionSettings, Tag("<evolution>")]
    | Annotated[ImitationSettings, Tag("<imitation>")],
    Discriminator(
        _kind,
        custom_error_type="kind",
        custom_error_message=f"kind: should be one of {', '.join(SETTINGS)}",
    ),
]


def describe_operators(settings: SearchBase, space: Space) -> str:
    """Return a hash of the operators that a search chooses from, '' for those of the first records.

    A key holds it, so that runs become stale when an operator comes to mean something else.
    """
    found = _hash(tuple((name, OPERATORS[space][name]) for name in settings.operators(space)))
    if found == RECORDED_OPERATORS[space]:
        return ""
    return found


@cache  # a study has a thousand keys, and hardly more than one set of operators
def _hash(operators: tuple[tuple[str, Operator], ...]) -> str:
    chosen = {name: _fields(operator) for name, operator in operators}
    canonical = json.dumps(chosen, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _fields(operator: Operator) -> dict[str, Any]:
    """Return the fields that an operator has; one that is added later changes no other operator."""
    return {name: value for name, value in asdict(operator).items() if value is not None}
