"""One run in a folder, as the command line asks for it: builds specs, reads and writes folders."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from a2d.console import say
from a2d.environments import open_environment
from a2d.errors import A2DError, Diverged, nearest
from a2d.files import only_process
from a2d.networks.agent import Agent
from a2d.networks.interface import Interface, build_agent, interface_of
from a2d.networks.supernet import Supernet
from a2d.runs.agent_checks import check_agent_files
from a2d.runs.agent_files import Description, load_agent
from a2d.runs.checkpoint import remove_checkpoint
from a2d.runs.evaluation import evaluate
from a2d.runs.execute import run_search, run_training
from a2d.runs.file_kinds import expect
from a2d.runs.records import Record, read_record, write_record
from a2d.search.matched import random_design
from a2d.search.searcher import make_searcher
from a2d.seeds import seed_global_streams, stream_seed
from a2d.specs.architecture import (
    PAPER_OPERATORS,
    Architecture,
    load_architecture,
    write_architecture,
)
from a2d.specs.data import describe_validation_error
from a2d.specs.run import GivenAgent, ManualAgent, SearchSpec, TrainSpec, key_of
from a2d.specs.search import SETTINGS
from a2d.specs.task import TaskCard, load_card

RECORD, ARCHITECTURE = "record.json", "arch.json"
EVALUATION_ENVIRONMENTS = 10


def _base(
    task: Path, steps: int, seed: int, environments: int, teacher: Path | None, distill: str
) -> tuple[dict[str, Any], Agent | None]:
    if (teacher is None) != (distill == "none"):
        raise A2DError("--teacher and --distill go together: give both, or neither")
    base: dict[str, Any] = {
        "task": _card(task),
        "steps": steps,
        "seed": seed,
        "a2c": {"environments": environments},
        "distillation": {"mode": distill},
    }
    if teacher is None:
        return base, None
    agent, description = load_teacher(teacher)
    return {**base, "teacher": description.spec}, agent


def _card(path: Path) -> TaskCard:
    card = load_card(expect(path, "card"))
    # In an ASCII locale, Python holds a name's other letters in a form that no record can.
    return card.model_copy(update={"name": os.fsencode(card.name).decode("utf-8", "replace")})


def read_design(path: Path) -> Architecture:
    """Read the architecture that an option names; raise A2DError if the path is anything else."""
    return load_architecture(expect(path, "architecture"))


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


def _divergence(folder: Path, description: Description) -> str | None:
    """Return why an agent's run diverged; None if it did not.

    An agent that was saved by an earlier version does not say so itself; the record beside it does,
    if there is one.
    """
    if description.diverged is not None or not (folder / RECORD).is_file():
        return description.diverged
    try:
        record = read_record(folder / RECORD)
    except A2DError:
        return None
    if record.key == key_of(description.spec) and record.status == "diverged":
        return record.reason
    return None


def _check_outputs(out: Path, log: Path | None) -> None:
    """Refuse, before anything is built, what a run could not write to."""
    for option, folder in (("--out", out), ("--log", log)):
        if folder is not None and folder.exists() and not folder.is_dir():
            raise A2DError(f"{folder}: is a file; {option} names a folder, new or the run's own")
    if log is not None and find_spec("tensorboard") is None:
        raise A2DError(
            "--log: needs the package tensorboard; "
            "pip install 'a2d[tensorboard]', or leave --log out"
        )


def train_agent(
    task: Path,
    out: Path,
    design: str | Architecture,
    steps: int,
    seed: int,
    environments: int,
    teacher: Path | None,
    distill: str,
    log: Path | None,
) -> Record:
    """Train one agent and leave its files and record in ``out``."""
    _check_outputs(out, log)
    base, agent = _base(task, steps, seed, environments, teacher, distill)
    chosen: ManualAgent | GivenAgent
    try:
        if isinstance(design, str):
            name, chosen = design, ManualAgent(network=design)
        else:
            name, chosen = "architecture", GivenAgent(architecture=design)
        spec = TrainSpec(**base, agent=chosen)
    except ValidationError as error:
        raise describe_validation_error(error, f"a2d train ({name})") from error
    build_agent(design, _interface(task))  # what does not fit is refused before there is a folder
    with only_process(out):
        return _finished(out, spec) or keep_record(
            run_training(spec, out, agent, log=log), out / RECORD, out / ARCHITECTURE, out
        )


def searcher_settings(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return a searcher's settings from the options that were given, by name; None: it was not.

    Raises:
        A2DError: there is no such searcher, or it has no such option.
    """
    if kind not in SETTINGS:
        raise A2DError(f"--searcher {kind}: should be one of {', '.join(SETTINGS)}")
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in SETTINGS[kind].model_fields:
            having = [other for other, each in SETTINGS.items() if name in each.model_fields]
            option = "--" + {"cost_coefficient": "cost"}.get(name, name.replace("_", "-"))
            raise A2DError(f"{option}: is for --searcher {' or '.join(having)}, not for {kind}")
    return {"kind": kind, **given}


def search_architecture(
    task: Path,
    out: Path,
    steps: int,
    seed: int,
    environments: int,
    teacher: Path | None,
    distill: str,
    settings: dict[str, Any],
    log: Path | None,
) -> Record:
    """Search an architecture and leave ``arch.json`` and the record in ``out``."""
    _check_outputs(out, log)
    base, agent = _base(task, steps, seed, environments, teacher, distill)
    try:
        spec = SearchSpec(**base, search=settings)
    except ValidationError as error:
        raise describe_validation_error(error, "a2d search") from error
    supernet = Supernet(
        spec.search.space, spec.search.operators(spec.space), _interface(task).observation_shape
    )
    make_searcher(spec, supernet)  # what does not fit is refused before there is a folder
    with only_process(out):
        return _finished(out, spec) or keep_record(
            run_search(spec, out, agent, log), out / RECORD, out / ARCHITECTURE, out
        )


def _finished(out: Path, spec: TrainSpec | SearchSpec) -> Record | None:
    """Return the record that ``out`` holds, if any; raise A2DError if it is another run's."""
    path = out / RECORD
    if not path.exists():
        return None
    record = read_record(path)
    if record.key != key_of(spec):
        raise A2DError(f"{path}: is the record of another run; name another folder with --out")
    if record.search is not None:
        write_architecture(out / ARCHITECTURE, record.search.architecture)
    else:
        try:
            check_agent_files(out)
        except A2DError as error:
            say(f"{error}: it is trained again")
            return None
    remove_checkpoint(out)
    say(f"{path}: this run is finished; nothing is repeated")
    return record


def describe_divergence(record: Record) -> str:
    """Return a line that says where and why a run diverged, and what is kept."""
    score = "no score"
    if record.evaluation is not None:
        score = f"score {record.score:.2f}"
    return (
        f"the run diverged at step {record.steps_done:,} of {record.spec.steps:,} "
        f"({record.reason}); "
        f"kept are its record and the last good weights, {score}"
    )


def keep_record(record: Record, path: Path, architecture: Path, folder: Path) -> Record:
    """Write what a search found, then the record, which confirms it; delete the checkpoint."""
    if record.search is not None:
        write_architecture(architecture, record.search.architecture)
    write_record(path, record)
    remove_checkpoint(folder)
    return record


def _interface(task: Path) -> Interface:
    card = _card(task)
    seed_global_streams(0)
    with open_environment(card, 1, 0) as probe:
        return interface_of(probe, card.normalize_observations)


def draw_architecture(task: Path, like: Architecture, out: Path, seed: int) -> Architecture:
    """Write a random architecture with about the FLOPs of ``like`` to ``out``.

    Raises:
        A2DError: ``out`` is something else than an architecture.
    """
    if out.exists():
        expect(out, "architecture")
    interface = _interface(task)
    drawn = random_design(like, tuple(PAPER_OPERATORS[like.space]), interface, seed)
    write_architecture(out, drawn)
    return drawn


def evaluate_saved_agent(
    folder: Path, episodes: int, seed: int, environments: int | None = None
) -> list[float]:
    """Play test episodes with the agent in ``folder`` and return their returns."""
    agent, description = load_agent(expect(folder, "agent"))
    reason = _divergence(folder, description)
    if reason is not None:
        say(f"{folder}: this agent's training diverged ({reason}); its last good weights play")
    count = environments or min(episodes, EVALUATION_ENVIRONMENTS)
    if episodes % count:
        raise A2DError(
            f"--episodes {episodes}: must be a multiple of {count}, the environments it plays in; "
            f"the nearest: {nearest(episodes, count)}"
        )
    seed = stream_seed(seed, "evaluation")
    seed_global_streams(seed)
    try:
        with open_environment(description.spec.task, count, seed) as opened:
            return evaluate(agent.eval(), opened, episodes, seed).returns
    except Diverged as reason:
        raise A2DError(f"{reason}: these episodes have no score; fix the environment") from reason
