"""Does our A2C agree with stable-baselines3's (SB3's) on one network, start and settings?

One run: ``python -m benchmarks.agreement --task gymnasium-cartpole --implementation ours --seed 0``
(or ``sb3``) writes ``benchmarks/agreement/<task>/<implementation>-seed<S>.json``; a run that is
there is not repeated. Without ``--implementation`` or ``--seed`` all of them are run, one after the
other. Then ``python -m benchmarks.agreement_summary`` applies the rule and renders ``agreement.md``
and ``agreement.png``.

Ours is the library's own run (``run_training``). SB3's uses its own environments, rollout buffer,
returns, losses and loop; only the network's layers, their first weights and the test episodes'
seeds are shared. Its learning rate follows our schedule.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.wrappers import TimeLimit, TransformObservation
from stable_baselines3 import A2C
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv
from torch import Tensor

from a2d.algorithms.a2c import learning_rate
from a2d.environments import make_environment
from a2d.files import write_atomically
from a2d.networks.agent import Agent
from a2d.networks.interface import build_agent, interface_of
from a2d.runs.execute import run_training
from a2d.runs.execution import evaluate_agent
from a2d.runs.process import THREADS
from a2d.runs.provenance import Provenance, collect_provenance
from a2d.runs.records import CurvePoint, Evaluation
from a2d.runs.training import CURVE_POINTS
from a2d.seeds import stream_seed
from a2d.specs.algorithm import A2CSettings
from a2d.specs.data import Frozen
from a2d.specs.run import EvaluationSettings, ManualAgent, TrainSpec
from a2d.specs.task import TaskCard, load_task

Implementation = Literal["ours", "sb3"]
Returns = np.ndarray[tuple[int], np.dtype[np.float64]]

HERE = Path(__file__).parent
ROOT = HERE / "agreement"
SEEDS = range(5)


@dataclass(frozen=True)
class Protocol:
    """What is trained on a task, and how long; all else is the library's default."""

    network: str
    environments: int
    steps: int


PROTOCOLS = {
    "gymnasium-cartpole": Protocol("mlp64", environments=8, steps=200_000),
    "minatar-breakout": Protocol("vanilla", environments=64, steps=400_000),
}


class Run(Frozen):
    """One run of one implementation, as it is recorded."""

    implementation: Implementation
    spec: TrainSpec
    curve: list[CurvePoint]
    evaluation: Evaluation
    training_seconds: float
    provenance: Provenance

    @property
    def score(self) -> float:
        return float(np.mean(self.evaluation.returns))

    def training_return(self, progress: float) -> float:
        """Return the curve's last value up to ``progress`` in 0..1."""
        passed = [
            point.mean_return for point in self.curve if point.step <= progress * self.spec.steps
        ]
        assert passed and passed[-1] is not None, "no episode had ended by then"
        return passed[-1]


def make_spec(task: str, seed: int) -> TrainSpec:
    """Return the run's spec, which both implementations follow."""
    protocol = PROTOCOLS[task]
    return TrainSpec(
        task=load_task(task, HERE.parent / "envs"),
        steps=protocol.steps,
        seed=seed,
        a2c=A2CSettings(environments=protocol.environments),
        evaluation=EvaluationSettings(episodes=100, environments=10),
        agent=ManualAgent(network=protocol.network),
    )


class AgentFeatures(BaseFeaturesExtractor):
    """Our agent's layers up to its two heads, as SB3 takes them."""

    def __init__(self, observation_space: gymnasium.Space[Any], agent: Agent) -> None:
        super().__init__(observation_space, agent.critic.in_features)
        self.backbone, self.trunk = agent.backbone, agent.trunk
        self.preprocess, self.scale = agent.preprocess, agent.scale

    def forward(self, observations: Tensor) -> Tensor:
        """Map (N, *observation_shape) to the heads' input (N, features)."""
        if self.scale == 1.0:
            x = self.preprocess(observations)
        else:  # SB3 makes floats of bytes, from 0 to 255 as they were
            x = observations.contiguous(memory_format=torch.channels_last) * self.scale
        features: Tensor = self.trunk(self.backbone(x))
        return features


def fresh_agent(spec: TrainSpec) -> Agent:
    """Return the agent that our run of this spec starts from, with the very same weights."""
    assert isinstance(spec.agent, ManualAgent)
    environment = make_environment(spec.task, 1, 0)
    interface = interface_of(environment, spec.task.normalize_observations)
    environment.close()
    torch.manual_seed(stream_seed(spec.seed, spec.kind, "network"))
    return build_agent(spec.agent.network, interface)


def _minatar(card: TaskCard) -> gymnasium.Env[Any, Any]:
    """Build MinAtar's own Gymnasium environment: all six actions, sticky, ramping."""
    from minatar.gym import BaseEnv

    game: gymnasium.Env[Any, Any] = BaseEnv(card.id)
    shape = game.observation_space.shape
    assert shape is not None
    height, width, channels = shape
    images = Box(0.0, 1.0, (channels, height, width), np.float32)
    return TransformObservation(
        game, lambda state: state.transpose(2, 0, 1).astype(np.float32), images
    )


def sb3_environments(card: TaskCard, count: int) -> VecEnv:
    """Return SB3's vector of the task's environments, made without any code of ours."""
    limit = card.max_episode_steps
    assert limit is not None

    def make() -> gymnasium.Env[Any, Any]:
        game = _minatar(card) if card.family == "minatar" else gymnasium.make(card.id).unwrapped
        return Monitor(TimeLimit(game, limit))

    return DummyVecEnv([make] * count)


def sb3_model(
    agent: Agent, environments: VecEnv, settings: A2CSettings, updates: int, seed: int
) -> A2C:
    """Return SB3's A2C around the agent's own layers; its two heads are copies."""

    def schedule(remaining: float) -> float:
        # SB3 counts the rollout in hand as done when it sets an update's rate, we do not.
        return learning_rate(settings, 1.0 - remaining - 1.0 / updates)

    model = A2C(
        "MlpPolicy", environments, schedule, settings.rollout_length, settings.discount,
        gae_lambda=1.0, ent_coef=settings.entropy_coefficient, vf_coef=settings.value_coefficient,
        max_grad_norm=settings.max_gradient_norm, normalize_advantage=False, seed=seed,
        device="cpu",
        policy_kwargs={
            "net_arch": [], "ortho_init": False, "normalize_images": False,
            "features_extractor_class": AgentFeatures,
            "features_extractor_kwargs": {"agent": agent},
            "optimizer_class": torch.optim.RMSprop,
            "optimizer_kwargs": {"alpha": settings.rmsprop_decay, "eps": settings.rmsprop_epsilon},
        },
    )  # fmt: skip
    model.set_logger(Logger(None, []))  # SB3's own leaves a folder in /tmp
    model.policy.action_net.load_state_dict(agent.actor.state_dict())
    model.policy.value_net.load_state_dict(agent.critic.state_dict())
    return model


def take_heads(agent: Agent, model: A2C) -> None:
    """Bring the trained heads back to the agent, whose other layers are the model's own."""
    agent.actor.load_state_dict(model.policy.action_net.state_dict())
    agent.critic.load_state_dict(model.policy.value_net.state_dict())


class CurveCallback(BaseCallback):
    """Keeps SB3's mean return of the last 100 episodes, at the same steps as our curve's."""

    def __init__(self, updates: int) -> None:
        super().__init__()
        self.every = max(1, updates // CURVE_POINTS)
        self.rollouts = 0
        self.curve: list[CurvePoint] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.rollouts += 1
        if self.rollouts % self.every == 0:
            returns = [episode["r"] for episode in self.model.ep_info_buffer or ()]
            mean = float(np.mean(returns)) if returns else None
            self.curve.append(CurvePoint(step=self.model.num_timesteps, mean_return=mean))


def train_sb3(spec: TrainSpec) -> Run:
    """Train with SB3 and evaluate as ours is evaluated, in the same test episodes."""
    torch.set_num_threads(THREADS)
    agent = fresh_agent(spec)
    environments = sb3_environments(spec.task, spec.a2c.environments)
    seed = stream_seed(spec.seed, "sb3") % 2**31  # SB3 adds the environment's index
    model = sb3_model(agent, environments, spec.a2c, spec.updates, seed)
    callback = CurveCallback(spec.updates)
    start = time.perf_counter()
    model.learn(spec.steps, callback)
    seconds = time.perf_counter() - start
    environments.close()
    take_heads(agent, model)
    provenance = collect_provenance(THREADS)
    versions = {**provenance.versions, "stable-baselines3": version("stable-baselines3")}
    return Run(
        implementation="sb3", spec=spec, curve=callback.curve, evaluation=evaluate_agent(spec,
                                                                                         agent),
        training_seconds=seconds, provenance=provenance.model_copy(update={"versions": versions}),
    )  # fmt: skip


def train_ours(spec: TrainSpec) -> Run:
    """Train as ``a2d`` trains."""
    with tempfile.TemporaryDirectory() as folder:
        record = run_training(spec, Path(folder))
    if record.status != "finished":
        raise SystemExit(f"our run diverged: {record.reason}")
    return Run(
        implementation="ours", spec=spec, curve=record.curve, evaluation=record.evaluation,
        training_seconds=record.timing.training_s, provenance=record.provenance,
    )  # fmt: skip


TRAINERS: dict[Implementation, Callable[[TrainSpec], Run]] = {"ours": train_ours, "sb3": train_sb3}


def run_path(implementation: Implementation, task: str, seed: int) -> Path:
    """Return where a run is recorded."""
    return ROOT / task / f"{implementation}-seed{seed}.json"


def perform(implementation: Implementation, task: str, seed: int) -> None:
    """Train one run and record it, unless it is recorded already."""
    path, spec = run_path(implementation, task, seed), make_spec(task, seed)
    if path.is_file():
        if Run.model_validate_json(path.read_text(encoding="utf-8")).spec != spec:
            raise SystemExit(f"{path}: was made with other settings; delete it to repeat the run")
        print(f"{path}: is there")
        return
    run = TRAINERS[implementation](spec)
    text = run.model_dump_json(indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    print(f"{path}: score {run.score:.2f} in {run.training_seconds:.0f} s of training")


def read_runs(task: str) -> dict[Implementation, list[Run]]:
    """Return the recorded runs of a task by implementation, in the order of their seeds."""
    runs: dict[Implementation, list[Run]] = {}
    for implementation in get_args(Implementation):
        paths = sorted((ROOT / task).glob(f"{implementation}-seed*.json"))
        runs[implementation] = [
            Run.model_validate_json(path.read_text(encoding="utf-8")) for path in paths
        ]
    return runs


def main() -> None:
    """Run what is asked for and is not there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=PROTOCOLS, action="append", help="default: all")
    parser.add_argument("--implementation", choices=get_args(Implementation), help="default: both")
    parser.add_argument("--seed", type=int, help=f"default: {SEEDS.start} to {SEEDS.stop - 1}")
    args = parser.parse_args()
    for task in args.task or PROTOCOLS:
        for seed in SEEDS if args.seed is None else [args.seed]:
            for implementation in (
                [args.implementation] if args.implementation else get_args(Implementation)
            ):
                perform(implementation, task, seed)


if __name__ == "__main__":
    main()
