"""What README.md and docs/results.md say of the scale `study`."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from tests.recount.arms import Compared, heads
from tests.recount.intervals import Array, Effect, of_seeds
from tests.recount.ledger import CLAIMS, FAILED, ledger, measured
from tests.recount.quotations import (
    BREAKOUT,
    INVADERS,
    NUMBERS,
    README,
    RESULTS,
    quoted,
    recorded,
    tenth,
)
from tests.recount.records import Recorded, where
from tests.recount.tables import Rows, distillation, pooling, size_sweep

CHEETAH, WALKER, SWIMMER = "mujoco-half_cheetah", "mujoco-walker2d", "mujoco-swimmer"
PENDULUM = "mujoco-inverted_double_pendulum"
BOTH, ACTOR = "Actor and critic (joint)", "Actor only"
PAPERS = ("C1", "C2", "C3", "C4", "C5")


def study() -> Recorded:
    return recorded("study")


@lru_cache
def fixed() -> Rows:
    return distillation(study())


@lru_cache
def sizes() -> Rows:
    return size_sweep(study())


def numeral(value: float) -> str:
    """Return a score as it is quoted: whole from a hundred on."""
    said = f"{value:,.0f}" if abs(value) >= 100 else tenth(value)
    return said.replace("-", "−")


def taught(task: str, *by: str) -> list[str]:
    return [numeral(fixed()[task, name]["score"]) for name in by]


def shares() -> list[str]:
    """Return what share of a teacher's lead students reach where there is something to teach."""
    arms = {name: rows for name, rows in heads(study()).items() if " " not in name}
    tasks = [
        task
        for task in study().scale.tasks
        if fixed()[task, "Teacher"]["score"] > fixed()[task, "No teacher"]["score"]
    ]
    assert len(tasks) == 5 and PENDULUM not in tasks
    kept = {name: rows[rows["task"].isin(tasks)] for name, rows in arms.items()}
    compared = Compared(study(), kept)
    return [
        f"{100 * np.mean(compared.normalised(arm)):.0f} %"
        for arm in ("actor", "joint", "none", "critic")
    ]


def best_sizes() -> list[str]:
    """Return on how many tasks the largest size is best, and the ends' means where it is not."""
    of_task = {
        task: [row["score"] for (name, _), row in sizes().items() if name == task]
        for task in study().scale.tasks
    }
    largest = [task for task, means in of_task.items() if means[-1] == max(means)]
    assert set(of_task) - set(largest) == {PENDULUM}
    assert of_task[PENDULUM][-2] == max(of_task[PENDULUM])
    assert not any(_lead(task, name, _largest(task)).low > 0 for task, name in sizes())
    return [NUMBERS[len(largest)].capitalize(), *map(numeral, of_task[PENDULUM][-2:])]


def _lead(task: str, network: str, other: str) -> Effect:
    """Return by how much one network leads another one, both without a teacher."""
    return of_seeds("lead", _alone(task, network), _alone(task, other))


def _largest(task: str) -> str:
    return str(study().scale.networks(task)["every"][-1])


def _alone(task: str, network: str) -> Array:
    """Return the scores of all seeds of a network without a teacher, (seeds, 1)."""
    alone = where(study().runs, task=task, stage="manual", budget="train", distillation="none")
    return where(alone, network=network)[["score"]].to_numpy()


def level() -> list[str]:
    """Return the means of a small and of the largest size on Space Invaders, and their costs."""
    small, large = sizes()[INVADERS, "resnet8_w8"], sizes()[INVADERS, "resnet20"]
    times = NUMBERS[round(large["flops"] / small["flops"])]
    return [tenth(small["score"]), times, tenth(large["score"])]


def pooled() -> list[str]:
    """Return the least and the greatest loss by averaging features, and how many are clear."""
    rows = pooling(study())
    losses = {
        game: sorted(-row["lead"] for (task, _), row in rows.items() if task == game)
        for game in (BREAKOUT, INVADERS)
    }
    clear = [_lead(task, f"{network}_pooled", network).high < 0 for task, network in rows]
    ends = [tenth(each[place]) for each in losses.values() for place in (0, -1)]
    return [*ends, NUMBERS[sum(clear)], NUMBERS[len(clear)]]


def saved() -> list[str]:
    """Return the least and the greatest share of parameters that averaging features takes away."""
    count = study().runs.groupby(["task", "network"])["parameters"].first()
    shares = [
        1 - count[task, f"{name}_pooled"] / count[task, name] for task, name in pooling(study())
    ]
    return [f"{100 * share:.0f}" for share in (min(shares), max(shares))]


def of_largest(task: str) -> list[str]:
    row = sizes()[task, _largest(task)]
    return [numeral(row[name]) for name in ("score", "low", "high")]


def as_many() -> list[str]:
    """Return how many seeds the fixed network has with each head or both, and without a teacher."""
    counts = {
        name: {row["runs"] for (_, each), row in fixed().items() if each == name}
        for name in (ACTOR, "Critic only", BOTH, "No teacher")
    }
    (alone,), (taught,) = counts.pop("No teacher"), set().union(*counts.values())
    return [NUMBERS[taught], NUMBERS[alone]]


def harms() -> list[str]:
    """Say whether on InvertedDoublePendulum all that teaches leaves less than no teacher does."""
    means = {name: row["score"] for (task, name), row in fixed().items() if task == PENDULUM}
    alone = means.pop("No teacher")
    return ["every" if max(means.values()) < alone else "not every"]


def of_recipe(recipe: str, form: str, *tasks: str) -> list[str]:
    """Return the means of searches without and with a teacher."""
    searches = where(study().runs, stage="search", recipe=recipe)
    return [
        f"{where(searches, task=task, search=method)['score'].mean():{form}}"
        for task in tasks
        for method in ("vanilla", "joint")
    ]


@lru_cache
def rulings() -> dict[str, list[dict[str, Any]]]:
    return ledger(study())


def verdict(claim: str) -> str:
    """Return a claim's verdict in the ledger, for which no run may be missing."""
    own = rulings()[claim][0]
    assert not own["missing"], claim
    return str(own["verdict"])


def _part(claim: str, name: str) -> dict[str, Any]:
    (row,) = [each for each in rulings()[claim] if each["part"] == name]
    return row


def part(claim: str, name: str, against: bool = False) -> list[str]:
    """Return a part's estimate with its interval's ends, or those of its opposite."""
    row = _part(claim, name)
    ends = [row["estimate"], row["low"], row["high"]]
    if against:
        ends = [-row["estimate"], -row["high"], -row["low"]]
    return [f"{end:.2f}".replace("-", "−") for end in ends]


def searched(**equal: str) -> pd.DataFrame:
    """Return rows of searches by the recipe with a shortcut, or of what they derived."""
    return where(study().rows, recipe="shortcut", **equal)


def no_better() -> list[str]:
    """Return how many searches are no better than random, and of how many, without and with."""
    counts = []
    for method in ("vanilla", "joint"):
        rows = searched(stage="search", search=method)
        random = rows["task"].map(study().random)
        counts += [int((rows["score"] <= random + FAILED * rows["error"]).sum()), len(rows)]
    return [str(count) for count in counts]


def played(task: str, *methods: str) -> list[str]:
    """Return the means of what was searched."""
    return [_mean(searched(stage="search", task=task, search=method)) for method in methods]


def derived(task: str, *methods: str) -> list[str]:
    """Return the means of what was derived, after training with both heads."""
    rows = searched(stage="derive", task=task, distillation="joint", budget="train")
    return [_mean(where(rows, search=method)) for method in methods]


def _mean(rows: pd.DataFrame) -> str:
    return numeral(rows["score"].mean())


def better_played() -> list[str]:
    """Return on how many tasks searched networks score more with a teacher.

    Of how many; and on how many both heads' lead is clear.
    """
    means = searched(stage="search").pivot_table("score", "task", "search")
    more = means[["joint", "actor"]].min(axis=1) > means["vanilla"]
    clear = []
    for task in means.index:
        rows = searched(stage="search", task=task)
        scores = [where(rows, search=each)[["score"]].to_numpy() for each in ("joint", "vanilla")]
        clear.append(of_seeds("lead", *scores).low > 0)
    return [NUMBERS[more.sum()], NUMBERS[len(more)], NUMBERS[sum(clear)]]


def helped() -> list[str]:
    """Return on how many tasks a teacher's actor makes the fixed network score more."""
    more = [
        fixed()[task, ACTOR]["score"] > fixed()[task, "No teacher"]["score"]
        for task in study().scale.tasks
    ]
    return [NUMBERS[sum(more)], NUMBERS[len(more)]]


def verdicts() -> list[str]:
    """Return how often each verdict falls on the paper's claims; none of them is supported.

    And which of those that stay open are decided before the correction over all claims.
    """
    found = {name: verdict(name) for name in PAPERS}
    counts = Counter(found.values())
    said = [counts.pop(each, 0) for each in ("contradicted", "equivalent", "inconclusive")]
    assert not counts
    decided = [name for name in PAPERS if found[name] == "inconclusive" != _uncorrected(name)]
    return [*(NUMBERS[count] for count in said), NUMBERS[len(decided)], *decided]


def _uncorrected(claim: str) -> str:
    """Return a claim's verdict before the correction over all claims."""
    said = measured(claim, Compared(study(), CLAIMS[claim].needs(study())))
    assert said is not None
    return said.verdict


def power(claim: str, name: str) -> list[str]:
    return [f"{100 * _part(claim, name)['power']:.0f} %"]


TAUGHT = ("vanilla", "joint", "actor")
ALIKE = "spread of the derived scores"
GAMES = (CHEETAH, SWIMMER, INVADERS)
ON_STUDY = [
    (README, quoted("{} is contradicted, {} is refuted as negligible, {} stay open, of which {}, "
                    "{} and {}, would be refuted", verdicts)),
    (README, quoted("helps a small network on {} of the {};", helped)),
    (RESULTS, quoted("0.1 over the largest is {})",
                     lambda: power("C1", "the best size between the ends over the largest"))),
    (README, quoted("better than both do, by {} [{}, {}]. The critic's weight",
                    lambda: part("C3", "joint − actor-only", against=True))),
    (RESULTS, quoted("it leads both heads by {} [{}, {}] of the teacher's lead",
                     lambda: part("C3", "joint − actor-only", against=True))),
    (README, quoted("over the one that all other tasks choose ({} [{}, {}])",
                    lambda: part("C1", "a task's own best size over the other tasks'"))),
    (README, quoted("{} of {} searches is no better than random without a teacher, and {} of {} "
                    "with one;", no_better)),
    (RESULTS, quoted("{} of {} searches is no better than random without a teacher, and {} of {} "
                     "with both heads", no_better)),
    (README, quoted("scatters alike (×{} [{}, {}])", lambda: part("C2", ALIKE))),
    (RESULTS, quoted("over seeds is ×{} [{}, {}] without a teacher", lambda: part("C2", ALIKE))),
    (RESULTS, quoted("On {} of {} tasks a teacher makes the network that is searched play better, "
                     "clearly so with both heads on {}:", better_played)),
    (RESULTS, quoted("on HalfCheetah it scores {} without a teacher, {} with both heads and {} "
                     "with the actor;", lambda: played(CHEETAH, *TAUGHT))),
    (RESULTS, quoted("on Swimmer {}, {} and {}; on Space Invaders {}, {} and {}.",
                     lambda: [*played(SWIMMER, *TAUGHT), *played(INVADERS, *TAUGHT)])),
    (RESULTS, quoted("that scores {}, {} and {} on HalfCheetah, {}, {} and {} on Swimmer, and "
                     "{}, {} and {} on Space Invaders;",
                     lambda: [mean for task in GAMES for mean in derived(task, *TAUGHT)])),
    (RESULTS, quoted("the cost term alone derives, cheaper on the first two, {}, {} and {}",
                     lambda: [mean for task in GAMES for mean in derived(task, "cost_only")])),
    (RESULTS, quoted("to {} of the teacher's lead over the random policy with the actor, to {} "
                     "with both heads, to {} without a teacher, and to {} with the critic alone",
                     shares)),
    (RESULTS, quoted("{} seeds each, {} without a teacher", as_many)),
    (RESULTS, quoted("{} kind of teaching harms", harms)),
    (RESULTS, quoted("Swimmer's largest owes it to one seed (mean {} [{}, {}])",
                     lambda: of_largest(SWIMMER))),
    (RESULTS, quoted("takes away {} to {} % of all parameters", saved)),
    (RESULTS, quoted("Space Invaders ({} against {})", lambda: taught(INVADERS, ACTOR, BOTH))),
    (RESULTS, quoted("Walker2d ({} against {})", lambda: taught(WALKER, ACTOR, BOTH))),
    (RESULTS, quoted("Breakout ({} against {})", lambda: taught(BREAKOUT, ACTOR, BOTH))),
    (RESULTS, quoted("HalfCheetah ({} against {})", lambda: taught(CHEETAH, ACTOR, BOTH))),
    (RESULTS, quoted("both reach their teacher's {}", lambda: taught(SWIMMER, "Teacher"))),
    (RESULTS, quoted("the teacher has {} and untaught students {},",
                     lambda: taught(PENDULUM, "Teacher", "No teacher"))),
    (RESULTS, quoted("{} tasks have their best mean at the largest network, "
                     "InvertedDoublePendulum at the next ({} against {})", best_sizes)),
    (RESULTS, quoted("a ResNet-8 of width 8 has {}, and a ResNet-20 of {} times its FLOPs {}.",
                     level)),
    (RESULTS, quoted("{} to {} on Breakout and {} to {} on Space Invaders (the interval is below 0 "
                     "at {} of {} sizes)", pooled)),
    (RESULTS, quoted("scores {} without a teacher and {} with one on Breakout",
                     lambda: of_recipe("paper", ".2f", BREAKOUT))),
    (RESULTS, quoted("and {} and {} on Space Invaders, where the random policy has {:.1f};",
                     lambda: [*of_recipe("paper", ".1f", INVADERS),
                              study().random[INVADERS]])),
    (RESULTS, quoted("by A2D+'s recipe, {} and {}, and {} and {}.",
                     lambda: of_recipe("plus", ".1f", BREAKOUT, INVADERS))),
]  # fmt: skip
