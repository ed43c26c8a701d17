"""Scores with their intervals, and the random policy's to set them against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from a2d.console import say
from a2d.environments import open_environment
from a2d.errors import A2DError, Diverged
from a2d.runs.evaluation import play
from a2d.runs.sealed import read_sealed, write_sealed
from a2d.seeds import seed_global_streams, stream_seed
from a2d.specs.task import TaskCard

RANDOM_FILE = "random.json"  # beside a run: what a random policy gets on its task
RANDOM_EPISODES, RANDOM_ENVIRONMENTS = 30, 10
RANDOM_STEPS = 10_000  # of each environment, after which the random policy has no score
LEVEL = 0.95


class Score(NamedTuple):
    """A mean return, and how far its 95 % interval reaches to either side; 0 if that is unknown.

    ``basis`` says what it is of. An unknown score is NaN, and its basis the reason.
    """

    mean: float
    margin: float
    basis: str

    @property
    def low(self) -> float:
        return self.mean - self.margin

    @property
    def high(self) -> float:
        return self.mean + self.margin

    def __str__(self) -> str:
        if math.isnan(self.mean):
            return f"unknown ({self.basis})"
        if self.margin == 0:
            return f"{self.mean:.2f} ({self.basis})"
        return f"{self.mean:.2f} ± {self.margin:.2f} ({self.basis})"

    def exceeds(self, other: Score) -> bool:
        """Whether it is better, by intervals that do not touch, or the other one is unknown."""
        return math.isnan(other.mean) or self.low > other.high


def score_of(returns: Sequence[float]) -> Score:
    """Return the mean of some episodes' returns with its 95 % interval by Student's t."""
    count = len(returns)
    margin = math.inf
    if count > 1:
        quantile = float(stdtrit(count - 1, (1 + LEVEL) / 2))
        margin = quantile * float(np.std(returns, ddof=1)) / math.sqrt(count)
    return Score(math.fsum(returns) / count, margin, f"95 %, {count} episodes")


def random_score(card: TaskCard, *folders: Path) -> Score:
    """Return the score of the uniform random policy.

    It is the card's, or what was measured before and lies in one of the folders. Otherwise it is
    measured, and kept in the first of them that exists.

    Args:
        card: of the task.
        folders: of runs on it.
    """
    if card.random_score is not None:
        return Score(card.random_score.value, 0.0, "the card's")
    for folder in folders:
        returns = _kept(folder / RANDOM_FILE, card)
        if returns is not None:
            return score_of(returns)
    try:
        returns = _measure(card)
    except (A2DError, Diverged) as reason:
        return Score(math.nan, 0.0, str(reason))
    existing = next((folder for folder in folders if folder.is_dir()), None)
    if existing is not None:
        data = {"task": card.identity(), "returns": returns}
        with suppress(A2DError):  # it may be full, or somebody else's
            write_sealed(existing / RANDOM_FILE, data)
    return score_of(returns)


def _kept(path: Path, card: TaskCard) -> list[float] | None:
    """Return the returns that a file holds, if they are of this task."""
    if not path.is_file():
        return None
    try:
        data = read_sealed(path, "a random policy's score", "delete it, and it is measured again")
    except A2DError as error:
        say(str(error))
        return None
    if data["task"] != card.identity():
        return None
    return [float(value) for value in data["returns"]]


def _measure(card: TaskCard) -> list[float]:
    """Play random episodes and return their returns.

    Raises:
        A2DError: the environment fails, or its episodes are too long for a short play.
        Diverged: a reward or an observation is not finite.
    """
    seed = stream_seed(0, "random policy")
    seed_global_streams(seed)
    with open_environment(card, RANDOM_ENVIRONMENTS, seed) as environments:
        environments.action_space.seed(seed)
        played = play(
            lambda observation: environments.action_space.sample(),
            environments,
            RANDOM_EPISODES,
            seed,
            longest=RANDOM_STEPS,
        )
    if len(played.returns) < RANDOM_EPISODES:
        raise A2DError(
            f"{RANDOM_EPISODES} episodes take it more than {RANDOM_STEPS:,} steps of each of "
            f"{RANDOM_ENVIRONMENTS} environments; write it into the card, under random_score"
        )
    return played.returns
