"""The claims ledger, recounted: what each claim finds, and the verdicts.

To add a claim, write what it compares (arms: rows of runs by name) and what it finds on them, and
name both in ``CLAIMS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tests.recount import arms, bench
from tests.recount.arms import Arms, Compared, Unknown
from tests.recount.intervals import FEWEST, Array, Effect, of_seeds, of_tasks, rates
from tests.recount.permutation import interaction
from tests.recount.records import Recorded
from tests.recount.verdicts import Said, after_holm, either, every

FAILED = 3  # standard errors by which a search must beat the random policy


def _left_out(scores: Array) -> tuple[Array, Array]:
    """Return what the size that the other seeds score highest gets with the seed left out.

    (seeds, tasks, parts) → scores and the sizes chosen, both (seeds, tasks).
    """
    seeds, tasks, _ = scores.shape
    chosen = np.empty((seeds, tasks), dtype=int)
    for seed in range(seeds):
        chosen[seed] = np.delete(scores, seed, axis=0).mean(axis=0).argmax(axis=1)
    picked = [[scores[s, t, chosen[s, t]] for t in range(tasks)] for s in range(seeds)]
    return np.array(picked), chosen


def optimum(found: Compared) -> Said:
    """C1."""
    scores = found.normalised("sizes")
    seeds, tasks, sizes = scores.shape
    if sizes < 3 or seeds < 2:
        raise Unknown("no size lies between the ends, or no seed can be left out")
    best, parts = _left_out(scores[:, :, 1:-1])[0], []
    for name, end in (("smallest", 0), ("largest", -1)):
        title, leads = f"the best size between the ends over the {name}", best - scores[:, :, end]
        effect = of_tasks(title, leads.mean(axis=0), seeds)
        if tasks < FEWEST:
            effect = of_seeds(title, leads, held_out=True)
        parts.append(effect)
    if tasks == 1:
        return every("An optimal size, on one task", parts)
    means = scores.mean(axis=0)
    common = [np.delete(means, task, axis=0).sum(axis=0).argmax() for task in range(tasks)]
    lead = _left_out(scores)[0] - scores[:, range(tasks), common]
    parts.append(of_seeds("a task's own best size over the other tasks'", lead, held_out=True))
    gate = interaction(scores)
    return every("An optimal size that differs between tasks", parts, gate)


def _stability(found: Compared, method: str) -> Said:
    failed, derived = [], []
    random = np.array([found.recorded.random.get(task, math.nan) for task in found.tasks])
    for each in (method, "joint"):
        scores = found.values(f"{each} searches")[..., 0]
        errors = found.values(f"{each} searches", "error")[..., 0]
        failed.append(~(scores - random > FAILED * errors))
        derived.append(found.values(f"{each} agents")[..., 0])
    parts = [rates("share of failed searches", *failed)]
    deviations = [np.std(scores, axis=0, ddof=1) for scores in derived]
    learn = np.all([each.sum(axis=0) * 2 < len(each) for each in failed], axis=0)
    learn &= np.all([each > 0 for each in deviations], axis=0)
    if learn.sum() >= FEWEST:
        ratios = np.log(deviations[0][learn]) - np.log(deviations[1][learn])
        name, seeds = "spread of the derived scores", min(map(len, derived))
        effect = of_tasks(name, ratios, seeds, delta=math.log(1.5))
        parts.append(replace(effect, ratio=True))
    return either(f"The {method} search is less stable than the joint one", parts)


def without_a_teacher(found: Compared) -> Said:
    """C2."""
    return _stability(found, "vanilla")


def heads(found: Compared) -> Said:
    """C3."""
    scores = {mode: found.normalised(mode)[..., 0] for mode in ("none", "joint", "actor", "critic")}
    taught = found.normalised("teacher")[0, :, 0] > scores["none"].mean(axis=0)
    if not taught.any():
        raise Unknown("there is nothing to teach")
    parts: list[Effect | Said] = [
        of_seeds(f"joint − {head}-only", scores["joint"][:, taught], scores[head][:, taught])
        for head in ("actor", "critic")
    ]
    parts += [_stability(found, head) for head in ("actor", "critic")]
    return every("Both heads teach better than either", parts)


def agents(found: Compared, over_tasks: bool) -> Said:
    """C4, over seeds; C5, over tasks."""
    manual, chosen = _left_out(found.normalised("manual"))
    ours, drawn = found.normalised("A2D")[..., 0], found.normalised("random").mean(axis=2)
    parts = []
    for name, others in (("manual", manual), ("random", drawn)):
        effect = of_seeds(f"score − {name}", ours, others, held_out=name == "manual")
        if over_tasks:
            lead = ours.mean(axis=0) - others.mean(axis=0)
            effect = of_tasks(f"score − {name}", lead, min(len(ours), len(others)))
        parts.append(effect)
    for name, column in (("FLOPs", "flops"), ("latency", "deployed_ms")):
        cost = found.values("A2D", column)[..., 0]
        costs = found.values("manual", column).mean(axis=0)
        logs = [np.log(costs[range(len(costs)), sizes]) for sizes in chosen]
        saved, title = np.mean(logs, axis=0) - np.log(cost), f"{name}, manual to A2D"
        effect = of_seeds(title, saved, delta=math.log(1.1))
        if over_tasks:
            means, seeds = saved.mean(axis=0), min(len(cost), len(chosen))
            effect = of_tasks(title, means, seeds, delta=math.log(1.1))
        parts.append(replace(effect, ratio=True))
    kind = "tasks like these" if over_tasks else "these tasks"
    return every(f"A2D beats manual and random agents on {kind}", parts)


@dataclass(frozen=True)
class Claim:
    """What a claim compares, and what it finds."""

    needs: Callable[[Recorded], Arms]
    find: Callable[[Compared], Said]


CLAIMS = {
    "C1": Claim(arms.sweep, optimum),
    "C2": Claim(lambda recorded: arms.searched(recorded, "vanilla", "joint"), without_a_teacher),
    "C3": Claim(arms.heads, heads),
    "C4": Claim(arms.agents, lambda found: agents(found, over_tasks=False)),
    "C5": Claim(arms.agents, lambda found: agents(found, over_tasks=True)),
    "C6": Claim(bench.searched, bench.finds_better),
}


def ledger(recorded: Recorded) -> dict[str, list[dict[str, object]]]:
    """Return the rows of every claim: its own, then its parts'."""
    compared = {name: Compared(recorded, each.needs(recorded)) for name, each in CLAIMS.items()}
    said = {name: measured(name, found) for name, found in compared.items()}
    asked = {claim["claim"]: claim for claim in recorded.scale.claims}
    decided = {
        name: found
        for name, found in said.items()
        if found is not None and _enough(compared[name], asked[name])
    }
    final = after_holm(decided, len(asked))
    rows = {}
    for name, found in said.items():
        own = {"part": "", "verdict": "inconclusive", **compared[name].counts()}
        if name in final:
            own["verdict"] = final[name].verdict
        rows[name] = [own]
        if found is not None:
            rows[name] = [own | found.effect.row(), *_parts(found)]
    return rows


def measured(name: str, found: Compared) -> Said | None:
    """Return what a claim's test says of what it compares; None where it cannot."""
    if not found.tasks or found.runs["score"].isna().any():
        return None
    try:
        return CLAIMS[name].find(found)
    except Unknown:
        return None


def _enough(found: Compared, claim: dict[str, int]) -> bool:
    counts = found.counts()
    seeds, tasks = max(claim["minimum_seeds"], FEWEST), claim["minimum_tasks"]
    return counts["fewest_seeds"] >= seeds and counts["tasks"] >= tasks


def _parts(said: Said) -> Iterator[dict[str, object]]:
    for part in said.parts:
        yield {"part": part.name, "verdict": part.verdict, **part.effect.row()}
        if isinstance(part, Said):
            yield from _parts(part)
