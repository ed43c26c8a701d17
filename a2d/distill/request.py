"""What is asked of `a2d distill`, and what follows from the task alone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from a2d.errors import A2DError
from a2d.networks.costs import count_flops
from a2d.networks.imported import ImportedAgent, Teacher
from a2d.networks.interface import Interface, build_agent
from a2d.runs.designs import task_interface
from a2d.runs.request import TeacherSpec
from a2d.runs.saved_agents import load_any_teacher
from a2d.specs.data import Frozen
from a2d.specs.settings import Sections, read_settings, sections_of
from a2d.specs.teacher import ImportedTeacher

SEARCHER = "imitation"
Mode = Literal["actor", "critic", "joint"]
# Settings of a search that decide what its networks cost.
LIMITS = ("search.space.", "search.candidates", "search.costs", "search.largest_cost")


class DistillRequest(Frozen):
    """One task, and how much may be spent on it.

    Exactly one of ``budget_s`` and ``steps`` is given.
    """

    task: str = Field(description="the card's absolute path")
    teacher: str | None = Field(None, description="folder of a teacher; one is trained if None")
    budget_s: float | None = Field(None, description="seconds for everything")
    steps: int | None = Field(None, ge=1, description="environment steps of every student")
    seeds: int = Field(3, ge=1, description="students of every network")
    points: int = Field(1, ge=1, description="networks to search, ever smaller ones")
    max_flops: int | None = None
    max_ms: float | None = None
    algorithm: str | None = None
    distill: Mode = Field("actor", description="which of the teacher's heads teach the students")
    seed: int = Field(0, ge=0)
    settings: tuple[str, ...] = ()
    accept_weak_teacher: bool = False


class Defaults(NamedTuple):
    """What own tasks of one kind start from: the settings of the study (workflow/scales)."""

    algorithm: str
    teacher: str
    usual: str
    smallest: str
    cells: int
    settings: tuple[str, ...]


IMITATED = (
    "distillation.actor_coefficient=1.0",
    "distillation.critic_coefficient=0.5",
    "distillation.schedule=constant",
)
PIXELS = Defaults(
    algorithm="a2c",
    teacher="resnet14",
    usual="vanilla",
    smallest="resnet8_w4",
    cells=6,
    settings=("a2c.environments=32", *IMITATED),
)
VECTORS = Defaults(
    algorithm="ppo",
    teacher="mlp64",
    usual="mlp64",
    smallest="mlp8",
    cells=3,
    settings=(
        "ppo.environments=16",
        "ppo.rollout_length=250",
        "ppo.epochs=10",
        "ppo.minibatches=16",
        "ppo.learning_rate=0.0006",
        *IMITATED,
    ),
)
CONTINUOUS = ("ppo.entropy_coefficient=0.0",)


class Setting(NamedTuple):
    """What a request comes to on its task.

    Attributes:
        interface: of the task.
        defaults: of its kind.
        algorithm: that all agents learn by.
        settings: of every run, the request's laid over the defaults.
        search_settings: those of the search alone.
        teacher: who teaches, if it was given, with its spec.
        search_mode: which of the teacher's heads the search learns from, all that it has.
    """

    interface: Interface
    defaults: Defaults
    algorithm: str
    settings: tuple[str, ...]
    search_settings: tuple[str, ...]
    teacher: tuple[Teacher, TeacherSpec] | None
    search_mode: Mode


def settle(request: DistillRequest, given: Path | None) -> Setting:
    """Return what a request comes to, with the teacher in the folder that is given, if any.

    Raises:
        A2DError: a value is wrong.
    """
    interface = task_interface(Path(request.task))
    defaults = VECTORS if len(interface.observation_shape) == 1 else PIXELS
    algorithm = request.algorithm or defaults.algorithm
    sections = sections_of(algorithm, SEARCHER)
    read_settings(request.settings, sections)  # refuses what is wrong
    _refuse_limits(request)
    teacher = None if given is None else load_any_teacher(given)
    discount = None if teacher is None else _discount(teacher[1])
    under = [*defaults.settings, *(CONTINUOUS if interface.continuous else ())]
    under += [] if discount is None else [f"{algorithm}.discount={discount}"]
    own = [setting for setting in request.settings if setting.startswith("search.")]
    asked = [setting for setting in request.settings if setting not in own]
    return Setting(
        interface=interface,
        defaults=defaults,
        algorithm=algorithm,
        settings=_laid_over(under, asked, sections),
        search_settings=tuple(own),
        teacher=teacher,
        search_mode=_search_mode(request, None if teacher is None else teacher[1]),
    )


def _search_mode(request: DistillRequest, teacher: TeacherSpec | None) -> Mode:
    """Return which heads a search learns from. Raise A2DError where students ask for others."""
    if not isinstance(teacher, ImportedTeacher):
        return "joint"  # our own agents have both
    try:
        teacher.check_mode(request.distill)
    except ValueError as error:
        raise A2DError(f"--distill: {error}") from error
    return "joint" if teacher.values else "actor"


def _laid_over(under: list[str], asked: list[str], sections: Sections) -> tuple[str, ...]:
    """Return defaults that are of the algorithm and are not asked otherwise, and what is asked."""
    keys = {setting.partition("=")[0] for setting in asked}
    kept = [
        setting
        for setting in under
        if setting.partition("=")[0] not in keys and setting.partition(".")[0] in sections
    ]
    return (*kept, *asked)


def _refuse_limits(request: DistillRequest) -> None:
    """Raise A2DError where a setting would undo the limit that the command keeps."""
    for setting in request.settings:
        key = setting.partition("=")[0]
        if key.startswith(LIMITS):
            raise A2DError(
                f"--set {key}: follows from the limit of cost here; give --max-flops or --max-ms, "
                "or take the single steps, `a2d search`"
            )


def _discount(teacher: TeacherSpec) -> float | None:
    """Return the discount of a teacher's values, as far as it is known."""
    if isinstance(teacher, ImportedTeacher):
        return teacher.discount if teacher.values else None
    return teacher.algorithm.discount


def teacher_flops(setting: Setting) -> int | None:
    """Return the FLOPs of the teacher's decision; None for one that is no network we can count."""
    teacher: Teacher
    if setting.teacher is None:
        teacher = build_agent(setting.defaults.teacher, setting.interface)
    else:
        teacher = setting.teacher[0]
    try:
        counted = teacher.policy if isinstance(teacher, ImportedAgent) else teacher
        return count_flops(counted, setting.interface.blank())  # type: ignore[arg-type]
    except (A2DError, AttributeError):
        return None
