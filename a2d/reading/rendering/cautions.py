"""Cautions that a reader needs beside a study's numbers, from its records and settings."""

from __future__ import annotations

import json
from collections import defaultdict

import pandas as pd

from a2d.reading.rendering.text import number
from a2d.reading.results import TUNED, Results, network_of, where
from a2d.specs.run import SearchSpec, identity
from a2d.specs.search import GumbelSettings, ImitationSettings

# How much intervals cover is simulated: docs/claims.md, 'Intervals in tables and figures'.
T_INTERVALS = (
    "95 % t intervals over seeds (by simulation they cover 94 to 97 %, of skewed scores 91 to 93 %)"
)
BOOTSTRAP = (
    "Bars and pointwise bands, from three seeds on: stratified bootstrap over seeds of 95 %, which "
    "by simulation covers 85 to 92 % with three seeds, 90 to 93 % with five, 92 to 94 % with ten; "
    "no claim is decided by it."
)
RECORDED_LATENCY = (
    "Latency: milliseconds of one decision in eager PyTorch, batch 1, one thread; the lowest over "
    "all records of the same network on the task, as runs side by side slow each other down. "
    "Deployed latency is not measured yet: `a2d latency` does so."
)
RANDOM = (
    "Random architectures are drawn until the FLOPs of their cells differ from those of A2D's "
    "cells by at most 10 %; where 2,000 draws give none, the nearest is taken. Tasks of one kind "
    "share their draws."
)
IMITATION = (
    "In a search by imitation the teacher plays, so that it has no return of its own; its searched "
    "score is that of the derived architecture after the few hundred updates that it was chosen by."
)
NAMED = 4  # groups of runs that came to the same; a caption counts the others
BI_LEVEL = (
    "Bi-level search updates weights and α in turn, so that each gets half the updates of the "
    "other methods."
)


def latency(results: Results) -> str:
    """Return how the latencies that a table shows were measured, and where."""
    said = RECORDED_LATENCY
    if results.deployed.processor:
        said = (
            "Latency: milliseconds of one decision, batch 1, one thread, in eager PyTorch and as "
            "deployed, in ONNX Runtime; medians of networks measured in turns on one "
            f"{results.deployed.processor}."
        )
    return f"{said} One multiply-accumulate is two FLOPs."


def _alike(results: Results, rows: pd.DataFrame) -> list[list[str]]:
    """Return the keys of these rows' runs that trained the same network alike, group by group."""
    groups = defaultdict(list)
    for key in rows["key"]:
        record = results.records.get(key)
        if record is None or record.search is not None:
            continue
        asked = identity(record.spec)
        asked["spec"].pop("agent")
        groups[network_of(record), json.dumps(asked["spec"], sort_keys=True)].append(key)
    return [keys for keys in groups.values() if len(keys) > 1]


def twins(results: Results, rows: pd.DataFrame) -> str:
    """Return the sentence on runs that are one result counted more than once, '' if there are none.

    Two ways to search can derive the same architecture; with the same seed and the same training,
    that is one run.
    """
    texts, groups = [], _alike(results, rows.drop_duplicates("key"))
    for keys in groups[:NAMED]:
        runs = [results.study.runs[key] for key in keys]
        names = " and ".join(run.method for run in runs)
        scores = " and ".join(dict.fromkeys(number(results.records[key].score) for key in keys))
        spec = runs[0].spec
        texts.append(f"{results.title(spec.task.name)}, seed {spec.seed}: {names} (score {scores})")
    if not texts:
        return ""
    if len(groups) > NAMED:
        texts.append(f"and {len(groups) - NAMED} groups more, whose records have one design each")
    return (
        "The same architecture, derived by different searches and trained with the same seed in "
        "the same way, is one result that counts as evidence for each of them: "
        f"{'; '.join(texts)}."
    )


def alpha_rate(results: Results) -> str:
    """Return the sentence on a learning rate of α that is not the paper's, '' if there is none."""
    usual = GumbelSettings.model_fields["architecture_learning_rate"].default
    keys = where(results.runs, stage="search", recipe="paper")["key"]
    specs = (results.study.runs[key].spec for key in keys)
    searches = (spec.search for spec in specs if isinstance(spec, SearchSpec))
    rates = {
        search.architecture_learning_rate
        for search in searches
        if isinstance(search, GumbelSettings)
    } - {usual}
    if not rates:
        return ""
    named = ", ".join(f"{rate:g} ({rate / usual:g} times {usual:g})" for rate in sorted(rates))
    return (
        f"α learns at another rate than the paper's here, {named}: "
        "'paper's recipe' means all the rest of it."
    )


def tuned(results: Results) -> str:
    """Return what the mark of tasks means on which settings were chosen, '' without any."""
    if results.study.scale.tuned:
        return f"{TUNED} Settings were chosen on this task, on seeds that no scale reports."
    return ""


def a2d(results: Results) -> str:
    """Return the sentence on what the claims call A2D at this scale."""
    named, methods = results.study.scale.a2d, results.study.methods
    return (
        f"What the claims call A2D: the search '{methods.search[named.search].title}' by the "
        f"recipe '{methods.recipes[named.recipe].title}', its result trained with joint "
        "distillation."
    )


def plays_itself(results: Results, key: str) -> bool:
    """Return whether the training episodes of a search are its own, not its teacher's."""
    spec = results.study.runs[key].spec
    return not (isinstance(spec, SearchSpec) and isinstance(spec.search, ImitationSettings))


def imitation(results: Results, rows: pd.DataFrame) -> str:
    """Return the sentence on searches by imitation if these rows show any."""
    if all(plays_itself(results, key) for key in where(rows, stage="search")["key"]):
        return ""
    return IMITATION


def random(rows: pd.DataFrame) -> str:
    """Return the sentence on random architectures if these rows show any."""
    if rows["random"].fillna("").astype(bool).any():
        return RANDOM
    return ""


def bi_level(rows: pd.DataFrame) -> str:
    """Return the sentence on bi-level search if these rows show it."""
    if rows["search"].eq("bilevel").any():
        return BI_LEVEL
    return ""
