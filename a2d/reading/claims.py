"""The claims ledger: applies the tests of ``workflow/experiments/*.yaml``.

Thin data or a missing run leave a claim undecided, whatever the effect; a diverged run counts with
the score of its last good state. The verdicts are those that survive the correction over claims.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from a2d.errors import A2DError
from a2d.reading.claim_tests import TESTS
from a2d.reading.decisions.contrasts import FEWEST, UndefinedEffect, Verdict
from a2d.reading.decisions.verdicts import Decision, correct
from a2d.reading.evidence import Arms, Evidence, gather
from a2d.reading.results import Results
from a2d.study.definitions import ClaimTest
from a2d.study.study import Study

NAMED = 3  # methods with missing runs that a reason names


@dataclass(frozen=True)
class Ruling:
    """One row of the ledger: what a claim's test found.

    Args:
        claim: with its test, as an experiment has it.
        decision: after the correction over claims; None where nothing could be measured.
        reasons: why the claim is not decided, whatever was measured.
        seeds: of how many every run is recorded, of the arm with the fewest and with the most.
        tasks: how many have all their runs.
        missing: the paths of runs that have no score.
        diverged: how many of the runs did.
    """

    claim: ClaimTest
    decision: Decision | None
    reasons: tuple[str, ...]
    seeds: tuple[int, int]
    tasks: int
    missing: tuple[str, ...]
    diverged: int

    @property
    def decided(self) -> bool:
        """Whether the test could be applied in full."""
        return self.decision is not None and not self.reasons

    @property
    def verdict(self) -> Verdict:
        """What is said of the claim."""
        if self.decision is None or self.reasons:
            return "inconclusive"
        return self.decision.verdict


def check_tests(study: Study) -> None:
    """Raise A2DError where a claim names a test that there is not, or another one has its name."""
    makers: dict[str, str] = {}
    for experiment in study.all_experiments.values():
        for index, claim in enumerate(experiment.claims):
            if claim.test not in TESTS:
                raise A2DError(
                    f"workflow/experiments/{experiment.name}.yaml: claims.{index}.test: "
                    f"{claim.test!r} is not one of {', '.join(TESTS)}"
                )
            if claim.claim in makers:
                raise A2DError(
                    f"workflow/experiments/{experiment.name}.yaml: claims.{index}.claim: "
                    f"{claim.claim!r} is a claim of {makers[claim.claim]}.yaml already"
                )
            makers[claim.claim] = experiment.name


def sorted_claims(study: Study) -> list[ClaimTest]:
    """Return the claims of all experiments in the order of their numbers."""
    claims = [claim for each in study.all_experiments.values() for claim in each.claims]
    return sorted(claims, key=lambda claim: claim.number)


def judge(results: Results, claim: ClaimTest) -> Ruling:
    """Apply one claim's test, before any correction over claims."""
    test = TESTS[claim.test]
    arms = test.needs(results)
    found = gather(results, arms)
    runs, recorded = found.runs, found.seeds()
    seeds = (min(recorded.values(), default=0), max(recorded.values(), default=0))
    missing = tuple(runs.loc[runs["score"].isna(), "path"])
    tasks = int(runs["score"].notna().groupby(runs["task"]).all().sum())
    reasons, decision = _shortfalls(claim, arms, found, seeds[0], tasks), None
    if found.complete:
        try:
            decision = test.measure(found)
        except UndefinedEffect as problem:
            reasons.append(str(problem))
    diverged = int((runs["state"] == "diverged").sum())
    return Ruling(claim, decision, tuple(reasons), seeds, tasks, missing, diverged)


def _shortfalls(claim: ClaimTest, arms: Arms, found: Evidence, seeds: int, tasks: int) -> list[str]:
    """Say what is too little for a verdict, whatever the effect may be."""
    unplanned = [name for name, rows in arms.items() if rows.empty]
    if unplanned:
        return [f"not planned by this scale: {', '.join(unplanned)}"]
    reasons, runs = [], found.runs
    if not found.planned:
        reasons.append("not planned by this scale: all that the test compares, for any one task")
    missing = runs[runs["score"].isna()]
    if len(missing):
        methods = list(dict.fromkeys(missing["method"]))
        more = ["…"] if len(methods) > NAMED else []
        named = ", ".join([*methods[:NAMED], *more])
        reasons.append(f"missing runs: {len(missing)} of {len(runs)} ({named})")
    least = max(claim.minimum_seeds, FEWEST)
    if seeds < least:
        reasons.append(f"thin: {seeds} of {least} seeds")
    if tasks < claim.minimum_tasks:
        reasons.append(f"thin: {tasks} of {claim.minimum_tasks} tasks")
    return reasons


def judge_all(results: Results) -> list[Ruling]:
    """Apply the test of every claim, in the order of their numbers, and correct over all of them.

    Claims that this study cannot decide count as well.

    Raises:
        A2DError: a claim names a test that there is not.
    """
    check_tests(results.study)
    rulings = [judge(results, claim) for claim in sorted_claims(results.study)]
    places = [place for place, ruling in enumerate(rulings) if ruling.decided]
    decisions = [ruling.decision for ruling in rulings if ruling.decision and not ruling.reasons]
    for place, decision in zip(places, correct(decisions, len(rulings)), strict=True):
        rulings[place] = replace(rulings[place], decision=decision)
    return rulings
