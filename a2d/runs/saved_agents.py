"""Agents that single runs left in folders: read as teachers, and tested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from a2d.console import say
from a2d.environments import open_environment
from a2d.errors import A2DError, nearest
from a2d.networks.agent import Agent
from a2d.networks.imported import Teacher
from a2d.runs.agent_checks import IMPORTED
from a2d.runs.agent_files import Description, load_agent, load_description
from a2d.runs.evaluation import Choice, evaluate
from a2d.runs.file_kinds import expect
from a2d.runs.records import RECORD, CurvePoint, Record, read_record
from a2d.runs.teachers.store import load_imported, read_imported
from a2d.seeds import seed_global_streams, stream_seed
from a2d.specs.run import TrainSpec, key_of
from a2d.specs.task import TaskCard
from a2d.specs.teacher import ImportedTeacher

EVALUATION_ENVIRONMENTS = 10
MEASURED_EPISODES = 30  # of a teacher without a record


def load_teacher(folder: Path) -> tuple[Agent, Description]:
    """Read a trained agent to learn from.

    Raises:
        A2DError: it cannot be read, or its own training diverged.
    """
    agent, description = load_agent(expect(folder, "agent"))
    reason = _divergence(folder, description)
    if reason is not None:
        raise A2DError(
            f"{folder}: no teacher, because its own training diverged ({reason}); "
            "train one with another seed, or fix what made it diverge"
        )
    return agent, description


def load_any_teacher(folder: Path) -> tuple[Teacher, TrainSpec | ImportedTeacher]:
    """Read a teacher that was trained here, or imported; raise A2DError where it is none."""
    if (expect(folder, "teacher") / IMPORTED).is_file():
        return load_imported(folder)
    agent, description = load_teacher(folder)
    return agent, description.spec


def task_of(folder: Path) -> TaskCard:
    """Return the task of a saved agent, or of an imported teacher."""
    if (expect(folder, "teacher") / IMPORTED).is_file():
        return read_imported(folder).spec.task
    return load_description(folder).spec.task


def teacher_returns(folder: Path) -> Sequence[float]:
    """Return those of a teacher's test episodes: as recorded beside it, or else played."""
    if (expect(folder, "teacher") / IMPORTED).is_file():
        return read_imported(folder).spec.returns
    record = _record(folder, load_description(folder))
    if record is not None and record.evaluation is not None:
        return record.evaluation.returns
    return evaluate_saved_agent(folder, MEASURED_EPISODES, 0)


def teacher_curve(folder: Path) -> Sequence[CurvePoint]:
    """Return a teacher's learning curve; nothing where no record of ours lies beside it."""
    if (expect(folder, "teacher") / IMPORTED).is_file():
        return ()
    record = _record(folder, load_description(folder))
    return () if record is None else record.curve


def _record(folder: Path, description: Description) -> Record | None:
    """Return the record of an agent's run that lies beside it, if there is one."""
    if not (folder / RECORD).is_file():
        return None
    try:
        record = read_record(folder / RECORD)
    except A2DError:
        return None
    if record.key != key_of(description.spec):
        return None
    return record


def _divergence(folder: Path, description: Description) -> str | None:
    """Return why an agent's run diverged; None if it did not.

    An agent that was saved by an earlier version does not say so itself; the record beside it does,
    if there is one.
    """
    record = _record(folder, description)
    if description.diverged is not None or record is None:
        return description.diverged
    return record.reason if record.status == "diverged" else None


def _player(folder: Path) -> Teacher:
    if (expect(folder, "teacher") / IMPORTED).is_file():
        return load_imported(folder)[0]
    agent, description = load_agent(folder)
    reason = _divergence(folder, description)
    if reason is not None:
        say(f"{folder}: this agent's training diverged ({reason}); its last good weights play")
    return agent


def evaluate_saved_agent(
    folder: Path,
    episodes: int,
    seed: int,
    environments: int | None = None,
    choice: Choice = "sampled",
) -> list[float]:
    """Play test episodes with the agent, or the teacher, in ``folder``; return their returns.

    Raises:
        A2DError: the agent is damaged, or the environments do not divide the episodes.
        Diverged: an output of the network, a reward or an observation is not finite.
    """
    agent = _player(folder)
    count = environments or min(episodes, EVALUATION_ENVIRONMENTS)
    if episodes % count:
        raise A2DError(
            f"--episodes {episodes}: must be a multiple of {count}, the environments it plays in; "
            f"the nearest: {nearest(episodes, count)}"
        )
    seed = stream_seed(seed, "evaluation")
    seed_global_streams(seed)
    with open_environment(task_of(folder), count, seed) as opened:
        return evaluate(agent.eval(), opened, episodes, seed, choice=choice).returns
