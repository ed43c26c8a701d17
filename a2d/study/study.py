"""A study: a scale and the experiments, expanded into runs. Pure data; nothing here imports torch.

``workflow/scales/NAME.yaml`` says how large, ``workflow/methods.yaml`` names the search methods and
recipes, ``workflow/experiments/*.yaml`` say which runs answer which question.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from a2d.errors import A2DError
from a2d.specs.data import describe_validation_error
from a2d.specs.run import key_of, search_of
from a2d.specs.task import TaskCard, load_task
from a2d.study.artifacts import Artifact, check_listed, find_artifacts
from a2d.study.definitions import (
    Experiment,
    Methods,
    Scale,
    load_experiments,
    load_methods,
    load_scale,
    scale_path,
)
from a2d.study.expansion import Run, expand

__all__ = ["Run", "Study", "load_study"]


BENCH = "bench"  # the experiment whose searches are looked up in the benchmark's table


@dataclass(frozen=True)
class Study:
    """Everything a scale asks for."""

    name: str
    scale: Scale
    methods: Methods
    experiments: dict[str, Experiment]
    all_experiments: dict[str, Experiment]  # with those that the scale leaves out
    artifacts: dict[str, Artifact]  # all that the checkout has, by name
    tasks: dict[str, TaskCard]
    runs: dict[str, Run]  # by key, teachers first
    members: dict[str, list[str]]  # keys by experiment, without the teachers and searches they need

    def find(self, path: str) -> Run:
        """Return the run whose record is at ``path`` below ``results/``."""
        try:
            return self.by_path[path]
        except KeyError as error:
            message = f"{path}: scale {self.name!r} has no such run; `a2d plan` lists them"
            raise A2DError(message) from error

    @cached_property
    def by_path(self) -> dict[str, Run]:
        """All runs by their record's path below ``results/``."""
        return {run.path: run for run in self.runs.values()}

    @cached_property
    def sources(self) -> dict[str, str]:
        """The key of the search that a run takes its architecture from, by the run's key."""
        searches = {key: search_of(run.spec) for key, run in self.runs.items()}
        return {key: key_of(search) for key, search in searches.items() if search is not None}

    def describe(self, run: Run) -> str:
        """Return what people call a run, as in 'search joint, Catch, seed 0'."""
        title = self.tasks[run.spec.task.name].title
        return f"{run.method.replace('-', ' ')}, {title}, seed {run.spec.seed}"

    @cached_property
    def on_bench(self) -> frozenset[str]:
        """The keys of the searches in the benchmark's space, whose results its table holds."""
        return frozenset(self.members.get(BENCH, ()))

    def of_search(self, method: str) -> list[Run]:
        """Return a search method's searches and everything derived from them: one ablation."""
        return [run for run in self.runs.values() if run.factors.get("search") == method]


def load_study(name: str, root: Path) -> Study:
    """Read a scale and expand it.

    Args:
        name: of the scale, a file in ``workflow/scales``.
        root: the checkout.

    Raises:
        A2DError: any file is wrong; it names the file and the key.
    """
    scale, methods = load_scale(name, root), load_methods(root)
    all_experiments, artifacts = load_experiments(root), find_artifacts(root)
    experiments = _chosen(all_experiments, scale, scale_path(name, root))
    check_listed(experiments, artifacts, root)
    tasks = {task: load_task(task, root / "envs") for task in scale.tasks}
    try:
        runs, members = expand(name, scale, methods, tasks, experiments)
    except ValidationError as error:
        raise describe_validation_error(error, str(scale_path(name, root))) from error
    except ValueError as error:
        raise A2DError(f"{scale_path(name, root)}: {error}") from error
    return Study(
        name, scale, methods, experiments, all_experiments, artifacts, tasks, runs, members
    )


def _chosen(experiments: dict[str, Experiment], scale: Scale, path: Path) -> dict[str, Experiment]:
    """Return the experiments that the scale at ``path`` names, or all where it names none."""
    wanted = scale.experiments or tuple(experiments)
    for name in wanted:
        if name not in experiments:
            raise A2DError(
                f"{path}: experiments: {name!r} is not in workflow/experiments; "
                f"there are {', '.join(experiments)}"
            )
    return {name: found for name, found in experiments.items() if name in wanted}
