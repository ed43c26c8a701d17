"""The answer of a finished plan: rows, sentences, and the agents that leave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import a2d
from a2d.distill.delivery import Delivered, deliver
from a2d.distill.evidence import read_evidence
from a2d.distill.limits import MS_MARGIN, Point
from a2d.distill.plan import Plan
from a2d.distill.request import Setting
from a2d.distill.sources import RUNS
from a2d.distill.verdict import (
    Interval,
    Row,
    cheaper_and_as_good,
    interval,
    sentence,
)
from a2d.files import write_text
from a2d.runs.guards import forgotten
from a2d.runs.request import read_card
from a2d.runs.scores import Score, score_of
from a2d.specs.data import Frozen

RESULT = "result.json"


class Answer(Frozen):
    """Everything that the report says. Latencies are medians on this processor."""

    version: str
    task: str
    plan: Plan
    chance: Interval | None
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]
    forgotten: str | None = None  # of a teacher that once scored far more
    delivered: tuple[Delivered, ...]
    processor: str


def make_answer(plan: Plan, setting: Setting, out: Path, chance: Score) -> Answer:
    """Read all runs of a finished plan, measure latencies, and let the best agents leave.

    Nothing else should run meanwhile.

    Raises:
        A2DError: a record or an agent cannot be read.
    """
    evidence = read_evidence(plan, setting, out, chance)
    rows = evidence.rows()
    found = [row for row in rows if row.kind == "a2d"]
    manual = [row for row in rows if row.kind == "manual"]
    random = {row.search: row for row in rows if row.kind == "random"}
    better = {each.name: each for row in found for each in cheaper_and_as_good(row, manual)}
    earlier = _delivered_before(out)
    leaving = [row for row in [*found, *better.values()] if any_score(row)]
    return Answer(
        version=a2d.__version__,
        task=read_card(Path(plan.request.task)).title,
        plan=plan,
        chance=None if evidence.chance is None else interval(evidence.chance),
        rows=tuple(rows),
        sentences=tuple(
            sentence(row, random[row.search], manual, rows[0]) + _limit(plan, row) for row in found
        ),
        forgotten=forgotten(evidence.curve, score_of(evidence.returns), chance),
        delivered=tuple(_leave(plan, row, out, earlier) for row in leaving),
        processor=evidence.latencies.processor,
    )


def _limit(plan: Plan, row: Row) -> str:
    """Say whether a limit in milliseconds holds when all networks are measured side by side."""
    assert row.search is not None
    point: Point = plan.point(row.search)
    if point.table is None or row.deployed_ms is None:
        return ""
    limit = point.amount / MS_MARGIN
    holds = "within" if row.deployed_ms <= limit else "measured once more, over"
    return f" A decision takes {row.deployed_ms:.3g} ms, {holds} the limit of {limit:.3g} ms."


def any_score(row: Row) -> bool:
    """Whether one of its seeds has a score."""
    return any(score is not None for score in row.scores)


def _leave(plan: Plan, row: Row, out: Path, earlier: Sequence[Delivered]) -> Delivered:
    """Let the best seed's agent leave, and measure it on episodes that have not chosen it."""
    scored = zip(row.scores, row.seeds, strict=True)
    seed = -max((score, -seed) for score, seed in scored if score is not None)[1]
    run = next(job.name for job in plan.rows()[row.name] if job.seed == seed)
    place = out / "agent"
    if len(plan.points) > 1 or row.kind != "a2d":
        place = out / f"agent-{row.name}"
    other = plan.request.seed + 2 + plan.request.seeds  # no run has this seed
    return deliver(out / RUNS / run, place, other, earlier)


def _delivered_before(out: Path) -> tuple[Delivered, ...]:
    """Return what an earlier answer says of the agents that left."""
    try:
        text = (out / RESULT).read_text(encoding="utf-8")
        return Answer.model_validate_json(text).delivered
    except (OSError, ValueError):  # there is none, or it is of another version
        return ()


def write_answer(out: Path, answer: Answer) -> None:
    """Write it as JSON, atomically."""
    text = answer.model_dump_json(indent=1) + "\n"
    write_text(out / RESULT, text)
