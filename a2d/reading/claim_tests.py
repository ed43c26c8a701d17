"""The tests of claims: each is registered under its function's name, which an experiment gives.

A test gathers what it compares from the results, and decides by ``a2d.reading.decisions``;
docs/claims.md gives the reasons and the error rates. To add one, write a function with
``@claim_test`` here, and its name as ``test`` of a claim in ``workflow/experiments/``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from a2d.reading import evidence, lookups
from a2d.reading.decisions.agents import Agents, beats_manual, general
from a2d.reading.decisions.contrasts import UndefinedEffect
from a2d.reading.decisions.rates import failed
from a2d.reading.decisions.searches import (
    both_heads,
    finds_better,
    less_stable,
    teachable,
)
from a2d.reading.decisions.sizes import optimal_size
from a2d.reading.decisions.verdicts import Decision
from a2d.reading.evidence import Arms, Evidence
from a2d.reading.rendering.style import network_name
from a2d.reading.results import Results, where

MANUAL, RANDOM = "manual agents of equal steps", "random agents of equal steps"
Measure = Callable[[Evidence], Decision]
Needs = Callable[[Results], Arms]


@dataclass(frozen=True)
class Test:
    """One test.

    Args:
        measure: decides on the gathered runs; raises UndefinedEffect where it cannot.
        needs: the planned runs that it compares, by what it calls them.
    """

    measure: Measure
    needs: Needs


TESTS: dict[str, Test] = {}


def claim_test(needs: Needs) -> Callable[[Measure], Measure]:
    """Register a test of a claim under its function's name."""

    def register(measure: Measure) -> Measure:
        TESTS[measure.__name__] = Test(measure, needs)
        return measure

    return register


def _sweep(results: Results) -> Arms:
    return {
        "teacher": evidence.teachers(results),
        "sizes": evidence.sizes(results, "none", "train"),
    }


@claim_test(_sweep)
def optimum_differs(found: Evidence) -> Decision:
    """C1: a best size between the ends exists and differs between tasks."""
    decision = optimal_size(found.scores("sizes"))
    best = found.values("sizes").mean(axis=0).argmax(axis=1)
    networks = {
        found.results.title(task): found.results.networks(task).every[place]
        for task, place in zip(found.tasks, best, strict=True)
    }
    named = ", ".join(f"{network_name(network)} on {task}" for task, network in networks.items())
    return decision.noting(f"Best by the mean of all seeds: {named}.")


def _search_arms(results: Results, *methods: str) -> Arms:
    arms = {}
    for method in methods:
        arms[f"{method} searches"] = evidence.searches(results, method)
        arms[f"distilled agents of {method} searches"] = evidence.derived(results, method)
    return arms


def _stability(found: Evidence, method: str) -> Decision:
    """Decide whether a method's search is less stable than the joint one."""
    failures = []
    for arm in (f"{method} searches", "joint searches"):
        errors = found.values(arm, "error")[..., 0]
        failures.append(failed(found.values(arm)[..., 0], errors, found.random()))
    agents = [f"distilled agents of {each} searches" for each in (method, "joint")]
    derived = (found.values(arm)[..., 0] for arm in agents)
    return less_stable((method, "joint"), *failures, *derived)


@claim_test(lambda results: _search_arms(results, "vanilla", "joint"))
def fails_without_a_teacher(found: Evidence) -> Decision:
    """C2: vanilla search fails more often than joint, or its agents scatter more."""
    return _stability(found, "vanilla")


def _heads(results: Results) -> Arms:
    modes = {mode: evidence.fixed(results, mode) for mode in ("none", "actor", "critic", "joint")}
    taught = {f"fixed network ({mode})": rows for mode, rows in modes.items()}
    teacher = {"teacher": evidence.teachers(results)}
    return teacher | taught | _search_arms(results, "actor", "critic", "joint")


@claim_test(_heads)
def both_heads_are_best(found: Evidence) -> Decision:
    """C3: both heads together teach better than either alone, and stabilise the search."""
    untaught, joint, actor, critic = (
        found.scores(f"fixed network ({mode})")[..., 0]
        for mode in ("none", "joint", "actor", "critic")
    )
    tasks = teachable(found.scores("teacher")[0, :, 0], untaught)
    stabilises = [_stability(found, head) for head in ("actor", "critic")]
    decision = both_heads(joint, actor, critic, tasks, stabilises)
    pairs = zip(found.tasks, tasks, strict=True)
    dull = ", ".join(found.results.title(task) for task, kept in pairs if not kept)
    if dull:
        words = f"No taught networks are compared on {dull}: there is nothing to teach."
        decision = decision.noting(words)
    return decision


def _agents(results: Results) -> Arms:
    return {
        "teacher": evidence.teachers(results),
        "A2D": evidence.derived(results, results.study.scale.a2d.search),
        MANUAL: evidence.sizes(results, "joint", "total"),
        RANDOM: evidence.random(results),
    }


def _contest(found: Evidence) -> Agents:
    """Gather final agents of equal total steps; a manual size costs the same for every seed."""
    measured = pd.concat([found.arms["A2D"], found.arms[MANUAL]])
    unknown = measured.query("deployed_ms.isna()")["method"].unique()
    if len(unknown):
        raise UndefinedEffect(f"no deployed latency has been measured of {', '.join(unknown)}")
    return Agents(
        a2d=found.scores("A2D")[..., 0],
        flops=found.values("A2D", "flops")[..., 0],
        latency=found.values("A2D", "deployed_ms")[..., 0],
        manual=found.scores(MANUAL),
        manual_flops=found.values(MANUAL, "flops").mean(axis=0),
        manual_latency=found.values(MANUAL, "deployed_ms").mean(axis=0),
        random=found.scores(RANDOM),
    )


@claim_test(_agents)
def beats_manual_and_random(found: Evidence) -> Decision:
    """C4: on these tasks A2D beats the best manual size and random architectures."""
    return beats_manual(_contest(found))


@claim_test(_agents)
def holds_over_tasks(found: Evidence) -> Decision:
    """C5: the same of tasks like these."""
    return general(_contest(found))


def _on_bench(results: Results) -> Arms:
    searches = evidence.on_bench(results)
    return {
        f"{method} searches on the benchmark": where(searches, search=method)
        for method in ("joint", "cost_only", "vanilla")
    }


@claim_test(_on_bench)
def finds_better_architectures(found: Evidence) -> Decision:
    """C6: where the derived architectures stand among all of a space that were trained alone."""
    if lookups.published() is None:
        raise UndefinedEffect("the benchmark has no table yet; `a2d bench-table publish` makes it")
    return finds_better(*(found.values(arm, "lead")[..., 0] for arm in found.arms))
