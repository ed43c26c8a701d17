"""Turning a spec into a record: build, train or search, evaluate, measure costs."""

from __future__ import annotations

from pathlib import Path

import torch

from a2d.algorithms.learner import Learner, PathSearcher
from a2d.algorithms.make_learner import make_learner
from a2d.console import say
from a2d.errors import A2DError
from a2d.networks.imported import Teacher
from a2d.networks.interface import Interface, build_agent, build_supernet_agent
from a2d.networks.supernet import Supernet
from a2d.runs.agent_files import save_agent
from a2d.runs.execution import Execution, close, evaluate_or_diverge
from a2d.runs.imitation import Demonstration, Imitating
from a2d.runs.records import Record, SearchOutcome
from a2d.runs.stopping import stoppable
from a2d.runs.training import Progress, Work
from a2d.runs.trials import FromScratch, SharedWeights, Trials
from a2d.search.matched import random_design
from a2d.search.searcher import ENTROPY, Searcher, make_searcher
from a2d.search.trial_searcher import TrialSearcher
from a2d.seeds import own_stream
from a2d.specs.architecture import Architecture
from a2d.specs.run import (
    DerivedAgent,
    GivenAgent,
    ManualAgent,
    SearchSpec,
    TrainSpec,
    key_of,
    search_of,
)
from a2d.specs.search import ImitationSettings

AFTER_TRAINING = "stopped after training; the same command resumes with the test episodes"


def design_of(
    spec: TrainSpec, searched: Architecture | None, interface: Interface
) -> str | Architecture:
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
    search = search_of(spec)
    if searched is None or search is None:
        raise A2DError(f"run {key_of(spec)}: its search's arch.json is needed, and was not given")
    if isinstance(spec.agent, DerivedAgent):
        return searched
    operators, costs = search.search.operators(search.space), search.search.costs
    return random_design(searched, operators, interface, spec.seed, spec.agent.draw, costs)


def run_training(
    spec: TrainSpec,
    folder: Path,
    teacher: Teacher | None = None,
    searched: Architecture | None = None,
    log: Path | None = None,
) -> Record:
    """Train an agent from scratch, save its files in ``folder`` and return the run's record.

    Args:
        spec: the run.
        folder: for the agent's files and, while it trains, the checkpoint. The caller removes that
            once the record is written.
        teacher: the trained agent of ``spec.teacher``.
        searched: what ``search_of(spec)`` derived.
        log: folder for TensorBoard's files.
    """
    run = Execution(spec, folder, teacher, log)
    design = design_of(spec, searched, run.interface)
    with own_stream(run.stream, run.device) as generator:
        agent = build_agent(design, run.interface).to(run.device)
    learner = make_learner(spec, agent, teacher)
    progress = run.work(lambda: run.training(learner, generator), design)
    with stoppable(AFTER_TRAINING):
        close(run.environments)
        agent.cpu()  # test episodes are the processor's
        evaluation = evaluate_or_diverge(progress, spec, agent)
        save_agent(folder, agent, spec, design, run.interface, progress.diverged)
        return run.record(progress, evaluation, design)


def run_search(
    spec: SearchSpec, folder: Path, teacher: Teacher | None = None, log: Path | None = None
) -> Record:
    """Search an architecture and return the run's record, which holds it.

    The evaluation is the supernet's own along the chosen path or, where there is no supernet, that
    of the best trial's agent; the costs are the derived network's.

    Args:
        spec: the run.
        folder: for the checkpoint. The caller removes that once the record is written.
        teacher: the trained agent of ``spec.teacher``.
        log: folder for TensorBoard's files.
    """
    run = Execution(spec, folder, teacher, log)
    candidates = spec.search.operators(spec.space)
    with own_stream(run.stream, run.device) as generator:
        agent = build_supernet_agent(spec.search.space, candidates, run.interface).to(run.device)
    assert isinstance(agent.backbone, Supernet)
    searcher = make_searcher(spec, agent.backbone)
    if not isinstance(searcher, PathSearcher):
        assert isinstance(searcher, TrialSearcher)
        return _search_by_trials(run, spec, searcher)
    learner = make_learner(spec, agent, teacher, searcher)
    progress = run.work(lambda: _supernet_work(run, spec, learner, searcher, generator))
    with stoppable(AFTER_TRAINING):
        close(run.environments)
        agent.cpu()  # test episodes are the processor's
        outcome = _outcome(searcher, progress)
        agent.backbone.choose(outcome.architecture)
        evaluation = evaluate_or_diverge(progress, spec, agent)
        return run.record(progress, evaluation, outcome.architecture, outcome)


def _supernet_work(
    run: Execution,
    spec: SearchSpec,
    learner: Learner,
    searcher: Searcher,
    generator: torch.Generator,
) -> Work:
    """Return the training of a supernet, with trials of its paths after it if there are any."""
    training = run.training(learner, generator, spec.search.supernet_updates(spec.updates))
    if not isinstance(searcher, TrialSearcher):
        return training
    return Trials(spec, searcher, SharedWeights(spec, learner.agent), training)


def _search_by_trials(run: Execution, spec: SearchSpec, searcher: TrialSearcher) -> Record:
    """Search by trials whose agents have weights of their own."""
    player: FromScratch | Imitating
    first: Demonstration | None = None
    if isinstance(spec.search, ImitationSettings):
        assert run.teacher is not None  # or the spec would have been refused
        generator = torch.Generator(run.device).manual_seed(run.stream)
        first = Demonstration(spec, run.teacher, lambda: run.collector(generator))
        player = Imitating(spec, first, run.interface, run.device)
    else:
        close(run.environments)  # every trial has its own
        player = FromScratch(spec, run.interface, run.teacher, run.device)
    progress = run.work(lambda: Trials(spec, searcher, player, first))
    with stoppable(AFTER_TRAINING):
        if first is not None:
            close(run.environments)
        outcome = _outcome(searcher, progress)
        agent = build_agent(outcome.architecture, run.interface)
        if player.weights:
            agent.load_state_dict(player.weights)
        evaluation = evaluate_or_diverge(progress, spec, agent)
        return run.record(progress, evaluation, outcome.architecture, outcome)


def _outcome(searcher: Searcher, progress: Progress) -> SearchOutcome:
    found = searcher.finish()
    entropy = [watched[ENTROPY] for watched in progress.watched if ENTROPY in watched]
    if isinstance(searcher, TrialSearcher) and all(trial.score is None for trial in found.trials):
        say(
            f"{searcher.spec.task.name}: no trial of the search has a score, as no episode ended "
            "in time, so its architecture is a random one; give it more steps, or fewer trials"
        )
    return SearchOutcome(
        architecture=found.architecture,
        alpha=found.alpha,
        gradient_t=found.gradient_t,
        operator_flops=found.operator_flops,
        entropy=entropy or None,
        skips=found.architecture.skips(),
        trials=found.trials,
    )
