"""How long the runs of a plan take, by a short measurement on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from a2d.distill.plan import Job, Plan
from a2d.distill.request import Setting
from a2d.distill.runs import run_request
from a2d.distill.speed import Speed, measure_speed
from a2d.environments import open_environment
from a2d.networks.imported import Teacher
from a2d.networks.interface import build_agent
from a2d.networks.supernet import Supernet
from a2d.runs.evaluation import play
from a2d.runs.request import SearchRequest, search_spec, train_spec
from a2d.search.searcher import make_searcher
from a2d.search.trial_searcher import TrialSearcher
from a2d.seeds import seed_global_streams, stream_seed
from a2d.specs.algorithm import PPOSettings
from a2d.specs.architecture import Architecture
from a2d.specs.run import GivenAgent, SearchSpec, TrainSpec
from a2d.specs.search import ImitationSettings
from a2d.specs.task import DEFAULT_EPISODE_LIMIT, TaskCard

START_S = 4.0  # of a process
LIVES_LONGER = 3.0  # a trained agent's episodes, by a random policy's; a guess
PLAYED = 200  # steps of ten environments


class Estimate:
    """How long jobs take, by a short measurement on this machine.

    Args:
        plan: with any number of steps; all its runs are checked by the way.
        setting: of its request.
        card: of the task.
        out: the folder of all runs.
    """

    def __init__(self, plan: Plan, setting: Setting, card: TaskCard, out: Path) -> None:
        self.plan, self.setting, self.out = plan, setting, out
        specs = self._specs()
        episodes = next(iter(specs.values())).evaluation.episodes
        self.tested = episodes * _episode_steps(card)
        self.speeds: dict[str, Speed] = {}
        self.trials_s: dict[str, float] = {}
        for job in plan.jobs:
            spec = specs[job.name]
            if isinstance(spec, TrainSpec) and job.alike not in self.speeds:
                self.speeds[job.alike] = self._measure(job, spec, specs)
        for job in plan.jobs:
            spec = specs[job.name]
            if isinstance(spec, SearchSpec):
                self.trials_s[job.name] = self._trials(spec, self._candidate(spec))

    def seconds(self, job: Job) -> float:
        """Return how long a job takes."""
        speed = self.speeds[job.alike]
        if job.kind == "search":
            return START_S + job.steps * speed.play_s + self.trials_s[job.name]
        return START_S + job.steps * speed.step_s + self.tested * speed.play_s

    def _specs(self) -> dict[str, TrainSpec | SearchSpec]:
        """Return the spec of every job, which refuses whatever is wrong with it."""
        given = None if self.setting.teacher is None else self.setting.teacher[1]
        specs: dict[str, TrainSpec | SearchSpec] = {}
        for job in self.plan.jobs:
            request = run_request(self.plan, self.setting, job, self.out)
            taught = specs.get("teacher") if given is None else given
            assert not isinstance(taught, SearchSpec)
            if isinstance(request, SearchRequest):
                specs[job.name] = search_spec(request, taught)
            else:
                design = job.network or self.setting.defaults.smallest
                specs[job.name] = train_spec(request, design, taught if request.teacher else None)
        return specs

    def _measure(
        self, job: Job, spec: TrainSpec, specs: dict[str, TrainSpec | SearchSpec]
    ) -> Speed:
        design: str | Architecture
        if job.network is not None:
            design = job.network
        else:
            assert job.search is not None
            search = specs[job.search]
            assert isinstance(search, SearchSpec)
            design = self._candidate(search)
        return measure_speed(spec, design, self._teacher() if spec.teacher else None)

    def _candidate(self, spec: SearchSpec) -> Architecture:
        """Return a network that the search may try."""
        shape = self.setting.interface.observation_shape
        supernet = Supernet(spec.search.space, spec.search.operators(spec.space), shape)
        searcher = make_searcher(spec, supernet)
        assert isinstance(searcher, TrialSearcher)
        return searcher.ask()

    def _teacher(self) -> Teacher:
        if self.setting.teacher is not None:
            return self.setting.teacher[0]
        return build_agent(self.setting.defaults.teacher, self.setting.interface).eval()

    def _trials(self, spec: SearchSpec, candidate: Architecture) -> float:
        """Return how long a search's candidates take to learn.

        What the teacher says is known then, so that a gradient takes what it takes without one.
        """
        assert isinstance(spec.search, ImitationSettings)
        settings = spec.algorithm
        gradients = 1
        if isinstance(settings, PPOSettings):
            gradients = settings.epochs * settings.minibatches
        alone = spec.model_dump(exclude={"kind", "search", "teacher", "distillation"})
        agent = GivenAgent(architecture=candidate)
        speed = measure_speed(TrainSpec.model_validate({**alone, "agent": agent}), candidate, None)
        gradient_s = speed.learn_s * settings.steps_per_update / gradients
        return spec.search.trials * spec.search.trial_updates * gradient_s


def _episode_steps(card: TaskCard) -> float:
    """Guess how long a trained agent's episodes are, by a random policy's first ones."""
    seed = stream_seed(0, "episode lengths")
    seed_global_streams(seed)
    with open_environment(card, 10, seed) as environments:
        limit = environments.metadata.get("max_episode_steps") or DEFAULT_EPISODE_LIMIT
        environments.action_space.seed(seed)
        played = play(
            lambda observation: environments.action_space.sample(),
            environments,
            10 * PLAYED,
            seed,
            longest=PLAYED,
        )
    if not played.lengths:
        return float(min(limit, LIVES_LONGER * PLAYED))
    return float(min(limit, LIVES_LONGER * np.mean(played.lengths)))
