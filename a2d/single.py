"""Single runs, as the command line asks for them: specs are built, folders are read and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from a2d.architecture import Architecture
from a2d.bundle import Interface, build_agent, load_agent
from a2d.environments import make_environment
from a2d.errors import A2DError
from a2d.evaluation import evaluate
from a2d.execute import interface_of, measure_network, random_design, run_search, run_training
from a2d.files import write_atomically
from a2d.networks.agent import Agent
from a2d.records import Network, Record, write_record
from a2d.seeds import stream_seed
from a2d.spec import GivenAgent, ManualAgent, SearchSpec, TrainSpec, search_of
from a2d.study import Run, Study
from a2d.tasks import describe_validation_error, load_card
from a2d.workspace import Workspace

RECORD, ARCHITECTURE = "record.json", "arch.json"
EVALUATION_ENVIRONMENTS = 10


def _base(
    task: Path, steps: int, seed: int, environments: int, teacher: Path | None, distill: str
) -> tuple[dict[str, Any], Agent | None]:
    if (teacher is None) != (distill == "none"):
        raise A2DError("--teacher and --distill go together: give both, or neither")
    base: dict[str, Any] = {
        "task": load_card(task),
        "steps": steps,
        "seed": seed,
        "a2c": {"environments": environments},
        "distillation": {"mode": distill},
    }
    if teacher is None:
        return base, None
    agent, description = load_agent(teacher)
    return {**base, "teacher": description.spec}, agent


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
    """Train one agent and leave its bundle and record in ``out``."""
    base, agent = _base(task, steps, seed, environments, teacher, distill)
    named = isinstance(design, str)
    kind = ManualAgent(network=design) if isinstance(design, str) else GivenAgent(architecture=design)
    try:
        spec = TrainSpec(**base, agent=kind)
    except ValidationError as error:
        raise describe_validation_error(error, f"a2d train ({design if named else 'architecture'})") from error
    record = run_training(spec, out, agent, log=log)
    write_record(out / RECORD, record)
    return record


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
    base, agent = _base(task, steps, seed, environments, teacher, distill)
    try:
        spec = SearchSpec(**base, search=settings)
    except ValidationError as error:
        raise describe_validation_error(error, "a2d search") from error
    record = run_search(spec, agent, log)
    assert record.search is not None
    _write_architecture(out / ARCHITECTURE, record.search.architecture)
    write_record(out / RECORD, record)
    return record


def _interface(task: Path) -> Interface:
    card = load_card(task)
    return interface_of(make_environment(card, 1, 0), card.normalize_observations)


def draw_architecture(task: Path, like: Architecture, out: Path, seed: int) -> Architecture:
    """Write a random architecture with about the FLOPs of ``like`` to ``out``."""
    interface = _interface(task)
    drawn = random_design(like, interface, seed)
    _write_architecture(out, drawn)
    return drawn


def _write_architecture(path: Path, architecture: Architecture) -> None:
    text = architecture.model_dump_json(indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def evaluate_bundle(folder: Path, episodes: int, seed: int) -> list[float]:
    """Play test episodes with the agent in ``folder`` and return their returns."""
    agent, description = load_agent(folder)
    count = min(episodes, EVALUATION_ENVIRONMENTS)
    if episodes % count:
        raise A2DError(f"--episodes {episodes}: must be a multiple of {count}, the environments it plays in")
    seed = stream_seed(seed, "evaluation")
    environments = make_environment(description.spec.task, count, seed)
    return evaluate(agent.eval(), environments, episodes, seed).returns


def measure_costs(task: Path, design: str | Architecture) -> Network:
    """Measure a network's costs on a task."""
    interface = _interface(task)
    return measure_network(build_agent(design, interface), interface, design)


def do_run(study: Study, run: Run, workspace: Workspace, record_path: Path | None) -> None:
    """Do one run of a study; its record is written last, so that it vouches for the rest."""
    spec, target = run.spec, record_path or workspace.record(run)
    teacher = None if spec.teacher is None else load_agent(workspace.bundle(spec.teacher))[0]
    if isinstance(spec, SearchSpec):
        record = run_search(spec, teacher)
        assert record.search is not None
        _write_architecture(target.with_suffix(".arch.json"), record.search.architecture)
    else:
        search = search_of(spec)
        searched = None if search is None else workspace.searched(study, search)
        record = run_training(spec, workspace.bundle(spec), teacher, searched)
    write_record(target, record)
