"""What the command line asks of one run, and the spec that comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from a2d.console import say
from a2d.errors import A2DError
from a2d.networks.imported import ImportedAgent
from a2d.runs.file_kinds import expect
from a2d.specs.architecture import Architecture
from a2d.specs.data import describe_validation_error
from a2d.specs.recipes import RECIPES
from a2d.specs.run import SearchSpec, TrainSpec
from a2d.specs.search import SETTINGS
from a2d.specs.settings import ALGORITHMS, lay, read_settings, sections_of
from a2d.specs.task import TaskCard, load_card
from a2d.specs.teacher import ImportedTeacher

TeacherSpec = TrainSpec | ImportedTeacher


class Imported(NamedTuple):
    """A teacher from elsewhere, as a run is given it: whom it asks, and what its spec says."""

    agent: ImportedAgent
    spec: ImportedTeacher


@dataclass(frozen=True)
class RunRequest:
    """One run in a folder, as it is asked for.

    Attributes:
        task: the card's path.
        out: the folder of the run.
        steps: environment steps, rounded up to whole updates.
        seed: of the run.
        algorithm: 'a2c' or 'ppo'.
        environments: stepped side by side; the algorithm's default if None.
        teacher: folder of the agent that teaches, or an imported one itself.
        distill: which of the teacher's heads teach.
        settings: further ones, as ``section.key=value``; they are laid over all others.
        log: folder for TensorBoard's files.
        accept_weak_teacher: learn from a teacher that may be no better than a random policy.
    """

    task: Path
    out: Path
    steps: int = 1_000_000
    seed: int = 0
    algorithm: str = "a2c"
    environments: int | None = None
    teacher: Path | Imported | None = None
    distill: str = "none"
    settings: tuple[str, ...] = ()
    log: Path | None = None
    accept_weak_teacher: bool = False


@dataclass(frozen=True)
class SearchRequest(RunRequest):
    """A search in a folder.

    Attributes:
        searcher: its kind.
        recipe: whose factors are laid over the defaults.
        options: further settings of the searcher by name, ``space`` as a mapping.
    """

    searcher: str = "gumbel"
    recipe: str = "plus"
    options: dict[str, Any] = field(default_factory=dict)


def read_card(path: Path) -> TaskCard:
    """Read the card that an option names; raise A2DError if the path is anything else."""
    return load_card(expect(path, "card"))


def train_spec(
    request: RunRequest, design: str | Architecture, teacher: TeacherSpec | None
) -> TrainSpec:
    """Return the training that is asked for; raise A2DError where a value is wrong."""
    name, agent = "architecture", {"kind": "given", "architecture": design}
    if isinstance(design, str):
        name, agent = design, {"kind": "manual", "network": design}
    laid = read_settings(request.settings, sections_of(request.algorithm))
    try:
        return TrainSpec(**_data(request, teacher, laid), agent=agent)
    except ValidationError as error:
        raise describe_validation_error(error, f"a2d train ({name})") from error


def search_spec(request: SearchRequest, teacher: TeacherSpec | None) -> SearchSpec:
    """Return the search that is asked for; raise A2DError where a value is wrong."""
    laid = read_settings(request.settings, sections_of(request.algorithm, request.searcher))
    if request.recipe not in RECIPES:
        raise A2DError(f"--recipe {request.recipe}: should be one of {', '.join(RECIPES)}")
    recipe = RECIPES[request.recipe]
    own = SETTINGS[request.searcher].own(recipe.search)
    search = lay(own, _searcher_options(request.searcher, request.options))
    try:
        data = _data(request, teacher, lay({"distillation": recipe.distillation}, laid))
        search = lay(search, data.pop("search", {}))
        return SearchSpec(**data, search={**search, "kind": request.searcher})
    except ValidationError as error:
        raise describe_validation_error(error, "a2d search") from error


def _searcher_options(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given. Raise A2DError where a searcher has no such option."""
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in SETTINGS[kind].model_fields:
            having = [other for other, each in SETTINGS.items() if name in each.model_fields]
            option = "--" + {"cost_coefficient": "cost"}.get(name, name.replace("_", "-"))
            raise A2DError(f"{option}: is for --searcher {' or '.join(having)}, not for {kind}")
    return given


def _data(request: RunRequest, teacher: TeacherSpec | None, laid: dict[str, Any]) -> dict[str, Any]:
    """Return a spec's data, with settings laid over what the options say."""
    options: dict[str, Any] = {request.algorithm: {}, "distillation": {"mode": request.distill}}
    if request.environments is not None:
        options[request.algorithm] = {"environments": request.environments}
    data = lay(options, laid)
    return {
        **data,
        "task": read_card(request.task),
        "steps": _whole_updates(request, data[request.algorithm]),
        "seed": request.seed,
        "teacher": teacher,
    }


def _whole_updates(request: RunRequest, settings: dict[str, Any]) -> int:
    """Return the steps rounded up to whole updates, and say so where that is more."""
    try:
        algorithm = ALGORITHMS[request.algorithm].model_validate(settings)
    except ValidationError:
        return request.steps  # the spec, which has the same mistake, is refused with all others
    each = algorithm.steps_per_update
    steps = -(-request.steps // each) * each
    if steps != request.steps:
        say(
            f"--steps {request.steps:,}: {steps:,} are played, the next multiple of environments × "
            f"rollout_length ({algorithm.environments} × {algorithm.rollout_length} = {each:,})"
        )
    return steps
