"""The numbers that README.md and docs/ quote, from the raw records.

A quotation is a fragment of a sentence that is made anew with recounted numbers, so that a changed
number fails on either side; line breaks do not count. Left out are numbers on speed (seconds and
minutes of a recording), on what an option's default is, and how far cells' FLOPs may differ (no
record has them).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable

import pandas as pd
import pytest

from tests.checkout import ROOT
from tests.recount.bench_prose import ON_BENCH
from tests.recount.goal_prose import ON_GOAL
from tests.recount.quotations import (
    BREAKOUT,
    INVADERS,
    NUMBERS,
    README,
    RESULTS,
    prose,
    quoted,
    recorded,
    tenth,
)
from tests.recount.records import where
from tests.recount.study_prose import ON_STUDY, PAPERS, verdict

GAMES = (BREAKOUT, INVADERS)


def runs(scale: str, folder: str, task: str = BREAKOUT) -> pd.DataFrame:
    return where(recorded(scale).runs, task=task, folder=folder).sort_values("seed")


def scores(scale: str, folder: str, task: str = BREAKOUT) -> list[str]:
    """Return the scores of all seeds, in the seeds' order."""
    return [tenth(score) for score in runs(scale, folder, task)["score"]]


def ordered(scale: str, folder: str, task: str = BREAKOUT) -> list[str]:
    return sorted(scores(scale, folder, task), key=float)


def mean(scale: str, folder: str, task: str = BREAKOUT) -> str:
    return tenth(runs(scale, folder, task)["score"].mean())


def ends(rows: pd.DataFrame, column: str, form: str = ".1f") -> list[str]:
    return [f"{value:{form}}" for value in (rows[column].min(), rows[column].max())]


def pair(folder: str, column: str, form: str) -> list[str]:
    """Return one number for each of the two games of `laptop`."""
    return [f"{runs('laptop', folder, task)[column].iloc[0]:{form}}" for task in GAMES]


def best_flops(task: str) -> float:
    """Return the FLOPs of the manual size with the highest mean."""
    manual = where(recorded("laptop").runs, task=task, stage="manual", distillation="none")
    means = manual.groupby("folder")["score"].mean()
    return float(runs("laptop", str(means.idxmax()), task)["flops"].mean())


def share_of_flops(folder: str) -> list[float]:
    """Return an agent's FLOPs by those of the best manual size, for both games."""
    return [runs("laptop", folder, task)["flops"].mean() / best_flops(task) for task in GAMES]


def one_in(folder: str) -> int:
    """Return 6 where an agent has a sixth of the best manual size's FLOPs."""
    return round(1 / statistics.mean(share_of_flops(folder)))


def best_scores() -> list[str]:
    rows = where(recorded("laptop").runs, stage="manual", distillation="none")
    means = rows.groupby(["task", "folder"])["score"].mean()
    return [tenth(means[task].max()) for task in GAMES]


def searches() -> pd.DataFrame:
    return where(recorded("laptop").runs, stage="search")


def slower() -> list[int]:
    """Return how many times slower than the vanilla network searched ones are, at both ends."""
    ratios: list[float] = []
    for task in GAMES:
        vanilla = runs("laptop", "manual-vanilla", task)["latency_ms"].iloc[0]
        ratios += list(where(searches(), task=task)["latency_ms"] / vanilla)
    return [round(min(ratios)), round(max(ratios))]


def same_architectures(task: str) -> int:
    """Return of how many searches another one derived the same."""
    return int(where(searches(), task=task)["design"].duplicated(keep=False).sum())


def unlike_latencies() -> list[str]:
    """Return the lowest and the highest eager latency of a network whose records differ most."""
    found = [
        (rows["own_latency_ms"].max() / rows["own_latency_ms"].min(), rows)
        for _, rows in recorded("laptop").runs.groupby("design")
    ]
    return ends(max(found, key=lambda each: each[0])[1], "own_latency_ms", ".3f")


def core_hours(scale: str) -> str:
    return f"{recorded(scale).runs['core_hours'].sum():.2f}"


def planned(scale: str) -> tuple[str, str]:
    """Return in words how many games and seeds a scale has."""
    read = recorded(scale).scale
    return NUMBERS[len(read.tasks)], NUMBERS[len(read.scale["seeds"]["search"])]


def learning(scale: str, method: str) -> tuple[float, int, float]:
    """Return the rate of α, the number of updates, and how often that is the paper's 0.001."""
    asked = runs(scale, f"search-{method}")["asked"].iloc[0]
    rate = asked["search"].get("architecture_learning_rate", 0.001)
    return rate, asked["steps"] // (32 * 5), rate / 0.001


def weights(scale: str) -> tuple[str, str]:
    """Return how often a teacher's weights by the recipe plus are those by the paper's."""
    plus, paper = (
        runs(scale, f"search-{method}")["asked"].iloc[0]["distillation"]
        for method in ("joint-plus", "joint")
    )
    heads = ("actor_coefficient", "critic_coefficient")
    actor, critic = (plus[head] / paper[head] for head in heads)
    assert plus["schedule"] == "annealed" and round(actor) == 10
    return "ten", f"{critic:.0f}"


def on_games(folder: str) -> list[str]:
    """Return the means on both games of `laptop`."""
    return [mean("laptop", folder, task) for task in GAMES]


def million(scale: str) -> str:
    return "ten" if round(recorded(scale).runs["steps_done"].sum() / 1e6) == 10 else "?"


PLUS = [
    quoted("By the paper's recipe the supernet hardly leaves the random policy's {:.1f}",
           lambda: [recorded("breakout").random[BREAKOUT]]),
    quoted("(test scores {} and {}, means of 3)",
           lambda: [mean("breakout", "search-joint"), mean("breakout", "search-vanilla")]),
    quoted("{} times its actor's and {} times its critic's weight, fading to nothing, it learns",
           lambda: weights("breakout")),
    quoted("it learns: {} with a teacher ({}, {}, {})",
           lambda: [mean("breakout", "search-joint-plus"),
                    *scores("breakout", "search-joint-plus")]),
    quoted("{} without ({}, {}, {})",
           lambda: [mean("breakout", "search-vanilla-plus"),
                    *scores("breakout", "search-vanilla-plus")]),
    quoted("{:,} steps of search",
           lambda: set(where(recorded("breakout").runs, stage="search")["steps_done"].astype(int))),
]  # fmt: skip
QUOTED: list[tuple[str, Callable[[], str]]] = [
    *((README, fragment) for fragment in PLUS),
    *((RESULTS, fragment) for fragment in PLUS),
    *ON_BENCH,
    *ON_STUDY,
    *ON_GOAL,
    (README, quoted("{} runs and {} million steps",
                    lambda: [len(recorded("laptop").runs), million("laptop")])),
    (README, quoted("({} core-hours)", lambda: [core_hours("laptop")])),
    (RESULTS, quoted("trained with the teacher too, scores {} and {}:",
                     lambda: on_games("derived-vanilla-joint"))),
    (RESULTS, quoted("derives scores more without a teacher ({1}),",
                     lambda: on_games("derived-joint-plus-none"))),
    (RESULTS, quoted("The taught ResNet-14 has {} and {}.",
                     lambda: on_games("distilled-resnet14-joint"))),
    (RESULTS, quoted("a teacher of 300,000 steps has {1},",
                     lambda: on_games("teacher-resnet20"))),
    (README, quoted("recorded in full: {} games and {} seeds, or {} game and {}.",
                    lambda: [*planned("laptop"), *planned("breakout")])),
    (RESULTS, quoted("`laptop` ({} games, {} seeds)", lambda: planned("laptop"))),
    (RESULTS, quoted("`breakout` ({} game, {} seeds)", lambda: planned("breakout"))),
    (RESULTS, quoted("{} for `laptop`, {} for `breakout`",
                     lambda: map(core_hours, ("laptop", "breakout")))),
    ("docs/reproducibility_checklist.md",
     quoted("{} for `laptop`, {} for `breakout`",
            lambda: map(core_hours, ("laptop", "breakout")))),
    (RESULTS, quoted("after {:,.0f} steps of final training",
                     lambda: set(where(recorded("laptop").runs, stage="derive")["steps_done"]))),
    (RESULTS, quoted("({0} against {2}; {1} against {3})",
                     lambda: [*(mean("laptop", "derived-joint-joint", task) for task in GAMES),
                              *best_scores()])),
    (RESULTS, quoted("at a {} of its FLOPs",
                     lambda: ["sixth" if one_in("derived-joint-joint") == 6 else "?"])),
    (RESULTS, quoted("score {} and {}.",
                     lambda: (mean("laptop", "random-joint-joint", task) for task in GAMES))),
    (RESULTS, quoted("A2D+ has {} and {} with",
                     lambda: (mean("laptop", "derived-joint-plus-joint", task) for task in GAMES))),
    (RESULTS, quoted("with {:.2f} and {:.2f} of the FLOPs",
                     lambda: share_of_flops("derived-joint-plus-joint"))),
    (RESULTS, quoted("`laptop` learns α at {0}, {2} times the paper's rate",
                     lambda: [*learning("laptop", "joint")[:2],
                              "twenty" if round(learning("laptop", "joint")[2]) == 20 else "?"])),
    (RESULTS, quoted("as its {1} updates are too few for it to move at 0.001",
                     lambda: learning("laptop", "joint"))),
    (RESULTS, quoted("move at {} (`breakout` keeps the paper's)",
                     lambda: learning("breakout", "joint"))),
    (RESULTS, quoted("On Space Invaders {} searches derived the same architecture",
                     lambda: [NUMBERS[same_architectures(INVADERS)]])),
    (RESULTS, quoted("slower than the vanilla network**, {} to {} times",
                     lambda: (NUMBERS[times] for times in slower()))),
    (RESULTS, quoted("they take {} to {} ms a decision",
                     lambda: ends(searches(), "deployed_ms", ".3f"))),
    (RESULTS, quoted("(the same network was recorded with {} and {} ms)", unlike_latencies)),
    (RESULTS, quoted("the vanilla network ({} and {})",
                     lambda: pair("manual-vanilla", "deployed_ms", ".3f"))),
    (RESULTS, quoted("half as long as ResNet-14 ({} and {})",
                     lambda: pair("manual-resnet14", "deployed_ms", ".3f"))),
    (RESULTS, quoted("score higher ({} to {}) than both",
                     lambda: ends(pd.concat([runs("laptop", "distilled-resnet14-actor"),
                                             runs("laptop", "distilled-resnet14-joint")]),
                                  "score"))),
    (RESULTS, quoted("both without a teacher ({} and {})",
                     lambda: ordered("laptop", "manual-resnet14"))),
    (RESULTS, quoted("the critic's teaching hardly counts ({} and {})",
                     lambda: ordered("laptop", "distilled-resnet14-critic"))),
    (RESULTS, quoted("(joint {} and {}, critic-only {} and {}, no teacher {} and {})",
                     lambda: [*ordered("laptop", "distilled-resnet14-joint", INVADERS),
                              *ordered("laptop", "distilled-resnet14-critic", INVADERS),
                              *ordered("laptop", "manual-resnet14", INVADERS)])),
    (RESULTS, quoted("ResNet-14 reaches {} on Breakout in a million steps ({}, {} and {})",
                     lambda: [mean("breakout", "manual-resnet14"),
                              *ordered("breakout", "manual-resnet14")])),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(QUOTED)))
def test_what_is_quoted_is_what_is_recorded(place: int) -> None:
    name, fragment = QUOTED[place]
    assert fragment() in prose(name), name


@pytest.mark.parametrize("claim", PAPERS)
def test_the_verdicts_of_the_answer(claim: str) -> None:
    text = (ROOT / README).read_text(encoding="utf-8")
    (said,) = re.findall(rf"^\| {claim}: [^|]* \| ([^|]+) \|", text, re.MULTILINE)
    assert said == verdict(claim)


@pytest.mark.parametrize("name", [README, RESULTS])
def test_the_verdicts_that_are_quoted(name: str) -> None:
    for scale in ("laptop", "breakout"):
        ledger = pd.read_csv(ROOT / "tables" / scale / "claims.csv")
        assert set(ledger["verdict"]) == {"inconclusive"}
    text = prose(name)
    assert "verdict on all five claims" in text and "'inconclusive'" in text


@pytest.mark.parametrize("name", [README, RESULTS])
def test_the_verdict_that_is_quoted(name: str) -> None:
    ledger = pd.read_csv(ROOT / "tables" / "bench_searches" / "claims.csv")
    verdicts = ledger[ledger["part"].isna()].set_index("claim")["verdict"]
    assert verdicts["C6"] == "supported" and set(verdicts.drop("C6")) == {"inconclusive"}
    assert "supported" in prose(name)[prose(name).index("C6") :]
