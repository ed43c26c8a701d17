"""From a request to an answer, all in one folder; the same request again resumes there."""

from __future__ import annotations

import shutil
from pathlib import Path

from a2d.console import say
from a2d.distill.answer import Answer, make_answer, write_answer
from a2d.distill.crew import Crew
from a2d.distill.plan import Plan, describe, read_plan, wall_seconds, write_plan
from a2d.distill.planning import make_plan
from a2d.distill.progress import HOUR_S, Progress
from a2d.distill.report import write_report
from a2d.distill.request import DistillRequest, settle
from a2d.distill.runs import finished, settled
from a2d.distill.sources import RUNS, TEACHER, check_teacher
from a2d.errors import A2DError
from a2d.files import LOCK, PARTIAL, only_process
from a2d.runs.guards import forgotten, weak_teacher
from a2d.runs.request import read_card
from a2d.runs.saved_agents import teacher_curve, teacher_returns
from a2d.runs.scores import RANDOM_FILE, Score, random_score, score_of
from a2d.study.forecast import duration


def distill(request: DistillRequest, out: Path, cores: int) -> Answer:
    """Find a small agent for a task, and say what it keeps of its teacher.

    Leaves in ``out``: the agents, ``result.json``, ``report.html``, the plan, and every run.

    Args:
        request: what is asked.
        out: a new folder, or one where the same was asked before.
        cores: how many runs side by side.

    Raises:
        A2DError: the request is refused, or a run fails.
    """
    if out.exists() and not out.is_dir():
        raise A2DError(f"{out}: is a file; --out names a folder, new or of the same request")
    card = read_card(Path(request.task))
    settle(request, None if request.teacher is None else Path(request.teacher))  # or is refused
    _refuse_other_files(out, Path(request.task))  # before this one's lock is there
    with only_process(out):
        if not out.exists():  # who was waited for has failed, and has taken the lock away
            return distill(request, out, cores)
        _refuse_other_files(out, Path(request.task))  # of whoever was waited for
        try:
            chance = random_score(card, out)
            plan = _plan(request, out, cores, card.identity(), chance)
        except BaseException:
            if read_plan(out) is None:  # all that is there was written here
                shutil.rmtree(out)
            raise
        _work(plan, request, out, cores, chance)
        say("measures latencies")
        answer = make_answer(plan, settled(plan, out), out, chance)
        write_answer(out, answer)
        write_report(out, answer)
    return answer


def _refuse_other_files(out: Path, task: Path) -> None:
    """Raise A2DError where a folder is neither new nor one where an answer was asked for."""
    if not _only_planning(out, task) and read_plan(out) is None:
        raise A2DError(f"{out}: holds other files; --out names a new folder")


def _only_planning(out: Path, task: Path) -> bool:
    """Whether all that a folder holds, if anything, may be of a planning, which may be killed.

    That is its lock, which comes first, and what is measured or copied.
    """
    own, copy = {LOCK, RANDOM_FILE}, out / RUNS / TEACHER
    if out.resolve() != task.parent.resolve():
        own.add(task.name)
    if set(out.glob(f"{RUNS}/*")) <= {copy} and not (copy / LOCK).exists():  # no run has begun
        own.add(RUNS)
    names = {path.name for path in out.glob("*") if path.suffix != PARTIAL}
    return not names or (LOCK in names and names <= own)


def _plan(
    request: DistillRequest, out: Path, cores: int, task: dict[str, object], chance: Score
) -> Plan:
    """Return the folder's plan, or a new one. Raise A2DError if it is another request's."""
    say(f"random policy: {chance}")
    plan = read_plan(out)
    if plan is None:
        if request.teacher is not None:
            _examine(request, Path(request.teacher), chance)
        shutil.rmtree(out / RUNS, ignore_errors=True)  # of a planning that was killed
        say("measures for some seconds how fast this task is learnt here")
        plan = make_plan(request, out, cores)
        write_plan(out, plan)
    _check_same(plan, request, out, task)
    left = {job.name: job.seconds for job in plan.jobs if not finished(out, job)}
    wall = duration(wall_seconds(plan.jobs, left, cores) / HOUR_S)
    done = len(plan.jobs) - len(left)
    say(
        f"{len(plan.jobs)} runs, {done} of them done; about {wall} left on {cores} "
        f"core{'s' * (cores > 1)}:"
    )
    for line in describe(plan):
        say(line)
    return plan


def _check_same(plan: Plan, request: DistillRequest, out: Path, task: dict[str, object]) -> None:
    """Raise A2DError where a folder's plan is of another request, card or teacher."""
    accepted = {"accept_weak_teacher": request.accept_weak_teacher}  # that may be said later
    if plan.request.model_copy(update=accepted) != request or plan.task != task:
        raise A2DError(
            f"{out}: holds the runs of another request or another card; "
            "give the same options again, or name another folder with --out"
        )
    check_teacher(request, plan.sources)


def _examine(request: DistillRequest, teacher: Path, chance: Score) -> None:
    """Say what a teacher scores, and raise A2DError where it has nothing to teach."""
    score = score_of(teacher_returns(teacher))
    say(f"teacher: {score}")
    note = forgotten(teacher_curve(teacher), score, chance)
    if note is not None:
        say(f"note: {note}")
    error = weak_teacher(str(teacher), score, chance)
    if error is not None and not request.accept_weak_teacher:
        raise error


def _work(plan: Plan, request: DistillRequest, out: Path, cores: int, chance: Score) -> None:
    """Do what is left of a plan; a teacher that was trained is checked before it teaches."""
    before = {job.name for job in plan.jobs if finished(out, job)}
    progress = Progress(plan, out, cores, before)
    crew = Crew(out, cores, lambda: progress.watch(crew.spent, crew.running()))
    left = [job for job in plan.jobs if job.name not in before]
    try:
        if request.teacher is None:
            crew.work([job for job in left if job.kind == "teacher"])
            _examine(request, plan.sources.folder(request, out), chance)
        crew.work([job for job in left if job.kind != "teacher"])
    finally:
        progress.close()
