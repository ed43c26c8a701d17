"""Which runs each artifact shows. Plain data: the workflow imports it, without plots."""

from __future__ import annotations

from a2d.errors import A2DError
from a2d.study.artifacts import JUDGING
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
    """Return every run an artifact shows: its experiments', its stages', and what they come from.

    That is the teachers that they learn from, and the searches whose architectures they train.
    Where no experiment has it shown it shows nothing, whatever its stages.
    """
    if artifact in JUDGING:
        return list(study.runs.values())
    experiments, stages = experiments_of(study, artifact), study.artifacts[artifact].shows_all
    keys = {key for name in experiments for key in study.members[name]}
    if keys:
        keys |= {key for key, run in study.runs.items() if run.stage in stages}
    keys |= {study.sources[key] for key in keys if key in study.sources}
    runs = [study.runs[key] for key in keys]
    taught = {run.spec.task.name for run in runs if run.spec.teacher is not None}
    return [
        run
        for key, run in study.runs.items()
        if key in keys or (run.stage == "teacher" and run.spec.task.name in taught)
    ]
