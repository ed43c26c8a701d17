"""Turning a spec into a record: build, train or search, evaluate, measure costs."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import numpy as np
import torch
from gymnasium.vector import VectorEnv

from a2d.specs.architecture import Architecture
from a2d.networks.interface import Interface, build_agent, build_supernet_agent
from a2d.runs.agent_files import save_agent
from a2d.runs.checkpoint import Checkpoint
from a2d.console import say
from a2d.networks.interface import interface_of
from a2d.search.matched import random_design
from a2d.networks.costs import count_flops, count_parameters, measure_latency
from a2d.environments import make_environment
from a2d.errors import A2DError, Diverged
from a2d.runs.evaluation import evaluate
from a2d.files import checksum
from a2d.algorithms.a2c import Learner
from a2d.networks.agent import Agent
from a2d.networks.supernet import Gates, Supernet, operator_flops
from a2d.runs.process import THREADS, accelerator_name, chosen_device, peak_memory_mib, prepare
from a2d.runs.provenance import code_digest, collect_provenance, versions
from a2d.runs.records import Evaluation, Network, Record, SearchOutcome, Timing
from a2d.runs.progress_bar import Reporter
from a2d.algorithms.rollout import Collector
from a2d.search.gumbel import SearchLearner
from a2d.search.matched import match_flops
from a2d.seeds import own_stream, seed_global_streams, stream_seed
from a2d.specs.run import DerivedAgent, GivenAgent, ManualAgent, SearchSpec, TrainSpec, key_of
from a2d.runs.stopping import stoppable
from a2d.runs.training import Progress, Training, train

AFTER_TRAINING = "stopped after training; the same command goes on with the test episodes"


def _prepare(spec: TrainSpec | SearchSpec) -> torch.device:
    """Set up process and global random streams; return the device to train on."""
    prepare()
    seed_global_streams(spec.seed, spec.kind)
    return chosen_device()


def _environments(spec: TrainSpec | SearchSpec, count: int, stream: str) -> tuple[VectorEnv, int]:
    seed = stream_seed(spec.seed, spec.kind, stream)
    return make_environment(spec.task, count, seed), seed


def design_of(spec: TrainSpec, searched: Architecture | None, interface: Interface) -> str | Architecture:
    """Return the network to train: a name, or an architecture.

    Args:
        spec: of the run.
        searched: what ``search_of(spec)`` derived, for the agents that depend on a search.
        interface: of the task.
    """
    match spec.agent:
        case ManualAgent(network=network):
            return network
        case GivenAgent(architecture=architecture):
            return architecture
    if searched is None:
        raise A2DError(f"run {key_of(spec)}: its search's arch.json is needed, and was not given")
    if isinstance(spec.agent, DerivedAgent):
        return searched
    return random_design(searched, interface, spec.seed)


def measure_network(agent: Agent, interface: Interface, design: str | Architecture) -> Network:
    """Measure what one decision of the agent costs."""
    observation = interface.blank()

    def act() -> None:
        with torch.inference_mode():
            agent(observation)

    latency = measure_latency(act)
    return Network(
        design=design,
        flops=count_flops(agent, observation),
        parameters=count_parameters(agent),
        latency_median_ms=latency.median_ms,
        latency_p99_ms=latency.p99_ms,
    )


def evaluate_agent(spec: TrainSpec | SearchSpec, agent: Agent, *gates: Gates) -> Evaluation:
    """Play the spec's test episodes; their seeds are a stream of their own, whatever was done before.

    Raises:
        Diverged: a reward or an observation is not finite; there is no score.
    """
    # A run that goes on after training has not drawn what the others have drawn until here.
    seed_global_streams(spec.seed, spec.kind, "evaluation")
    environments, seed = _environments(spec, spec.evaluation.environments, "evaluation")
    try:
        episodes = evaluate(agent.eval(), environments, spec.evaluation.episodes, seed, *gates)
    finally:
        _close(environments)
    return Evaluation(seed=seed, returns=episodes.returns, lengths=episodes.lengths)


def _close(environments: VectorEnv) -> None:
    """Close the environments; what they have done counts, whether they can or not."""
    try:
        environments.close()
    except Exception as error:
        say(f"closing the environments failed with {type(error).__name__}: {error}")


def _evaluate(progress: Progress, spec: TrainSpec | SearchSpec, agent: Agent, *gates: Gates) -> Evaluation | None:
    """Play the test episodes; a run in which even those give no numbers has diverged, and has no score."""
    try:
        return evaluate_agent(spec, agent, *gates)
    except Diverged as reason:
        told = "" if progress.diverged is None else f"{progress.diverged}; "
        progress.diverged = f"{told}test episodes: {reason}"
        return None


def _identity(spec: TrainSpec | SearchSpec, learner: Learner, design: str | Architecture | None) -> dict[str, str]:
    """Return what a checkpoint depends on besides the machine: it is not gone on from with anything else."""
    identity = {"run": key_of(spec), "code": code_digest(), "device": learner.agent.device.type, **versions()}
    if design is not None:
        identity["network"] = str(design)
    module = getattr(sys.modules.get(spec.task.import_module or ""), "__file__", None)
    if module is not None:
        identity["import_module"] = checksum(Path(module))
    if learner.teacher is not None:
        weights = [tensor.cpu().contiguous().numpy().tobytes() for tensor in learner.teacher.state_dict().values()]
        identity["teacher"] = hashlib.sha256(b"".join(weights)).hexdigest()
    return identity


def _train(
    spec: TrainSpec | SearchSpec,
    folder: Path,
    learner: Learner,
    environments: VectorEnv,
    generator: torch.Generator,
    log: Path | None,
    design: str | Architecture | None = None,
) -> Progress:
    title = f"{spec.task.name} {spec.kind} {key_of(spec)[:8]}"
    seed = stream_seed(spec.seed, spec.kind, "environments")
    provenance = collect_provenance(THREADS, accelerator_name())
    checkpoint = Checkpoint(folder, _identity(spec, learner, design))
    with Reporter(title, spec.steps, log, folder) as reporter, checkpoint:
        try:
            collector = Collector(environments, spec.task, seed, spec.a2c.discount, generator)
        except Diverged as reason:
            return Progress(diverged=str(reason))
        return train(Training(spec, learner, collector), reporter, checkpoint, provenance)


def check_teacher(teacher: Agent, interface: Interface) -> None:
    """Raise A2DError, with both sides, where a teacher does not see and do what the student does."""
    taught, learned = Interface.of_agent(teacher).model_dump(), interface.model_dump()
    sides = [f"{name}: {taught[name]} against {learned[name]}" for name in taught if taught[name] != learned[name]]
    if sides:
        raise A2DError(f"the teacher does not fit the task, its side first: {', '.join(sides)}")


def _record(
    spec: TrainSpec | SearchSpec,
    progress: Progress,
    evaluation: Evaluation | None,
    network: Network,
    start: float,
    search: SearchOutcome | None = None,
) -> Record:
    timing = Timing(
        wall_s=time.perf_counter() - start + progress.resumed_seconds,
        training_s=progress.seconds,
        steps_per_second=progress.steps / progress.seconds if progress.steps else 0.0,
        peak_memory_mib=peak_memory_mib(),
    )
    return Record(
        key=key_of(spec),
        status="finished" if progress.diverged is None else "diverged",
        reason=progress.diverged,
        steps_done=progress.steps,
        spec=spec,
        evaluation=evaluation,
        curve=progress.curve,
        loss_terms=progress.terms,
        network=network,
        search=search,
        timing=timing,
        provenance=collect_provenance(THREADS, accelerator_name()),
        resumed_from=tuple(progress.earlier),
    )


def run_training(
    spec: TrainSpec,
    folder: Path,
    teacher: Agent | None = None,
    searched: Architecture | None = None,
    log: Path | None = None,
) -> Record:
    """Train an agent from scratch, save its bundle in ``folder`` and return the run's record.

    Args:
        spec: the run.
        folder: for the agent's bundle, and for the state from which a run that was stopped goes on.
            The caller removes that once the record is written.
        teacher: the trained agent of ``spec.teacher``.
        searched: what ``search_of(spec)`` derived.
        log: folder for TensorBoard's files.
    """
    start = time.perf_counter()
    device = _prepare(spec)
    environments, _ = _environments(spec, spec.a2c.environments, "environments")
    interface = interface_of(environments, spec.task.normalize_observations)
    if teacher is not None:
        check_teacher(teacher, interface)
    with own_stream(stream_seed(spec.seed, spec.kind, "network"), device) as generator:
        design = design_of(spec, searched, interface)
        agent = build_agent(design, interface).to(device)
    learner = Learner(agent, spec.a2c, spec.distillation, teacher)
    progress = _train(spec, folder, learner, environments, generator, log, design)
    with stoppable(AFTER_TRAINING):
        _close(environments)
        agent.cpu()  # latency and test episodes are the processor's
        evaluation = _evaluate(progress, spec, agent)
        save_agent(folder, agent, spec, design, interface, progress.diverged)
        network = measure_network(agent, interface, design)
        return _record(spec, progress, evaluation, network, start)


def run_search(spec: SearchSpec, folder: Path, teacher: Agent | None = None, log: Path | None = None) -> Record:
    """Search an architecture and return the run's record, which holds it.

    The evaluation is the supernet's own, along its strongest path; the costs are the derived
    network's.

    Args:
        spec: the run.
        folder: for the state from which a run that was stopped goes on. The caller removes that
            once the record is written.
        teacher: the trained agent of ``spec.teacher``.
        log: folder for TensorBoard's files.
    """
    start = time.perf_counter()
    device = _prepare(spec)
    environments, _ = _environments(spec, spec.a2c.environments, "environments")
    interface = interface_of(environments, spec.task.normalize_observations)
    if teacher is not None:
        check_teacher(teacher, interface)
    with own_stream(stream_seed(spec.seed, spec.kind, "network"), device) as generator:
        agent = build_supernet_agent(spec.search.space, interface).to(device)
    learner = SearchLearner(agent, spec, teacher)
    progress = _train(spec, folder, learner, environments, generator, log)
    with stoppable(AFTER_TRAINING):
        _close(environments)
        agent.cpu()  # test episodes are the processor's
        evaluation = _evaluate(progress, spec, agent, learner.strongest())
        architecture = learner.derive()
        network = measure_network(build_agent(architecture, interface), interface, architecture)
        outcome = SearchOutcome(architecture=architecture, alpha=learner.alpha.tolist(), skips=architecture.skips())
        return _record(spec, progress, evaluation, network, start, outcome)
