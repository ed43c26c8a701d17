"""The claims ledger: every test's verdict on scores whose effect is worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from a2d.errors import A2DError
from a2d.reading.claim_tests import TESTS, Finding, claim_test
from a2d.reading.claims import Verdict, check_tests, judge, judge_all
from a2d.reading.results import Results
from a2d.reading.statistics import Interval
from a2d.study.study import Run, Study, load_study
from tests.study_files import edit
from tests.synthetic import make_study, results_of

TWO = ("minatar-breakout", "minatar-space_invaders")
FIVE = (*TWO, "minatar-asterix", "minatar-freeway", "minatar-seaquest")
LEVEL = 5.0  # above random, where a test says nothing else
# Scores above the random agent's. The best manual size has 10, so that 10 is 1 when normalised.
MANUAL = {"manual-vanilla": 0.0, "manual-resnet14": 10.0, "manual-resnet20": 5.0}

Scores = Mapping[str, float | tuple[float, ...]]


def random_score(run: Run) -> float:
    known = run.spec.task.random_score
    assert known is not None
    return known.value


def place(run: Run) -> int:
    """Return which of the seeds, 0 to 4, a run has."""
    return run.spec.seed % 10


def scored(
    study: Study,
    scores: Scores,
    diverged: str = "",
    missing: Callable[[Run], bool] = lambda run: False,
) -> Results:
    """Record a study: ``scores`` above random by method, or by 'task/method'.

    A tuple has one for every seed.
    """

    def score(run: Run) -> float | None:
        value = scores.get(f"{run.spec.task.name}/{run.method}", scores.get(run.method, LEVEL))
        if missing(run):
            return None
        return random_score(run) + (value[place(run)] if isinstance(value, tuple) else value)

    return results_of(study, score, lambda run: run.method == diverged)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("two"), TWO, 5)


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("five"), FIVE, 5, ("a2d_vs_manual",))


def verdict_on(claim: str, results: Results) -> Verdict:
    return next(verdict for verdict in judge_all(results) if verdict.claim.claim == claim)


def effect_of(verdict: Verdict) -> tuple[float, float, float]:
    assert verdict.finding is not None, verdict.reasons
    effect = verdict.finding.effect
    return effect.estimate, effect.low, effect.high


def the_point(value: float) -> object:
    """Return an interval without width, as seeds that agree have."""
    return pytest.approx((value, value, value))


def test_c1_an_optimum_that_differs_between_tasks(two: Study) -> None:
    """Leads over the largest size: (10 − 5) / 10 on one task; 0 on the other, where it is best."""
    largest = {f"{TWO[1]}/manual-resnet14": 5.0, f"{TWO[1]}/manual-resnet20": 10.0}
    verdict = verdict_on("C1", scored(two, {**MANUAL, **largest}))
    assert effect_of(verdict) == the_point(0.25)
    assert (verdict.outcome, verdict.reasons, verdict.seeds, verdict.tasks) == (
        "supported",
        (),
        5,
        2,
    )
    same = verdict_on("C1", scored(two, {**MANUAL}))
    assert effect_of(same) == the_point(0.5)
    assert same.outcome == "inconclusive" and same.reasons == (), (
        "the same size is best on both tasks"
    )


def test_c1_a_lead_that_does_not_hold_on_the_seed_left_out(two: Study) -> None:
    """Three seeds lose 1 by the others' choice, two choose the largest; the means' range is 10."""
    scores: Scores = {
        "manual-vanilla": (9.0, 9.0, 9.0, 11.5, 11.5),
        "manual-resnet14": 0.0,
        "manual-resnet20": 10.0,
    }
    verdict = verdict_on("C1", scored(two, scores))
    estimate, low, high = effect_of(verdict)
    assert estimate == pytest.approx(-0.06) and low < high < 0
    assert verdict.outcome == "contradicted"


def test_c2_spread_of_searches(two: Study) -> None:
    """The standard deviation of 0, 10, 0, 10, 5 is 5, and the task's scores range over 10."""
    wide, level = (0.0, 10.0, 0.0, 10.0, 5.0), 5.0
    outcomes = {}
    for name, vanilla, joint in (
        ("vanilla", wide, level),
        ("joint", level, wide),
        ("both", wide, wide),
    ):
        verdict = verdict_on("C2", scored(two, {"search-vanilla": vanilla, "search-joint": joint}))
        estimate, low, high = effect_of(verdict)
        outcomes[name] = verdict.outcome, round(estimate, 6)
        assert low < estimate < high and verdict.reasons == ()
    assert outcomes == {
        "vanilla": ("supported", 0.5),
        "joint": ("contradicted", -0.5),
        "both": ("inconclusive", 0.0),
    }
    verdict = verdict_on("C2", scored(two, {}))
    assert verdict.outcome == "inconclusive" and verdict.reasons == (
        "all searches of a task score the same",
    )


@pytest.mark.parametrize(
    ("actor", "critic", "effect", "outcome"),
    [
        (5.0, 4.0, 0.3, "supported"),
        (5.0, 9.0, -0.1, "contradicted"),
        (8.0, 5.0, 0.0, "inconclusive"),
    ],
)
def test_c3_joint_against_the_better_single_head(
    two: Study, actor: float, critic: float, effect: float, outcome: str
) -> None:
    fixed: Scores = {
        "distilled-resnet14-joint": 8.0,
        "distilled-resnet14-actor": actor,
        "distilled-resnet14-critic": critic,
    }
    verdict = verdict_on("C3", scored(two, {**MANUAL, **fixed}))
    assert (
        effect_of(verdict) == the_point(effect)
        and verdict.outcome == outcome
        and verdict.reasons == ()
    )


@pytest.mark.parametrize(
    ("a2d", "effect", "outcome"),
    [(15.0, 0.5, "supported"), (5.0, -0.5, "contradicted"), (10.0, 0.0, "inconclusive")],
)
def test_c4_score_against_the_best_manual_size(
    two: Study, a2d: float, effect: float, outcome: str
) -> None:
    verdict = verdict_on("C4", scored(two, {**MANUAL, "derived-joint-joint": a2d}))
    assert effect_of(verdict) == the_point(effect) and verdict.outcome == outcome


def test_c4_needs_fewer_flops_as_well(two: Study) -> None:
    """The smallest manual size is best and needs 0.3 M; what was searched needs more."""
    small: Scores = {
        **MANUAL,
        "manual-vanilla": 10.0,
        "manual-resnet14": 0.0,
        "derived-joint-joint": 15.0,
    }
    verdict = verdict_on("C4", scored(two, small))
    assert effect_of(verdict) == the_point(0.5)
    assert verdict.outcome == "inconclusive" and verdict.finding is not None
    assert "times the FLOPs" in verdict.finding.detail


def test_c5_every_task_must_agree(five: Study) -> None:
    def on(own: float, asterix: float) -> Verdict:
        scores: Scores = {
            "derived-joint-joint": own,
            "minatar-asterix/derived-joint-joint": asterix,
        }
        return verdict_on("C5", scored(five, {**MANUAL, **scores}))

    assert effect_of(on(15, 15)) == the_point(1) and on(15, 15).outcome == "supported"
    assert effect_of(on(15, 5)) == the_point(0.8) and on(15, 5).outcome == "inconclusive"
    assert effect_of(on(15, 10)) == the_point(0.9) and on(15, 10).outcome == "supported", (
        "ties count ½"
    )
    assert effect_of(on(5, 5)) == the_point(0) and on(5, 5).outcome == "contradicted"


def test_thin_data_decides_nothing(two: Study, tmp_path: Path) -> None:
    strong: Scores = {**MANUAL, "derived-joint-joint": 15.0}
    few = verdict_on("C4", scored(make_study(tmp_path, TWO, 2, ("a2d_vs_manual",)), strong))
    assert effect_of(few) == the_point(0.5), "the effect is shown all the same"
    assert (few.outcome, few.reasons, few.seeds) == ("inconclusive", ("thin: 2 of 5 seeds",), 2)
    narrow = verdict_on("C5", scored(two, strong))
    assert (narrow.outcome, narrow.reasons, narrow.tasks) == (
        "inconclusive",
        ("thin: 2 of 5 tasks",),
        2,
    )


def test_one_seed_has_no_effect_where_seeds_are_compared(tmp_path: Path) -> None:
    results = scored(make_study(tmp_path, TWO, 1), MANUAL | {"derived-joint-joint": 15.0})
    verdicts = {verdict.claim.claim: verdict for verdict in judge_all(results)}
    assert list(verdicts) == ["C1", "C2", "C3", "C4", "C5"]
    assert {verdict.outcome for verdict in verdicts.values()} == {"inconclusive"}
    assert (
        verdicts["C1"].finding is None
        and "with one seed none can be left out" in verdicts["C1"].reasons
    )
    assert verdicts["C2"].finding is None and "one seed has no spread" in verdicts["C2"].reasons


@pytest.mark.parametrize(
    ("claim", "method", "needed"),
    [
        ("C1", "manual-resnet20", 30),  # 3 sizes × 5 seeds × 2 tasks
        ("C2", "search-joint", 20),
        ("C3", "distilled-resnet14-critic", 60),  # three modes, and the sizes that set the scale
        ("C4", "derived-joint-joint", 40),
        ("C5", "manual-vanilla", 40),
    ],
)
def test_a_missing_run_leaves_a_claim_open(
    two: Study, claim: str, method: str, needed: int
) -> None:
    def is_missing(run: Run) -> bool:
        return (run.method, run.spec.task.name, place(run)) == (method, TWO[0], 3)

    results = scored(two, MANUAL | {"derived-joint-joint": 15.0}, missing=is_missing)
    verdict = verdict_on(claim, results)
    path = next(run.path for run in two.runs.values() if is_missing(run))
    assert (
        verdict.outcome == "inconclusive" and verdict.finding is None and verdict.missing == (path,)
    )
    assert verdict.reasons[0] == f"missing runs: 1 of {needed} ({method})"
    assert (verdict.seeds, verdict.tasks) == (4, 1)


def test_nothing_recorded_is_missing_everywhere(two: Study) -> None:
    for verdict in judge_all(results_of(two, lambda run: None)):
        assert verdict.outcome == "inconclusive" and verdict.finding is None
        assert verdict.seeds == verdict.tasks == 0 and verdict.reasons[0].startswith(
            "missing runs: "
        )


def test_what_a_study_does_not_plan_is_said(two: Study, tmp_path: Path) -> None:
    claim = two.experiments["a2d_vs_manual"].claims[0]
    results = scored(make_study(tmp_path, TWO, 5, ("size_sweep",)), MANUAL)
    verdict = judge(results, "a2d_vs_manual", claim)
    assert verdict.outcome == "inconclusive" and verdict.finding is None and verdict.missing == ()
    assert verdict.reasons == ("not planned: this study has no runs for a part of the test",)


def test_a_diverged_run_counts_with_its_last_score(two: Study) -> None:
    results = scored(two, MANUAL | {"derived-joint-joint": 5.0}, diverged="derived-joint-joint")
    verdict = verdict_on("C4", results)
    assert verdict.outcome == "contradicted" and verdict.diverged == 10 and verdict.missing == ()


def test_without_a_scale_there_is_no_normalised_effect(two: Study) -> None:
    results = scored(two, dict.fromkeys(MANUAL, -1.0))
    for claim in ("C3", "C4"):
        verdict = verdict_on(claim, results)
        assert verdict.outcome == "inconclusive" and verdict.finding is None
        assert "no manual size scores above random" in verdict.reasons[0]


NEW = {"statement": "x", "rule": "x", "minimum_seeds": 1, "minimum_tasks": 1}


def test_a_sixth_claim_is_a_function_and_its_name_in_an_experiment(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always(results: Results) -> Finding:
        return Finding(Interval(1.0, 1.0, 1.0), "supported", "always so")

    monkeypatch.setitem(TESTS, "always", TESTS["interior_optimum"])  # and is gone afterwards
    claim_test("nothing", lambda results: [results.runs])(always)
    claims = [NEW | {"claim": "C10", "test": "always"}, NEW | {"claim": "C6", "test": "always"}]
    edit(checkout, "experiments/recipes", ("claims", claims))
    study = load_study("smoke", checkout)
    check_tests(study)
    verdicts = judge_all(results_of(study, lambda run: 1.0))
    assert [verdict.claim.claim for verdict in verdicts] == [
        f"C{n}" for n in (1, 2, 3, 4, 5, 6, 10)
    ]
    assert verdicts[-1].outcome == "supported" and verdicts[-1].effect == "nothing"


def test_a_test_that_is_not_there_is_refused_with_those_that_are(checkout: Path) -> None:
    edit(checkout, "experiments/search_methods", ("claims.0.test", "spread"))
    study = load_study("smoke", checkout)
    said = r"search_methods.yaml: claims.0.test: 'spread' is not one of interior_optimum, larger"
    with pytest.raises(A2DError, match=said):
        check_tests(study)
    with pytest.raises(A2DError, match=said):
        judge_all(results_of(study, lambda run: 1.0))
