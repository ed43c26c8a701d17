"""What training and searching have in common, from the first environment to the record."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from gymnasium.vector import VectorEnv

from a2d.algorithms.learner import Learner
from a2d.algorithms.rollout import Collector
from a2d.console import say
from a2d.environments import make_environment
from a2d.errors import A2DError, Diverged
from a2d.files import checksum
from a2d.networks.agent import Agent
from a2d.networks.costs import count_flops, count_parameters, measure_latency
from a2d.networks.imported import ImportedAgent, Teacher
from a2d.networks.interface import Interface, build_agent, interface_of
from a2d.runs.checkpoint import Checkpoint
from a2d.runs.evaluation import evaluate
from a2d.runs.process import THREADS, accelerator_name, chosen_device, peak_memory_mib, prepare
from a2d.runs.progress_bar import Reporter
from a2d.runs.provenance import code_digest, collect_provenance, versions
from a2d.runs.records import Evaluation, Network, Record, SearchOutcome, Timing
from a2d.runs.training import Progress, Training, Work, train
from a2d.seeds import seed_global_streams, stream_seed
from a2d.specs.architecture import Architecture
from a2d.specs.run import (
    SearchSpec,
    TrainSpec,
    key_of,
)


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


def evaluate_agent(spec: TrainSpec | SearchSpec, agent: Agent) -> Evaluation:
    """Play the spec's test episodes; their seeds are a stream of their own.

    Raises:
        Diverged: a reward or an observation is not finite; there is no score.
    """
    # A run that is resumed after training has not drawn what the others have drawn until here.
    seed_global_streams(spec.seed, spec.kind, "evaluation")
    seed = stream_seed(spec.seed, spec.kind, "evaluation")
    environments = make_environment(spec.task, spec.evaluation.environments, seed)
    try:
        episodes = evaluate(agent.eval(), environments, spec.evaluation.episodes, seed)
    finally:
        close(environments)
    return Evaluation(seed=seed, returns=episodes.returns, lengths=episodes.lengths)


def close(environments: VectorEnv) -> None:
    """Close the environments; what they have done counts, whether they can or not."""
    try:
        environments.close()
    except Exception as error:
        say(f"closing the environments failed with {type(error).__name__}: {error}")


def evaluate_or_diverge(
    progress: Progress, spec: TrainSpec | SearchSpec, agent: Agent
) -> Evaluation | None:
    """Play the test episodes; where even those give no numbers, the run has diverged."""
    try:
        return evaluate_agent(spec, agent)
    except Diverged as reason:
        reasons = [progress.diverged, f"test episodes: {reason}"]
        progress.diverged = "; ".join(filter(None, reasons))
        return None


def check_teacher(teacher: Teacher, interface: Interface) -> None:
    """Raise A2DError, with both sides, where a teacher does not fit the student's task."""
    own = teacher.interface if isinstance(teacher, ImportedAgent) else Interface.of_agent(teacher)
    taught, learned = own.model_dump(), interface.model_dump()
    sides = [
        f"{name}: {taught[name]} against {learned[name]}"
        for name in taught
        if taught[name] != learned[name]
    ]
    if sides:
        raise A2DError(f"the teacher does not fit the task, its side first: {', '.join(sides)}")


class Execution:
    """What training and searching have in common: a process set up, environments, and a record.

    Args:
        spec: of the run.
        folder: for the checkpoint.
        teacher: the trained agent of ``spec.teacher``.
        log: folder for TensorBoard's files.
    """

    def __init__(
        self, spec: TrainSpec | SearchSpec, folder: Path, teacher: Teacher | None, log: Path | None
    ) -> None:
        self.spec, self.folder, self.teacher, self.log = spec, folder, teacher, log
        self.start = time.perf_counter()
        prepare()
        seed_global_streams(spec.seed, spec.kind)
        self.device = chosen_device()
        self.stream = stream_seed(spec.seed, spec.kind, "network")
        self.seed = stream_seed(spec.seed, spec.kind, "environments")
        self.environments = make_environment(spec.task, spec.algorithm.environments, self.seed)
        self.interface = interface_of(self.environments, spec.task.normalize_observations)
        if teacher is not None:
            check_teacher(teacher, self.interface)

    def training(
        self, learner: Learner, generator: torch.Generator, updates: int | None = None
    ) -> Training:
        """Return the training of a learner. Raise Diverged where the first observation is bad."""
        return Training(self.spec, learner, self.collector(generator), updates)

    def collector(self, generator: torch.Generator) -> Collector:
        """Return what steps the environments; ``generator`` draws the actions."""
        spec = self.spec
        return Collector(
            self.environments, spec.task, self.seed, spec.algorithm.discount, generator
        )

    def work(self, make: Callable[[], Work], design: str | Architecture | None = None) -> Progress:
        """Train or search to the end, from the checkpoint if there is one."""
        title = f"{self.spec.task.name} {self.spec.kind} {key_of(self.spec)[:8]}"
        provenance = collect_provenance(THREADS, accelerator_name())
        checkpoint = Checkpoint(self.folder, self._identity(design))
        with Reporter(title, self.spec.steps, self.log, self.folder) as reporter, checkpoint:
            try:
                work = make()
            except Diverged as reason:
                return Progress(diverged=str(reason))
            return train(work, reporter, checkpoint, provenance)

    def _identity(self, design: str | Architecture | None) -> dict[str, str]:
        """Return what a checkpoint depends on besides the machine."""
        spec, device = self.spec, self.device.type
        identity = {"run": key_of(spec), "code": code_digest(), "device": device, **versions()}
        if design is not None:
            identity["network"] = str(design)
        module = getattr(sys.modules.get(spec.task.import_module or ""), "__file__", None)
        if module is not None:
            identity["import_module"] = checksum(Path(module))
        if self.teacher is not None:
            tensors = self.teacher.state_dict().values()
            weights = [tensor.cpu().contiguous().numpy().tobytes() for tensor in tensors]
            identity["teacher"] = hashlib.sha256(b"".join(weights)).hexdigest()
        return identity

    def record(
        self,
        progress: Progress,
        evaluation: Evaluation | None,
        design: str | Architecture,
        search: SearchOutcome | None = None,
    ) -> Record:
        """Return the record of the run, whose agent has this design."""
        timing = Timing(
            wall_s=time.perf_counter() - self.start + progress.resumed_seconds,
            training_s=progress.seconds,
            steps_per_second=progress.steps / progress.seconds if progress.steps else 0.0,
            peak_memory_mib=peak_memory_mib(),
        )
        return Record(
            key=key_of(self.spec),
            status="finished" if progress.diverged is None else "diverged",
            reason=progress.diverged,
            steps_done=progress.steps,
            spec=self.spec,
            evaluation=evaluation,
            curve=progress.curve,
            loss_terms=progress.terms,
            network=measure_network(build_agent(design, self.interface), self.interface, design),
            search=search,
            timing=timing,
            provenance=collect_provenance(THREADS, accelerator_name()),
            resumed_from=tuple(progress.earlier),
        )
