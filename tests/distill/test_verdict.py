"""What students keep: against hand-worked values, SciPy, and simulated studies of a known truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from a2d.distill.verdict import (
    Estimate,
    Interval,
    Row,
    chance_of,
    difference,
    estimate,
    interval,
    kept,
    sentence,
)
from a2d.runs.scores import score_of

EXACT = Estimate(0.0, 0.0, 1.0)


def row(
    name: str, kept: float, flops: float, scores: tuple[float | None, ...], **other: Any
) -> Row:
    kind = "manual" if name.startswith("MLP") else name.partition(" ")[0].lower()
    fields: dict[str, Any] = {
        "name": name,
        "title": name,
        "kind": kind,
        "seeds": tuple(range(len(scores))),
        "scores": scores,
        "score": Interval(mean=float(np.mean([s for s in scores if s is not None]))),
        "kept": Interval(mean=kept, low=kept - 0.05, high=kept + 0.05),
        "flops": flops,
        "share": flops / 10_000,
        "parameters": 1.0,
        "eager_ms": 1.0,
        "deployed_ms": 1.0,
    }
    return Row(**fields | other)


TEACHER = row("Teacher", 1.0, 10_000, (10.0,), deployed_ms=4.0)
OURS = row("A2D", 0.97, 400, (9.7, 9.8, 9.6))
RANDOM = row("Random", 0.95, 410, (9.5, 9.9, 9.1))


def test_an_interval_over_seeds_is_students() -> None:
    returns = [[1.0, 3.0], [4.0, 4.0], [6.0, 8.0], [2.0, 2.0]]  # means 2, 4, 7, 2
    found = interval(estimate(returns) or EXACT)
    low, high = stats.t.interval(0.95, 3, loc=3.75, scale=stats.sem([2, 4, 7, 2]))
    assert (found.mean, found.low, found.high) == pytest.approx((3.75, low, high))


def test_one_seed_has_its_episodes_interval_and_two_seeds_have_none() -> None:
    episodes = [1.0, 2.0, 4.0, 9.0]
    one = interval(estimate([episodes]) or EXACT)
    low, high = stats.t.interval(0.95, 3, loc=4.0, scale=stats.sem(episodes))
    assert (one.mean, one.low, one.high) == pytest.approx((4.0, low, high))
    two = interval(estimate([episodes, [6.0]]) or EXACT)
    assert (two.mean, two.low, two.high) == (5.0, None, None)
    assert estimate([]) is None


def test_the_teacher_is_one_and_the_random_policy_is_zero_where_returns_are_negative() -> None:
    teacher, chance = Estimate(-20.0, 0.0, 29.0), Estimate(-150.0, 0.0, 29.0)
    shares = {
        score: kept(Estimate(score, 0.0, 2.0), teacher, chance) for score in (-150, -20, -33, 6)
    }
    assert {score: share and share.mean for score, share in shares.items()} == pytest.approx(
        {-150: 0.0, -20: 1.0, -33: 0.9, 6: 1.2}
    )
    assert kept(Estimate(5.0, 1.0, 2.0), chance, teacher) is None, "the teacher has no lead"
    unsure = Estimate(-149.0, 25.0, 29.0)
    assert kept(Estimate(5.0, 1.0, 2.0), unsure, chance) is None, "nor one that is sure"


def test_an_exact_teacher_leaves_the_students_own_interval() -> None:
    student = Estimate(15.0, 4.0, 2.0)
    found = kept(student, Estimate(20.0, 0.0, 29.0), Estimate(10.0, 0.0, 29.0))
    margin = stats.t.ppf(0.975, 2) * 2.0 / 10.0
    assert found is not None
    assert (found.low, found.mean, found.high) == pytest.approx((0.5 - margin, 0.5, 0.5 + margin))


def test_intervals_of_what_is_kept_hold_the_truth_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(1500):
        teacher = estimate([generator.normal(50, 20, 30).tolist()])
        chance = chance_of(score_of(generator.normal(10, 5, 30).tolist()))
        runs = [[value] for value in generator.normal(42, 4, 3)]  # keeps 80 %
        found = kept(estimate(runs) or EXACT, teacher or EXACT, chance or EXACT)
        assert found is not None and found.low is not None and found.high is not None
        held += found.low <= 0.8 <= found.high
    assert 0.93 < held / 1500 < 0.99


def test_a_difference_is_welchs() -> None:
    a, b = [9.7, 9.8, 9.6, 9.9], [9.5, 9.9, 9.1]
    found = difference(a, b)
    wanted = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert difference(a, b[:2]) is None


def test_the_sentence_says_what_is_kept_and_what_controls_keep() -> None:
    mlp = row("MLP-8", 0.90, 500, (9.0, 9.0, 9.0))
    assert sentence(OURS, RANDOM, [mlp], TEACHER) == (
        "A2D keeps 97 % (92 to 102) of its teacher's lead over a random policy at 4.0 % of the "
        "teacher's FLOPs and 25 % of its latency; random architectures of the same cost keep 95 % "
        "(90 to 100), no difference that 3 seeds can show; MLP-8, made by hand, keeps 90 % (85 to "
        "95) at 5.0 % of the teacher's FLOPs and 25 % of its latency."
    )
    unknown = TEACHER.model_copy(update={"deployed_ms": None})
    assert "at 5.0 % of the teacher's FLOPs." in sentence(OURS, RANDOM, [mlp], unknown)


@pytest.mark.parametrize(
    ("random", "words"),
    [
        ((1.0, 1.1, 0.9), ", which is less"),
        ((19.0, 19.1, 18.9), ", which is more: the search has done harm"),
        ((9.0, 9.9), ", and so few seeds cannot tell which is better"),
        ((1.0, None, 1.1, 0.9), ", which cannot be compared"),
    ],
)
def test_the_sentence_says_what_the_search_has_gained(random: Any, words: str) -> None:
    text = sentence(OURS, row("Random", 0.5, 1, random), [], TEACHER)
    assert f"keep 50 % (45 to 55){words}." in text


def test_a_cheaper_network_that_does_as_well_is_named() -> None:
    mlp = row("MLP-8", 0.99, 100, (9.9, 9.9, 9.9))
    text = sentence(OURS, RANDOM, [mlp], TEACHER)
    assert text.endswith("; so that MLP-8 scores no less on average, for less.")


def test_random_networks_that_are_the_one_found_are_counted() -> None:
    same = RANDOM.model_copy(update={"found": 2})
    assert "of the same cost (2 of 3 are the one found) keep" in sentence(OURS, same, [], TEACHER)


def test_diverged_seeds_and_unknown_scores_are_said() -> None:
    nothing: dict[str, Any] = {"score": None, "kept": None, "share": None}
    lost = OURS.model_copy(update={"scores": (9.0, None, 9.0), "diverged": 1, **nothing})
    text = sentence(lost, RANDOM, [], TEACHER)
    assert text.startswith("A2D has no score (1 of 3 diverged) at 400 FLOPs and")
    scored = OURS.model_copy(update={"kept": None})
    text = sentence(scored, RANDOM, [], TEACHER)
    assert text.startswith("A2D scores 9.70 at 4.0 % of the teacher's FLOPs and 25 % of its")
    assert text.endswith("; no share of the teacher's lead is said, as it has none that is sure.")


def test_numbers_are_read_as_people_write_them() -> None:
    assert Interval(mean=-0.001, low=-0.02, high=0.5).text(100, 0, " %") == "0 % (-2 to 50)"
    assert Interval(mean=1.5).text() == "1.50"


def test_a_cards_random_score_is_taken_as_exact_and_an_unknown_one_is_none() -> None:
    measured = score_of([1.0, 2.0, 3.0] * 10)
    found = chance_of(measured)
    assert found is not None and found.margin == pytest.approx(measured.margin)
    assert chance_of(measured._replace(margin=0.0)) == Estimate(2.0, 0.0, 29.0)
    assert chance_of(measured._replace(mean=math.nan)) is None
