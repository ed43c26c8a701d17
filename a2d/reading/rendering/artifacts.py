"""Which runs each artifact shows. Plain data: the workflow imports it, without plots."""

from __future__ import annotations

from dataclasses import replace

from a2d.errors import A2DError
from a2d.study.artifacts import JUDGING, TEACHERS
from a2d.study.study import Run, Study


def experiments_of(study: Study, artifact: str) -> list[str]:
    """Return the names of the experiments whose runs an artifact shows.

    Those that list it, and those that its script names; what judges claims may read any run.
    """
    if artifact not in study.artifacts:
        known = ", ".join(study.artifacts)
        raise A2DError(f"artifact {artifact!r} is unknown; there are {known}")
    named = study.artifacts[artifact].shows_also
    return [
        name
        for name, experiment in study.experiments.items()
        if artifact in experiment.artifacts or name in named or artifact in JUDGING
    ]


def runs_of(study: Study, artifact: str) -> list[Run]:
    """Return every run an artifact shows: its experiments', and what they come from.

    That is the teachers that they learn from, and the searches whose architectures they train.
    """
    if artifact in JUDGING:
        return list(study.runs.values())
    keys = dict.fromkeys(
        key for name in experiments_of(study, artifact) for key in study.members[name]
    )
    keys |= dict.fromkeys(study.sources[key] for key in keys if key in study.sources)
    shown = [study.runs[key] for key in keys]
    named = bool(shown) and TEACHERS in study.artifacts[artifact].shows_also
    taught = {run.spec.task.name for run in shown if named or run.spec.teacher is not None}
    teachers = [
        run
        for run in study.runs.values()
        if run.stage == "teacher" and run.spec.task.name in taught
    ]
    return [*teachers, *shown]


def part_of(study: Study, artifact: str) -> Study:
    """Return a study that plans what an artifact shows, and no other run.

    All that a script is given is of this part: it can show nothing that it does not wait for.
    """
    shown = {run.key for run in runs_of(study, artifact)}
    return replace(study, runs={key: run for key, run in study.runs.items() if key in shown})
