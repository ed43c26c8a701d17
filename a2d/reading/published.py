"""Scores that others published, each with its source, steps and seeds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from a2d.specs.data import Frozen, describe_validation_error, read_yaml

PUBLISHED_SCORES = "workflow/published_scores.yaml"  # below the checkout


class PublishedScore(Frozen):
    """What an agent of others scores on a task."""

    task: str = Field(description="the name of its card")
    agent: str
    environment: str = Field(description="what they trained on, with its version")
    score: float = Field(description="mean unclipped return of an episode")
    spread: float | None = Field(None, ge=0, description="absent where the source has none")
    steps: int = Field(gt=0, description="of the environment, in training")
    seeds: int | None = Field(None, ge=1, description="absent where the source does not say")


class Source(Frozen):
    """Where scores stand, and how they came about."""

    title: str = Field(min_length=1)
    url: str = Field(pattern=r"^https://\S+$")
    read_off: bool = Field(False, description="by eye off a figure, not printed as numbers")
    scored: str = Field(min_length=1, description="how, and what else is not as in our studies")
    spread: str | None = Field(None, description="what the spreads of its scores are")
    scores: tuple[PublishedScore, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def check_spread(self) -> Source:
        given = any(score.spread is not None for score in self.scores)
        if given != (self.spread is not None):
            raise ValueError("spread: say what it is if scores have one, and only then")
        return self


class Published(Frozen):
    """All sources, in the order in which tables show them."""

    sources: tuple[Source, ...]

    def of(self, task: str) -> Iterator[tuple[Source, PublishedScore]]:
        """Yield the scores on a task, each with its source."""
        for source in self.sources:
            yield from ((source, score) for score in source.scores if score.task == task)


def load_published(root: Path) -> Published:
    """Read the published scores of a checkout. Raise A2DError naming file and key."""
    path = root / PUBLISHED_SCORES
    try:
        return Published.model_validate(read_yaml(path))
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error
