"""Scores' intervals against scipy's, and the random policy's score: measured once, then kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from a2d.runs.scores import RANDOM_FILE, Score, random_score, score_of
from a2d.specs.task import load_card
from tests.checkout import ENVS
from tests.users_tasks import Walk, card, register

POLE = card(id="CartPole-v1", max_episode_steps=50)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with register("Walk-v0", lambda **options: Walk(**options)):
        yield


def test_the_interval_is_student_ts() -> None:
    returns = np.random.default_rng(0).normal(3, 2, 12)
    low, high = stats.t.interval(0.95, 11, loc=returns.mean(), scale=stats.sem(returns))
    score = score_of(returns.tolist())
    assert (score.low, score.high) == pytest.approx((low, high))
    assert str(Score(1.5, 0.25, "95 %, 30 episodes")) == "1.50 ± 0.25 (95 %, 30 episodes)"


def test_one_episode_exceeds_nothing_and_an_unknown_score_is_no_bar() -> None:
    unknown = Score(math.nan, 0.0, "it broke")
    assert not score_of([1e9]).exceeds(score_of([0.0, 0.0]))
    assert score_of([1.0, 1.0]).exceeds(unknown) and str(unknown) == "unknown (it broke)"
    assert not score_of([1.0, 1.0]).exceeds(score_of([1.0, 1.0])), "reached is not exceeded"


def test_a_cards_random_score_is_taken(tmp_path: Path) -> None:
    found = random_score(load_card(ENVS / "tiny-catch.yaml"), tmp_path)
    assert found == Score(-3.754, 0.0, "the card's") and not list(tmp_path.iterdir())


def test_it_is_measured_once_and_kept_beside_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = random_score(POLE, tmp_path / "none", tmp_path)
    assert 17 < found.mean < 27 and 0 < found.margin < 10, "22 is usual for a random policy"
    kept = json.loads((tmp_path / RANDOM_FILE).read_text(encoding="utf-8"))
    assert len(kept["returns"]) == 30
    monkeypatch.setattr("a2d.runs.scores._measure", lambda card: pytest.fail("measured again"))
    assert random_score(POLE, tmp_path) == found
    other = POLE.model_copy(update={"max_episode_steps": 49})
    monkeypatch.setattr("a2d.runs.scores._measure", lambda card: [1.0, 1.0])
    assert random_score(other, tmp_path).mean == 1, "another task's is not taken"


def test_what_has_no_score_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("a2d.runs.scores.RANDOM_STEPS", 10)
    found = random_score(card(id="Walk-v0", max_episode_steps=11), tmp_path)
    assert math.isnan(found.mean) and "under random_score" in str(found)
    assert not (tmp_path / RANDOM_FILE).exists()
