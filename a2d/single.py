"""Single runs, as the command line asks for them: specs are built, folders are read and written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from a2d.architecture import Architecture, write_architecture
from a2d.bundle import Interface, build_agent, build_supernet_agent, load_agent
from a2d.checkpoint import remove_checkpoint
from a2d.environments import make_environment
from a2d.errors import A2DError, Diverged
from a2d.evaluation import evaluate
from a2d.execute import interface_of, measure_network, random_design, run_search, run_training
from a2d.files import only_process, remove_partial
from a2d.integrity import check_bundle
from a2d.networks.agent import Agent
from a2d.records import Network, Record, read_record, write_record
from a2d.seeds import stream_seed
from a2d.spec import GivenAgent, ManualAgent, SearchSpec, TrainSpec, key_of, search_of
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
    build_agent(design, _interface(task))  # what does not fit is refused before there is a folder
    with only_process(out):
        return _finished(out, spec) or _keep(
            run_training(spec, out, agent, log=log), out / RECORD, out / ARCHITECTURE, out
        )


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
    build_supernet_agent(spec.search.space, _interface(task))
    with only_process(out):
        return _finished(out, spec) or _keep(run_search(spec, out, agent, log), out / RECORD, out / ARCHITECTURE, out)


def _finished(out: Path, spec: TrainSpec | SearchSpec) -> Record | None:
    """Return the record of a run that ``out`` holds already; raise A2DError if that is of another run."""
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
            check_bundle(out)
        except A2DError as error:
            print(f"a2d: {error}: it is trained again", file=sys.stderr)
            return None
    remove_checkpoint(out)
    print(f"a2d: {path}: this run is finished; nothing is repeated", file=sys.stderr)
    return record


def _keep(record: Record, path: Path, architecture: Path, folder: Path) -> Record:
    """Write what a search found, then the record, which vouches for the rest; the checkpoint has then served."""
    if record.search is not None:
        write_architecture(architecture, record.search.architecture)
    write_record(path, record)
    remove_checkpoint(folder)
    return record


def _interface(task: Path) -> Interface:
    card = load_card(task)
    return interface_of(make_environment(card, 1, 0), card.normalize_observations)


def draw_architecture(task: Path, like: Architecture, out: Path, seed: int) -> Architecture:
    """Write a random architecture with about the FLOPs of ``like`` to ``out``."""
    interface = _interface(task)
    drawn = random_design(like, interface, seed)
    write_architecture(out, drawn)
    return drawn


def evaluate_bundle(folder: Path, episodes: int, seed: int) -> list[float]:
    """Play test episodes with the agent in ``folder`` and return their returns."""
    agent, description = load_agent(folder)
    count = min(episodes, EVALUATION_ENVIRONMENTS)
    if episodes % count:
        raise A2DError(f"--episodes {episodes}: must be a multiple of {count}, the environments it plays in")
    seed = stream_seed(seed, "evaluation")
    environments = make_environment(description.spec.task, count, seed)
    try:
        return evaluate(agent.eval(), environments, episodes, seed).returns
    except Diverged as reason:
        raise A2DError(f"{reason}: these episodes have no score; mend the environment") from reason


def measure_costs(task: Path, design: str | Architecture) -> Network:
    """Measure a network's costs on a task."""
    interface = _interface(task)
    return measure_network(build_agent(design, interface), interface, design)


def do_run(study: Study, run: Run, workspace: Workspace, record_path: Path | None) -> None:
    """Do one run of a study, unless another process does it meanwhile."""
    spec, target, folder = run.spec, record_path or workspace.record(run), workspace.bundle(run.spec)
    before = _state_of(target)
    with only_process(folder):
        if _state_of(target) != before or (record_path is None and _is_done(target, spec)):
            return  # by another process meanwhile, or before one that shares its job on a cluster failed
        remove_partial(target.parent, target.stem)
        teacher = None if spec.teacher is None else _teacher(workspace.bundle(spec.teacher), spec.teacher)
        if isinstance(spec, SearchSpec):
            record = run_search(spec, folder, teacher)
        else:
            search = search_of(spec)
            searched = None if search is None else workspace.searched(study, search)
            record = run_training(spec, folder, teacher, searched)
        _keep(record, target, target.with_suffix(".arch.json"), folder)


def _is_done(path: Path, spec: TrainSpec | SearchSpec) -> bool:
    try:
        return path.exists() and read_record(path).key == key_of(spec)
    except A2DError:
        return False


def _state_of(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _teacher(folder: Path, spec: TrainSpec) -> Agent:
    agent, description = load_agent(folder)
    if key_of(description.spec) != key_of(spec):
        raise A2DError(f"{folder}: holds the agent of run {key_of(description.spec)}, not that of {key_of(spec)}")
    return agent
