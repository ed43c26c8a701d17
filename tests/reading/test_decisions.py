"""The claims' tests: hand-worked values, their own rules, and the F test."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from a2d.reading.decisions import searches, sizes
from a2d.reading.decisions.agents import Agents, beats_manual, general
from a2d.reading.decisions.contrasts import Array, Contrast, UndefinedEffect, from_t
from a2d.reading.decisions.searches import both_heads, less_stable
from a2d.reading.decisions.verdicts import Decision, all_of, any_of, correct
from a2d.reading.decisions.yardstick import make_yardstick


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def contrast(estimate: float, error: float = 0.01) -> Contrast:
    return from_t("an effect", np.array([estimate]), error, 100.0, 0.1)


SUPPORTED, CONTRADICTED = contrast(0.5), contrast(-0.5)
EQUIVALENT, UNCLEAR = contrast(0.0), contrast(0.1, 1.0)
PAIR = ("vanilla", "joint")


def decided(p: float) -> Decision:
    return Decision("a claim", "supported", p, SUPPORTED, (SUPPORTED,))


# --- verdicts


def test_a_conjunction_needs_every_part_and_any_part_refutes_it() -> None:
    assert all_of("x", [SUPPORTED, SUPPORTED]).verdict == "supported"
    assert all_of("x", [SUPPORTED, SUPPORTED], gate=0.2).verdict == "inconclusive"
    assert all_of("x", [SUPPORTED, UNCLEAR]).verdict == "inconclusive"
    assert all_of("x", [SUPPORTED, EQUIVALENT]).verdict == "equivalent"
    assert all_of("x", [SUPPORTED, EQUIVALENT, CONTRADICTED]).verdict == "contradicted"


def test_what_refutes_a_conjunction_pays_for_the_number_of_parts() -> None:
    part = contrast(-0.1, 0.1 / 2.2)  # p about .03
    assert all_of("x", [part]).verdict == "contradicted"
    assert all_of("x", [part, SUPPORTED]).verdict == "inconclusive"
    small = contrast(0.0, 0.1 / 1.8)  # p about .04
    assert all_of("x", [small, UNCLEAR]).verdict == "inconclusive"
    assert all_of("x", [small, small]).verdict == "equivalent"


def test_a_disjunction_needs_one_part_and_no_part_against_it() -> None:
    assert any_of("x", [EQUIVALENT, SUPPORTED]).verdict == "supported"
    assert any_of("x", [UNCLEAR, CONTRADICTED]).verdict == "contradicted"
    assert any_of("x", [SUPPORTED, CONTRADICTED]).verdict == "inconclusive"
    assert any_of("x", [EQUIVALENT, EQUIVALENT]).verdict == "equivalent"
    assert any_of("x", [EQUIVALENT, UNCLEAR]).verdict == "inconclusive"
    assert any_of("x", [contrast(0.1, 0.1 / 2.2), UNCLEAR]).verdict == "inconclusive"


def test_an_open_claim_names_what_is_open_and_what_was_not_enough() -> None:
    part = contrast(-0.1, 0.1 / 2.2)  # p about .03
    found = all_of("x", [part, SUPPORTED, UNCLEAR])
    assert found.because == "Open: an effect."
    assert found.notes == ("Not enough for 3 parts: an effect (contradicted).",)
    assert all_of("x", [CONTRADICTED, UNCLEAR]).because == "By: an effect."
    assert any_of("x", [EQUIVALENT, UNCLEAR]).effect is UNCLEAR
    assert any_of("x", [EQUIVALENT, UNCLEAR]).because == "Open: an effect."
    assert any_of("x", [SUPPORTED, CONTRADICTED]).because == ""
    (lost,) = correct([decided(0.03)], 5)
    assert lost.verdict == "inconclusive" and lost.because == "By: an effect."


def test_the_decisive_effect_is_the_weakest_that_supports_and_the_clearest_that_refutes() -> None:
    weak = contrast(0.3, 0.1)
    assert all_of("x", [SUPPORTED, weak]).effect is weak
    assert all_of("x", [SUPPORTED, CONTRADICTED, weak]).effect is CONTRADICTED


def test_holm_stops_at_the_first_that_fails() -> None:
    found = correct([decided(p) for p in (0.03, 0.001, 0.014, 0.04, 0.012)], 5)
    # in order: .001 ≤ .05/5, .012 ≤ .05/4, .014 ≤ .05/3, .03 > .05/2, and .04 ≤ .05 no more
    kept = [decision.verdict for decision in found]
    assert kept == ["inconclusive", "supported", "supported", "inconclusive", "supported"]
    assert "not after the correction over 5 claims" in found[0].notes[0]


def test_claims_without_a_decision_count_in_the_correction() -> None:
    assert correct([decided(0.03)], 1)[0].verdict == "supported"
    assert correct([decided(0.03)], 5)[0].verdict == "inconclusive"
    assert correct([], 5) == []


# --- the claims


def test_a_size_is_chosen_without_the_seed_that_scores_it() -> None:
    sweep = np.array([[9.0, 0.0], [0.0, 1.0], [0.0, 1.0]])[:, None, :]
    assert sizes.choose_held_out(sweep)[:, 0].tolist() == [1, 0, 0]
    assert sizes.take(sweep, sizes.choose_held_out(sweep))[:, 0].tolist() == [0, 0, 0]
    with pytest.raises(UndefinedEffect, match="one seed"):
        sizes.choose_held_out(sweep[:1])


def test_interaction_by_permutation_is_near_the_f_test_on_normal_scores() -> None:
    for seed in range(5):
        scores = draw(6, 4, 3, seed=seed)
        cells = scores.mean(axis=0)
        additive = cells.mean(1, keepdims=True) + cells.mean(0) - cells.mean()
        between = 6 * ((cells - additive) ** 2).sum() / 6
        within = ((scores - cells) ** 2).sum() / (4 * 3 * 5)
        expected = stats.f.sf(between / within, 6, 4 * 3 * 5)
        assert sizes.interaction(scores) == pytest.approx(expected, abs=0.06)


def test_interaction_of_scores_without_any_difference_is_none() -> None:
    assert sizes.interaction(np.ones((3, 2, 3))) == 1


def test_optimal_size_by_its_parts() -> None:
    noise = 0.01 * draw(5, 4, 3)
    peak, shifted = np.array([0.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 0.0])
    differing = np.stack([peak, shifted, peak]) + noise.transpose(0, 2, 1)
    assert sizes.optimal_size(differing).verdict == "supported"
    same = np.stack([peak, peak, peak]) + noise.transpose(0, 2, 1)
    assert sizes.optimal_size(same).verdict == "equivalent"
    rising = np.arange(4.0) + noise.transpose(0, 2, 1)
    assert sizes.optimal_size(rising).verdict == "contradicted"
    assert sizes.optimal_size(differing[:, :1]).verdict == "supported"  # over seeds
    with pytest.raises(UndefinedEffect, match="fewer than three sizes"):
        sizes.optimal_size(differing[:, :, :2])


def test_c1_needs_the_interaction_too(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    sweep = peaks + 0.01 * draw(5, 3, 4)
    assert sizes.optimal_size(sweep).p < 0.05
    monkeypatch.setattr(sizes, "interaction", lambda *_: 0.06)
    assert sizes.optimal_size(sweep).verdict == "inconclusive"


def test_vanilla_that_always_fails_supports_c2() -> None:
    fails, learns, scores = np.ones((5, 3)), np.zeros((5, 3)), draw(5, 3)
    decision = less_stable(PAIR, fails, learns, scores, scores)
    assert decision.verdict == "supported" and len(decision.parts) == 1
    assert "vanilla 15 of 15 [0.78, 1.00], joint 0 of 15 [0.00, 0.22]" in decision.notes[0]


def test_two_seeds_have_no_interval_of_a_rate_either() -> None:
    fails, scores = np.ones((2, 3)), draw(2, 3)
    (note,) = less_stable(PAIR, fails, fails, scores, scores).notes
    assert ": vanilla 6 of 6, joint 6 of 6; on 0 tasks" in note


def test_spread_is_compared_only_where_both_learn() -> None:
    failures = np.zeros((5, 4))
    failures[:, 0] = 1
    narrow, wide = draw(5, 4), 5 * draw(5, 4, seed=1)
    narrow[:, 0] = 0  # its logarithm would be −∞
    decision = less_stable(PAIR, failures, failures, wide, narrow)
    ratios = np.log(wide.std(axis=0, ddof=1)[1:] / narrow.std(axis=0, ddof=1)[1:])
    assert decision.parts[1].effect.per_task == pytest.approx(tuple(ratios))


def test_heads_are_compared_where_there_is_something_to_teach() -> None:
    untaught = np.array([[1.0, 1.0], [3.0, 3.0]])
    tasks = searches.teachable([2.5, 1.9], untaught)
    assert tasks.tolist() == [True, False]
    joint = np.column_stack([1 + 0.01 * draw(5), -9 + draw(5)])
    alone = 0.01 * draw(5, 2, seed=1)
    assert both_heads(joint, alone, alone, tasks).verdict == "supported"
    with pytest.raises(UndefinedEffect, match="no task"):
        searches.teachable([2.0, 2.0], untaught)


def contest(lead: float, cost: float) -> Agents:
    manual = 0.01 * draw(5, 3, 2) + np.array([0.0, 1.0])
    return Agents(
        a2d=1 + lead + 0.01 * draw(5, 3, seed=1),
        flops=np.full((5, 3), cost),
        latency=np.full((5, 3), cost),
        manual=manual,
        manual_flops=np.broadcast_to([1.0, 4.0], (3, 2)),
        manual_latency=np.broadcast_to([1.0, 4.0], (3, 2)),
        random=0.01 * draw(5, 3, 4, seed=2),
    )


@pytest.mark.parametrize("decide", [beats_manual, general])
def test_a2d_must_win_in_score_and_in_cost(decide: Callable[[Agents], Decision]) -> None:
    for lead, cost, verdict in (
        (0.5, 2.0, "supported"),
        (0.5, 8.0, "contradicted"),
        (0.0, 2.0, "equivalent"),
        (-0.5, 2.0, "contradicted"),
    ):
        assert decide(contest(lead, cost)).verdict == verdict


def test_costs_are_compared_with_the_size_that_was_chosen() -> None:
    parts = beats_manual(contest(0.5, 2.0)).parts
    assert [part.effect.estimate for part in parts[2:]] == pytest.approx([math.log(2)] * 2)
    assert parts[1].effect.estimate == pytest.approx(1.5, abs=0.02)


def test_arms_may_have_different_numbers_of_seeds() -> None:
    """Ten seeds of A2D against five of manual sizes and random architectures."""
    agents = contest(0.5, 2.0)
    ours = 1.5 + 0.01 * draw(10, 3, seed=5)
    costs = np.full((10, 3), 2.0)
    uneven = Agents(**{**vars(agents), "a2d": ours, "flops": costs, "latency": costs})
    score, rival = beats_manual(uneven).parts[0].effect, np.asarray(agents.manual)[:, :, 1]
    assert score.estimate == pytest.approx(ours.mean() - rival.mean())
    variance = (ours.var(axis=0, ddof=1) / 10 + rival.var(axis=0, ddof=1) * (1 / 5 + 1 / 4)).sum()
    parts = [*ours.var(axis=0, ddof=1) / 10, *rival.var(axis=0, ddof=1) * (1 / 5 + 1 / 4)]
    freedom = variance**2 / sum(
        part**2 / of for part, of in zip(parts, [9, 9, 9, 4, 4, 4], strict=True)
    )
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(variance) / 3
    assert score.high - score.estimate == pytest.approx(reach)
    for decide in (beats_manual, general):
        assert decide(uneven).verdict == "supported"


def test_a_draw_of_random_architectures_is_no_unit() -> None:
    agents = contest(0.5, 2.0)
    doubled = Agents(**{**vars(agents), "random": np.repeat(np.asarray(agents.random), 2, axis=2)})
    assert beats_manual(doubled).parts[1].effect.high == pytest.approx(
        beats_manual(agents).parts[1].effect.high
    )


# --- the scale


def test_the_yardstick_puts_random_at_zero_and_the_teacher_at_one() -> None:
    tasks = ["a", "b"]
    yardstick = make_yardstick({"a": 1.0, "b": 10.0}, {"a": 3.0, "b": 30.0}, {"a": 0.1, "b": 1.0})
    assert yardstick.apply([[1.0, 30.0], [2.0, 15.0]], tasks).tolist() == [[0.0, 1.0], [0.5, 0.25]]
    assert yardstick.apply([[30.0, 1.0]], ["b", "a"]).tolist() == [[1.0, 0.0]]
    assert yardstick.apply(np.full((2, 2, 3), 3.0), tasks)[:, 0].tolist() == [[1.0] * 3] * 2


def test_a_teacher_within_its_own_noise_is_no_unit_and_is_named() -> None:
    score, error = {"a": 3.0, "b": 1.4, "c": 9.0, "d": math.nan}, dict.fromkeys("abcd", 0.1)
    yardstick = make_yardstick({"a": 1.0, "b": 1.0, "c": None, "d": 1.0}, score, error)
    assert yardstick.tasks == ["a"]
    assert yardstick.problems == {
        "b": "its teacher (1.4 ± 0.1) does not beat the random policy (1) by 5 standard errors "
        "of its test",
        "c": "its card has no random score",
        "d": "its teacher is not recorded",
    }
    with pytest.raises(UndefinedEffect, match="no scale of scores: b: its teacher"):
        yardstick.apply([[1.0, 2.0]], ["a", "b"])


def test_a_teacher_whose_noise_is_not_known_is_no_unit() -> None:
    assert make_yardstick({"a": 0.0}, {"a": 9.0}, {"a": math.nan}).tasks == []


def test_nothing_here_imports_torch() -> None:
    code = "import sys, a2d.reading.decisions.scenarios; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
