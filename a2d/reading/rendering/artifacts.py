"""What is rendered, and which runs each artifact shows. Plain data: the workflow imports it, without plots."""

from __future__ import annotations

from a2d.errors import A2DError
from a2d.specs.run import TrainSpec
from a2d.study.definitions import ARTIFACTS
from a2d.study.study import Run, Study

# Shown as well, beside the runs of the experiments that list the artifact: other experiments'
# agents, and the size sweep, whose best network sets the scale of normalised scores.
ALSO = {
    "figures/distillation": ("size_sweep",),
    "figures/pareto": ("distillation", "recipes"),
    "figures/architectures": ("a2d_vs_manual", "recipes"),
    "figures/aggregate": ("search_methods", "distillation"),
    "tables/search_methods": ("a2d_vs_manual",),
    "tables/distillation": ("size_sweep",),
    # Latencies are the lowest over all records of a network, whatever they were made for.
    "tables/network_structures": ("search_methods", "a2d_vs_manual", "distillation", "recipes"),
    "tables/a2d_vs_manual": ("size_sweep", "search_methods", "distillation", "recipes"),
}
TITLES = {
    "figures/optimal_size": "Score against FLOPs of the manual sizes",
    "figures/search_stability": "Return during the search",
    "figures/distillation": "A fixed network under distillation",
    "figures/pareto": "Score against FLOPs of all agents",
    "figures/architectures": "The searched architectures",
    "figures/aggregate": "All tasks together",
    "tables/network_structures": "Network structures",
    "tables/size_sweep": "Test scores of the manual sizes",
    "tables/search_methods": "Search methods",
    "tables/distillation": "A fixed network under distillation, in numbers",
    "tables/a2d_vs_manual": "A2D against manual and random agents",
    "tables/claims": "The five claims",
}
# What networks look like is shown after what all of them score.
STRUCTURES = ("figures/architectures", "tables/network_structures")


def experiments_of(study: Study, artifact: str) -> list[str]:
    """Return the names of the experiments whose runs an artifact shows; the ledger judges all with claims."""
    if artifact not in ARTIFACTS:
        raise A2DError(f"artifact {artifact!r} is unknown; there are {', '.join(ARTIFACTS)}")
    listed = [
        name
        for name, experiment in study.experiments.items()
        if artifact in experiment.artifacts or (artifact == "tables/claims" and experiment.claims)
    ]
    return list(
        dict.fromkeys(
            [*listed, *(name for name in ALSO.get(artifact, ()) if name in study.experiments)]
        )
    )


def runs_of(study: Study, artifact: str) -> list[Run]:
    """Return every run an artifact shows: those of its experiments, and the teachers they learn from."""
    experiments = experiments_of(study, artifact)
    keys = dict.fromkeys(key for name in experiments for key in study.members[name])
    taught = {study.runs[key].spec.task.name for key in keys if _has_teacher(study.runs[key])}
    teachers = [
        run
        for run in study.runs.values()
        if run.stage == "teacher" and run.spec.task.name in taught
    ]
    return [*teachers, *(study.runs[key] for key in keys)]


def _has_teacher(run: Run) -> bool:
    return isinstance(run.spec, TrainSpec) and run.spec.teacher is not None


def artifacts_of(study: Study, experiment: str) -> list[str]:
    """Return the artifacts that show an experiment's runs, in the order of ``ARTIFACTS``; never the ledger."""
    shown = (name for name in ARTIFACTS if experiment in experiments_of(study, name))
    return [name for name in shown if name != "tables/claims"]
