"""What README.md and docs/results.md say of what A2D reaches on the scale `study`."""

from __future__ import annotations

from functools import lru_cache

from tests.recount.arms import Arms
from tests.recount.arms import agents as agents_of
from tests.recount.goal import goal
from tests.recount.intervals import Effect, of_seeds
from tests.recount.quotations import BREAKOUT, INVADERS, NUMBERS, README, RESULTS, quoted, tenth
from tests.recount.records import where
from tests.recount.study_prose import (
    CHEETAH,
    PENDULUM,
    SWIMMER,
    WALKER,
    derived,
    numeral,
    part,
    power,
    study,
)
from tests.recount.tables import Rows


@lru_cache
def agents() -> Arms:
    return agents_of(study())


@lru_cache
def reached() -> Rows:
    return goal(study())


def nowhere() -> list[str]:
    """Return on how many tasks A2D reaches the goal, and of how many."""
    met = [row["reached"] for row in reached().values()]
    return ["none" if sum(met) == 0 else NUMBERS[int(sum(met))], NUMBERS[len(met)]]


def ours(task: str) -> list[str]:
    """Return the means of what the claims call A2D and of the best manual network."""
    row = reached()[(task,)]
    return [numeral(row["score"]), numeral(row["score"] - row["over_manual"])]


def share(task: str, of: str) -> list[str]:
    """Return A2D's share of the best manual network's FLOPs or latency."""
    return [f"{reached()[(task,)][f'{of}_share']:.2f}"]


def games() -> list[str]:
    """Return A2D's mean, its shares of FLOPs and latency, and the best manual mean, by game."""
    said = []
    for task in (BREAKOUT, INVADERS):
        own, best = ours(task)
        said += [own, *share(task, "flops"), *share(task, "deployed_ms"), best]
    return said


def slower() -> list[str]:
    """Return the least and the greatest share of the best MLP's latency that A2D takes."""
    shares = [reached()[(task,)]["deployed_ms_share"] for task in SIX[2:]]
    return [tenth(min(shares)), tenth(max(shares))]


def saved(name: str) -> list[str]:
    """Return by which factor A2D saves a cost, with its interval."""
    return part("C4", f"{name}, manual to A2D")


def no_dearer() -> list[str]:
    """Return on how many tasks an MLP-64 scores as much as A2D for no more FLOPs."""
    means = where(agents()["manual"], network="mlp64").groupby("task")[["score", "flops"]].mean()
    own = agents()["A2D"].groupby("task")[["score", "flops"]].mean().loc[means.index]
    good = (means["score"] >= own["score"]) & (means["flops"] <= own["flops"])
    assert set(good.index[good]) == {CHEETAH, WALKER, PENDULUM}
    return [NUMBERS[good.sum()]]


def drawn(*tasks: str) -> list[str]:
    """Return the means of random architectures of A2D's FLOPs."""
    rows = [reached()[(task,)] for task in tasks]
    return [numeral(row["score"] - row["over_random"]) for row in rows]


def as_random() -> list[str]:
    """Return on how many tasks A2D's scores and random architectures' are not clearly unlike."""
    unlike = [task for task in study().scale.tasks if not _alike(task)]
    assert unlike == [PENDULUM]
    return [NUMBERS[len(study().scale.tasks) - len(unlike)]]


def over_random(task: str) -> list[str]:
    effect = _lead(task)
    return [numeral(end) for end in (effect.estimate, effect.low, effect.high)]


def _alike(task: str) -> bool:
    effect = _lead(task)
    return effect.low <= 0 <= effect.high


def _lead(task: str) -> Effect:
    """Return by how much A2D leads random architectures, whose draws count as one."""
    scores = []
    for arm in ("A2D", "random"):
        means = where(agents()[arm], task=task).groupby("seed")["score"].mean()
        scores.append(means.to_numpy()[:, None])
    return of_seeds("lead", *scores)


def recording() -> list[str]:
    hours = study().runs["core_hours"].sum()
    return [f"{len(study().runs):,}", f"{hours:.1f}"]


MANUAL, RANDOM = "score − manual", "score − random"
SIX = (BREAKOUT, INVADERS, CHEETAH, WALKER, PENDULUM, SWIMMER)
ON_GOAL = [
    (README, quoted("hand leads A2D's by {} [{}, {}], which alone",
                    lambda: part("C4", MANUAL, against=True))),
    (README, quoted("of their FLOPs lead them by {} [{}, {}] |",
                    lambda: part("C4", RANDOM, against=True))),
    (README, quoted("to speak of others: {} [{}, {}] |", lambda: part("C5", MANUAL))),
    (README, quoted("**It is met on {} of {} tasks**", nowhere)),
    (README, quoted("score {} with {} of the FLOPs and {} of the latency of a ResNet-20, which has "
                    "{}, and {} with {} and {} of a ResNet-14's, which has {};", games)),
    (README, quoted("of the same FLOPs have {} and {},", lambda: drawn(BREAKOUT, INVADERS))),
    (README, quoted("Those {} runs took {} core-hours", recording)),
    (RESULTS, quoted("would take: {1} for `study`", recording)),
    ("docs/reproducibility_checklist.md", quoted("{1} core-hours for `study`", recording)),
    (RESULTS, quoted("scores more than A2D's agents by {} [{}, {}] of the teacher's lead",
                     lambda: part("C4", MANUAL, against=True))),
    (RESULTS, quoted("say too little ({} [{}, {}])", lambda: part("C5", MANUAL))),
    (RESULTS, quoted("**inconclusive**, with a power of {}.", lambda: power("C5", MANUAL))),
    (RESULTS, quoted("is reached on {} of the {} tasks", nowhere)),
    (RESULTS, quoted("score {} with {} of the FLOPs and {} of the latency of a ResNet-20, which "
                     "has {}, and on Space Invaders {} with {} and {} of a ResNet-14's, which "
                     "has {}.",
                     games)),
    (RESULTS, quoted("(an MLP-64) and have {} to its {};", lambda: ours(CHEETAH))),
    (RESULTS, quoted("on Walker2d {} to an MLP-128's {};", lambda: ours(WALKER))),
    (RESULTS, quoted("where teaching harms, {} to {}.", lambda: ours(PENDULUM))),
    (RESULTS, quoted("do not clearly differ on {} tasks", as_random)),
    (RESULTS, quoted("({} on Breakout, {} on Space Invaders, {} on Walker2d)",
                     lambda: drawn(BREAKOUT, INVADERS, WALKER))),
    (RESULTS, quoted("score more on InvertedDoublePendulum ({})", lambda: drawn(PENDULUM))),
    (RESULTS, quoted("(its power for a lead of 0.1 is {})", lambda: power("C4", MANUAL))),
    (RESULTS, quoted("by a factor of {} [{}, {}], and of latency", lambda: saved("FLOPs"))),
    (RESULTS, quoted("of latency little: {} [{}, {}],", lambda: saved("latency"))),
    (RESULTS, quoted("On these {} a taught MLP-64 scores as much", no_dearer)),
    (README, quoted("they take {} to {} times the latency of the best MLP", slower)),
    (RESULTS, quoted("of ten seeds the lead there is {} [{}, {}].", lambda: over_random(BREAKOUT))),
    (RESULTS, quoted("over all {} [{}, {}] more", lambda: part("C4", RANDOM, against=True))),
    (RESULTS, quoted("scores {}, {}, {}, {}, {} and {} on the six tasks",
                     lambda: [score for task in SIX for score in derived(task, "joint")])),
]  # fmt: skip
