"""What a claim's test says of each task alone, and of all tasks but one.

A look at how far a verdict hangs on a single task; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from a2d.reading.claim_tests import TESTS
from a2d.reading.claims import sorted_claims
from a2d.reading.decisions.contrasts import UndefinedEffect
from a2d.reading.decisions.verdicts import Decision, Part
from a2d.reading.evidence import Evidence, gather
from a2d.reading.results import Results
from a2d.study.definitions import ClaimTest


@dataclass(frozen=True)
class ByTask:
    """One part of a claim's test, or all of it where ``part`` is empty.

    ``whole`` is what the test says of all tasks, before the correction over claims; ``alone`` and
    ``without`` what it says of a task, or of all others. A task is absent where there is nothing
    to say, as of a spread over tasks.
    """

    claim: ClaimTest
    part: str
    whole: Part
    alone: dict[str, Part]
    without: dict[str, Part]


def by_task(results: Results) -> list[ByTask]:
    """Return every claim whose runs are all recorded, and its parts, in the ledger's order."""
    rows = []
    for claim in sorted_claims(results.study):
        test = TESTS[claim.test]
        found = gather(results, test.needs(results))
        if found.complete:
            rows += _parts(claim, found)
    return rows


def _parts(claim: ClaimTest, found: Evidence) -> list[ByTask]:
    whole = _measured(claim, found, found.tasks)
    alone = {task: _measured(claim, found, [task]) for task in found.tasks}
    others = {task: [each for each in found.tasks if each != task] for task in found.tasks}
    without = {task: _measured(claim, found, rest) for task, rest in others.items() if rest}
    return [
        ByTask(claim, name, part, _of(name, alone), _of(name, without))
        for name, part in whole.items()
    ]


def _of(name: str, measured: dict[str, dict[str, Part]]) -> dict[str, Part]:
    return {task: parts[name] for task, parts in measured.items() if name in parts}


def _measured(claim: ClaimTest, found: Evidence, tasks: Sequence[str]) -> dict[str, Part]:
    """Return the test's decision on these tasks by '', and its parts by their names."""
    try:
        decision = TESTS[claim.test].measure(found.on(tasks))
    except UndefinedEffect:
        return {}
    return {"": decision, **dict(_named(decision, ""))}


def _named(decision: Decision, before: str) -> Iterator[tuple[str, Part]]:
    """Yield all parts; those of a part stand after its name."""
    for part in decision.parts:
        yield before + part.name, part
        if isinstance(part, Decision):
            yield from _named(part, f"{part.name}: ")
