"""The tables, recounted: each is a dictionary of rows by what tells them apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator
from itertools import combinations, count
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from tests.checkout import ROOT
from tests.recount.intervals import Array, mean_of_seeds
from tests.recount.names import TAUGHT_BY, agent_name, network_name, random_name, search_name
from tests.recount.plan import read
from tests.recount.records import CLEAR, Recorded, where

Row = dict[str, Any]
Rows = dict[tuple[str, ...], Row]
COSTS = ("flops", "parameters", "latency_ms", "deployed_ms")
OPERATORS = {
    "convolution": [
        *("conv3", "conv5"),
        *(f"inverted{kernel}_e{times}" for kernel in (3, 5) for times in (1, 3, 5)),
        "skip",
    ],
    "dense": [
        *("dense_relu", "dense_tanh"),
        *(f"inverted_{kind}_e{times}" for kind in ("relu", "tanh") for times in (1, 3, 5)),
        "skip",
    ],
}


def summary(rows: pd.DataFrame, prefix: str = "") -> Row:
    """Return a group's mean with its interval, and its counts; a seed's draws count as one."""
    known = rows[rows["score"].notna()]
    seeds = [group["score"].mean() for _, group in known.groupby("seed")]
    found = {
        **mean_of_seeds(seeds),
        "runs": len(known),
        "planned": len(rows),
        "diverged": int((rows["state"] == "diverged").sum()),
    }
    return {f"{prefix}{name}": value for name, value in found.items()}


def _lead(ours: pd.DataFrame, theirs: pd.DataFrame) -> float:
    return float(ours["score"].mean() - theirs["score"].mean())


def _trained(recorded: Recorded, task: str, network: str, mode: str = "none") -> pd.DataFrame:
    same = where(recorded.runs, task=task, stage="manual", budget="train")
    return where(same, network=network, distillation=mode)


def _best(rows: pd.DataFrame, networks: list[str]) -> pd.DataFrame:
    """Return the runs of the size with the highest mean; none where nothing is recorded."""
    means = {network: where(rows, network=network)["score"].mean() for network in networks}
    known = {network: mean for network, mean in means.items() if not math.isnan(mean)}
    if not known:
        return rows.iloc[:0]
    return where(rows, network=max(known, key=lambda network: known[network]))


def size_sweep(recorded: Recorded) -> Rows:
    rows: Rows = {}
    for task in recorded.scale.tasks:
        for network in recorded.scale.networks(task)["every"]:
            runs = _trained(recorded, task, network)
            costs = {name: runs[name].mean() for name in ("flops", "parameters")}
            rows[task, network] = costs | summary(runs)
    return rows


def distillation(recorded: Recorded) -> Rows:
    rows: Rows = {}
    for task in recorded.scale.tasks:
        teacher = where(recorded.runs, task=task, stage="teacher")
        rows[task, "Teacher"] = summary(teacher) | {"lead": math.nan}
        student = recorded.scale.networks(task)["student"]
        alone = _trained(recorded, task, student)
        for mode, name in TAUGHT_BY.items():
            runs = _trained(recorded, task, student, mode)
            lead = math.nan if mode == "none" else _lead(runs, alone)
            rows[task, name] = summary(runs) | {"lead": lead}
    return rows


def pooling(recorded: Recorded) -> Rows:
    rows: Rows = {}
    for task in recorded.scale.tasks:
        for network in recorded.scale.networks(task)["every"]:
            flat = _trained(recorded, task, network)
            pooled = _trained(recorded, task, f"{network}_pooled")
            if len(pooled):
                both = summary(flat, "flattened_") | summary(pooled, "pooled_")
                rows[task, network] = both | {"lead": _lead(pooled, flat)}
    return rows


def a2d_vs_manual(recorded: Recorded) -> Rows:
    rows: Rows = {}
    for name, runs, always in _kinds(recorded):
        for task in recorded.scale.tasks:
            own = where(runs, task=task)
            networks = [network_name(network) for network in own["network"].head(1) if network]
            if always or len(own):
                costs = {cost: own[cost].mean() for cost in COSTS}
                rows[task, ", ".join([name, *networks])] = costs | summary(own)
    return rows


def _kinds(recorded: Recorded) -> Iterator[tuple[str, pd.DataFrame, bool]]:
    """Yield every kind of agent: its name, its runs, and whether it has a row without any."""
    scale, runs = recorded.scale, recorded.runs
    every = {task: scale.networks(task)["every"] for task in scale.tasks}
    best, longer, fixed = [], [], []
    for task, networks in every.items():
        manual = where(runs, task=task, stage="manual")
        alone = where(manual, budget="train", distillation="none")
        taught = where(manual, budget="total", distillation="joint")
        best.append(_best(alone, networks))
        longer.append(_best(taught, networks))
        fixed.append(_trained(recorded, task, scale.networks(task)["student"], "joint"))
    yield "Best manual", pd.concat(best), True
    yield "Fixed manual, distilled training", pd.concat(fixed), False
    yield "Best manual, distilled, equal steps", pd.concat(longer), False
    ways = ["search", "random", "recipe", "distillation", "budget"]
    for way, same in where(runs, stage="derive").groupby(ways, sort=False):
        search, random, recipe, mode, budget = map(str, way)
        if random:
            yield random_name(mode, budget), same, False
        elif search in ("vanilla", "joint", scale.a2d["search"]):
            yield agent_name(scale, search, recipe, mode), same, False


def published(recorded: Recorded) -> Rows:
    """Return our agents on a task, then what others published of it."""
    rows: Rows = {}
    for task in recorded.scale.tasks:
        for name, runs in _ours(recorded, task):
            first = runs["asked"].iloc[0]
            steps = first["steps"] + first["agent"].get("search", {"steps": 0})["steps"]
            found = {"steps": steps, "seeds": runs["seed"].nunique(), **summary(runs)}
            rows[unlike((task, name, "this study"), rows)] = {"spread": math.nan, **found}
    for source in read(ROOT / "workflow" / "published_scores.yaml")["sources"]:
        for found in source["scores"]:
            if found["task"] in recorded.scale.tasks:
                known = {name: found.get(name, math.nan) for name in PUBLISHED}
                key = unlike((found["task"], found["agent"], source["title"]), rows)
                rows[key] = dict.fromkeys(summary(recorded.rows.iloc[:0]), math.nan) | known
    return rows


PUBLISHED = ("score", "spread", "steps", "seeds")


def unlike(key: tuple[str, ...], known: Container[tuple[str, ...]]) -> tuple[str, ...]:
    """Return a key that is not known yet: the second of the same agent's rows has a number."""
    numbered = ((*key[:-1], f"{key[-1]} #{number}") for number in count(2))
    return key if key not in known else next(each for each in numbered if each not in known)


def _ours(recorded: Recorded, task: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the teacher, the best sizes (or all, where nothing is recorded), and A2D."""
    scale, runs = recorded.scale, where(recorded.runs, task=task)
    yield f"Teacher, {network_name(scale.networks(task)['teacher'])}", where(runs, stage="teacher")
    networks = scale.networks(task)["every"]
    titles = {"none": "Best manual", "joint": "Best manual, distilled, equal steps"}
    for (mode, title), budget in zip(titles.items(), ("train", "total"), strict=True):
        sizes = where(runs, stage="manual", distillation=mode, budget=budget)
        sizes = sizes[sizes["network"].isin(networks)]
        best = _best(sizes, networks)
        chosen = best if len(best) else sizes
        names = chosen["network"].unique()
        if len(names):
            yield f"{title}, {network_name(names[0])}" if len(names) == 1 else title, chosen
    search, recipe = scale.a2d["search"], scale.a2d["recipe"]
    trained = where(runs, stage="derive", search=search, recipe=recipe)
    trained = where(trained, distillation="joint", budget="train")
    if len(trained):
        yield agent_name(scale, search, recipe, "joint"), trained


def _ways(recorded: Recorded) -> list[tuple[str, str, str]]:
    """Return the planned searches: task, method and recipe."""
    searches = where(recorded.rows, stage="search")
    return list(dict.fromkeys(searches[["task", "search", "recipe"]].itertuples(index=False)))


def search_methods(recorded: Recorded) -> Rows:
    rows: Rows = {}
    for task, method, recipe in _ways(recorded):
        same = where(recorded.rows, task=task, search=method, recipe=recipe)
        searched = where(same, stage="search")
        trained = where(same, stage="derive", budget="train")
        groups = {
            "searched": searched,
            "derived": where(trained, distillation="none"),
            "distilled": where(trained, distillation="joint"),
        }
        row = {cost: searched[cost].mean() for cost in ("flops", "skips", "steps_done")}
        row["core_hours"] = searched["core_hours"].mean()
        row["share"] = _of_lead(recorded, task, searched["score"].mean())
        for name, runs in groups.items():
            row |= summary(runs, f"{name}_") | {f"{name}_spread": runs["score"].std()}
        rows[task, method, recipe] = row
    return rows


def _of_lead(recorded: Recorded, task: str, score: float) -> float:
    """Return a score's share of what the teacher has above the random policy."""
    teacher, low = recorded.teacher(task), recorded.random.get(task, math.nan)
    lead = teacher["score"] - low
    return (score - low) / lead if lead > CLEAR * teacher["error"] else math.nan


def network_structures(recorded: Recorded) -> Rows:
    rows: Rows = {}
    for task in recorded.scale.tasks:
        for network in recorded.scale.networks(task)["every"]:
            runs = _trained(recorded, task, network)
            rows[task, network_name(network)] = {cost: runs[cost].mean() for cost in COSTS}
        for _, run in where(recorded.rows, task=task, stage="search").iterrows():
            name = search_name(recorded.scale, run["search"], run["recipe"])
            rows[task, f"{name}, seed {run['seed']}"] = {cost: run[cost] for cost in COSTS}
    return rows


def search_signal(recorded: Recorded) -> Rows:
    rows: Rows = {}
    for task, method, recipe in _ways(recorded):
        runs = where(recorded.rows, task=task, stage="search", search=method, recipe=recipe)
        known = runs[runs["found"].map(lambda search: isinstance(search, dict))]
        seen = [_seen(run["found"], run["asked"]) for _, run in known.iterrows()]
        means = {name: _mean(each.get(name, math.nan) for each in seen) for name in SEEN}
        rests = [each["rest"] for each in seen if "rest" in each]
        pairs = (_correlation(*pair) for pair in combinations(rests, 2))
        rows[task, method, recipe] = means | {"agreement": _mean(pairs), "n": len(known)}
    return rows


SEEN = ("entropy", "largest", "t", "by_cost")


def _mean(values: Iterator[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _seen(search: Row, asked: Row) -> Row:
    """Return what one search's record says of its preferences."""
    found: Row = {}
    if search["alpha"] is not None:
        chances = special.softmax(search["alpha"], axis=1)
        found["entropy"] = np.mean(stats.entropy(chances, axis=1, base=chances.shape[1]))
        found["largest"] = chances.max(axis=1).mean()
    if search.get("gradient_t") is not None:
        found["t"] = math.sqrt(np.mean(np.square(search["gradient_t"])))
    if search.get("operator_flops") is not None:
        preferred = _preferences(search, asked)
        flops = np.where(np.isnan(preferred), np.nan, np.array(search["operator_flops"], float))
        y, x = (each - np.nanmean(each, axis=1, keepdims=True) for each in (preferred, flops))
        known = ~np.isnan(y)
        slope = np.linalg.lstsq(x[known][:, None], y[known], rcond=None)[0][0]
        found["rest"] = y - slope * x
        found["by_cost"] = math.nan
        if y[known].any():
            found["by_cost"] = 1 - np.sum(found["rest"][known] ** 2) / np.sum(y[known] ** 2)
    return found


def _preferences(search: Row, asked: Row) -> Array:
    """Return alpha, or the mean score of the trials that had an operator in a cell."""
    if search["alpha"] is not None:
        return np.array(search["alpha"])
    architecture = search["architecture"]
    names = asked["search"].get("candidates") or OPERATORS[architecture["space"]]
    trials = [trial for trial in search["trials"] if trial["score"] is not None]
    cells = range(len(architecture["operators"]))
    chosen = [
        [[each["score"] for each in trials if each["operators"][cell] == name] for name in names]
        for cell in cells
    ]
    return np.array([[np.mean(each) if each else math.nan for each in cell] for cell in chosen])


def _correlation(first: Array, second: Array) -> float:
    known = ~np.isnan(first + second)
    a, b = first[known], second[known]
    if len(a) < 3 or not np.ptp(a) or not np.ptp(b):
        return math.nan
    return float(stats.pearsonr(a, b).statistic)


TABLES: dict[str, tuple[tuple[str, ...], Callable[[Recorded], Rows]]] = {
    "size_sweep": (("task", "network"), size_sweep),
    "distillation": (("task", "taught_by"), distillation),
    "pooling": (("task", "network"), pooling),
    "a2d_vs_manual": (("task", "agent"), a2d_vs_manual),
    "search_methods": (("task", "search", "recipe"), search_methods),
    "search_signal": (("task", "search", "recipe"), search_signal),
    "network_structures": (("task", "network"), network_structures),
    "published": (("task", "agent", "source"), published),
}
