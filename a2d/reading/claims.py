"""The claims ledger: applies the tests that ``workflow/experiments/*.yaml`` fixed beforehand.

Thin data or a missing run make the verdict 'inconclusive', whatever the effect; a diverged run
counts with the score of its last good state.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from a2d.errors import A2DError
from a2d.reading.claim_tests import TESTS, Finding, Outcome, UndefinedEffect
from a2d.reading.results import Results
from a2d.study.definitions import ClaimTest
from a2d.study.study import Study

NAMED = 3  # methods with missing runs that a reason names


@dataclass(frozen=True)
class Verdict:
    """One row of the ledger.

    ``seeds`` are the recorded runs of the thinnest group, ``tasks`` those with all their runs.
    """

    experiment: str
    claim: ClaimTest
    effect: str
    finding: Finding | None
    outcome: Outcome
    reasons: tuple[str, ...]
    seeds: int
    tasks: int
    missing: tuple[str, ...]
    diverged: int


def check_tests(study: Study) -> None:
    """Raise A2DError where a claim of the study names a test that there is not."""
    for experiment in study.experiments.values():
        for index, claim in enumerate(experiment.claims):
            if claim.test not in TESTS:
                raise A2DError(
                    f"workflow/experiments/{experiment.name}.yaml: claims.{index}.test: "
                    f"{claim.test!r} is not one of {', '.join(TESTS)}"
                )


def judge(results: Results, experiment: str, claim: ClaimTest) -> Verdict:
    """Apply one claim's test."""
    test = TESTS[claim.test]
    needs = test.needs(results)
    used = pd.concat(needs).drop_duplicates("key")
    scored = used["score"].notna()
    missing = tuple(used.loc[~scored, "path"])
    # Without any run there is no group.
    seeds = int(used.groupby(["task", "method"])["score"].count().min()) if len(used) else 0
    tasks = int(scored.groupby(used["task"]).all().sum())
    reasons = _shortfalls(claim, needs, missing, seeds, tasks)
    finding = None
    if not missing and all(len(need) for need in needs):
        try:
            finding = test.measure(results)
        except UndefinedEffect as problem:
            reasons.append(str(problem))
    return Verdict(
        experiment=experiment,
        claim=claim,
        effect=test.effect,
        finding=finding,
        outcome="inconclusive" if reasons or finding is None else finding.outcome,
        reasons=tuple(reasons),
        seeds=seeds,
        tasks=tasks,
        missing=missing,
        diverged=int((used["state"] == "diverged").sum()),
    )


def _shortfalls(
    claim: ClaimTest, needs: list[pd.DataFrame], missing: tuple[str, ...], seeds: int, tasks: int
) -> list[str]:
    """Say what is too little for a verdict, whatever the effect may be."""
    reasons = []
    if not all(len(need) for need in needs):
        reasons.append("not planned: this study has no runs for a part of the test")
    if missing:
        methods = list(dict.fromkeys(path.split("/")[2] for path in missing))
        more = ["…"] if len(methods) > NAMED else []
        planned = len(pd.concat(needs).drop_duplicates("key"))
        named = ", ".join([*methods[:NAMED], *more])
        reasons.append(f"missing runs: {len(missing)} of {planned} ({named})")
    if seeds < claim.minimum_seeds:
        reasons.append(f"thin: {seeds} of {claim.minimum_seeds} seeds")
    if tasks < claim.minimum_tasks:
        reasons.append(f"thin: {tasks} of {claim.minimum_tasks} tasks")
    return reasons


def judge_all(results: Results) -> list[Verdict]:
    """Apply every test of the study, in the order of the claims' numbers.

    Raises:
        A2DError: a claim names a test that there is not.
    """
    check_tests(results.study)
    verdicts = [
        judge(results, experiment.name, claim)
        for experiment in results.study.experiments.values()
        for claim in experiment.claims
    ]
    return sorted(verdicts, key=lambda verdict: verdict.claim.number)
