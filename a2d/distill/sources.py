"""Where a plan's runs take the card and the teacher from: as they are given, or from copies."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field

from a2d.console import say
from a2d.distill.request import DistillRequest
from a2d.distill.rewards import suggested_scale
from a2d.errors import A2DError
from a2d.files import write_text
from a2d.runs.agent_checks import IMPORTED
from a2d.runs.agent_files import load_description
from a2d.runs.file_kinds import expect
from a2d.runs.request import read_card
from a2d.runs.teachers.store import copy_imported, read_imported
from a2d.specs.data import Frozen, read_yaml
from a2d.specs.task import TaskCard

RUNS, TEACHER = "runs", "teacher"


class Sources(Frozen):
    """What a plan has fixed of its card and its teacher."""

    reward_scale: float | None = Field(
        None, description="of the card's copy in the plan's folder; the card itself is used if None"
    )
    teacher: str | None = Field(None, description="checksum of a teacher that was given")
    imported: bool = Field(False, description="whether that was imported again, for the copy")

    def card(self, request: DistillRequest, out: Path) -> Path:
        """Return the card that all runs learn by."""
        task = Path(request.task)
        return task if self.reward_scale is None else out / task.name

    def folder(self, request: DistillRequest, out: Path) -> Path:
        """Return where the teacher is."""
        if request.teacher is None or self.imported:
            return out / RUNS / TEACHER
        return Path(request.teacher)


def prepare(request: DistillRequest, out: Path) -> Sources:
    """Decide how rewards are learnt from, and copy the card, and the teacher, if need be.

    A trained agent's students learn from rewards as it did, unless the card says otherwise. A
    teacher from elsewhere has no card: it is imported once more for one that scales rewards.

    Raises:
        A2DError: the teacher is damaged, or the folder cannot be written to.
    """
    card = read_card(Path(request.task))
    if request.teacher is None:
        return Sources(reward_scale=_suggested(card, request, out))
    given = expect(Path(request.teacher), "teacher")
    if (given / IMPORTED).is_file():
        scale = _suggested(card, request, out)
        if scale is not None:
            copy_imported(given, out / RUNS / TEACHER, read_card(out / Path(request.task).name))
        return Sources(
            reward_scale=scale, teacher=teacher_checksum(given), imported=scale is not None
        )
    theirs, scale = load_description(given).spec.task.reward_scale, None
    if "reward_scale" not in card.model_fields_set and theirs != card.reward_scale:
        scale = theirs
        _copy_card(request, out, scale, f"as its teacher {given} did")
    return Sources(reward_scale=scale, teacher=teacher_checksum(given))


def _suggested(card: TaskCard, request: DistillRequest, out: Path) -> float | None:
    """Return the scale that large returns ask for, if they do; copy the card with it."""
    scale = suggested_scale(card)
    if scale is not None:
        _copy_card(request, out, scale, "because a random policy's returns are large")
    return scale


def _copy_card(request: DistillRequest, out: Path, scale: float, reason: str) -> None:
    task = Path(request.task)
    scaled = {**read_yaml(task), "reward_scale": scale}
    card = yaml.safe_dump(scaled, allow_unicode=True, sort_keys=False)
    text = f"# {task}, with reward_scale {reason}\n{card}"
    write_text(out / task.name, text)
    say(
        f"agents learn from rewards × {scale:g} ({reason}); reward_scale in the card would say "
        "otherwise"
    )


def teacher_checksum(folder: Path) -> str:
    """Return what a teacher is known by. Raise A2DError if it is damaged."""
    if (folder / IMPORTED).is_file():
        return read_imported(folder).spec.checksum
    return load_description(folder).weights_sha256


def check_teacher(request: DistillRequest, sources: Sources) -> None:
    """Raise A2DError if the teacher is not the one that the plan was made with."""
    if request.teacher is None:
        return
    given = expect(Path(request.teacher), "teacher")
    if teacher_checksum(given) != sources.teacher:
        raise A2DError(
            f"{given}: holds another teacher than when these runs were planned; bring that one "
            "back, or name another folder with --out"
        )
