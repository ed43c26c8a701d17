"""The claims task by task, recounted: each test on one task alone, and without it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from tests.recount.arms import Compared
from tests.recount.ledger import CLAIMS, measured
from tests.recount.records import Recorded
from tests.recount.tables import Row, Rows
from tests.recount.verdicts import Part, Said

CLAIM = "claim"  # what the table calls a row that is of no part


def by_task(recorded: Recorded) -> Rows:
    """Return the rows by claim, part, the task left out, the verdict without it, and by what."""
    rows: Rows = {}
    for claim, definition in CLAIMS.items():
        found = Compared(recorded, definition.needs(recorded))
        if not found.tasks or found.runs["score"].isna().any():
            continue
        whole = _parts(claim, found, found.tasks)
        for task in found.tasks:
            alone = _parts(claim, found, [task])
            others = _parts(claim, found, [each for each in found.tasks if each != task])
            for part in whole.keys() & others.keys():
                left = others[part]
                key = (claim, part, task, left.verdict, left.effect.name)
                rows[key] = _row(alone.get(part), left)
    return rows


def _parts(claim: str, found: Compared, tasks: Collection[str]) -> dict[str, Part]:
    """Return what a claim's test says of some tasks, and its parts, by their names."""
    chosen = {arm: rows[rows["task"].isin(tasks)] for arm, rows in found.arms.items()}
    said = measured(claim, Compared(found.recorded, chosen))
    return {} if said is None else {CLAIM: said, **dict(_named(said, ""))}


def _row(alone: Part | None, others: Part) -> Row:
    found = {key: others.effect.row()[key] for key in ("estimate", "low", "high")}
    return {"alone": math.nan if alone is None else alone.effect.row()["estimate"], **found}


def _named(said: Said, before: str) -> Iterator[tuple[str, Part]]:
    for part in said.parts:
        yield before + part.name, part
        if isinstance(part, Said):
            yield from _named(part, f"{part.name}: ")
