"""Environments that draw from the global generators disturb none of our own draws."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from torch.distributions import Categorical, Distribution, Independent, Normal

from a2d.algorithms.rollout import Collector
from a2d.deploy.latency import measure_costs
from a2d.environments import check_card, make_environment
from a2d.errors import A2DError
from a2d.networks.agent import draw
from a2d.networks.interface import interface_of
from a2d.runs.agent_files import load_agent
from a2d.runs.checkpoint import read_checkpoint, write_checkpoint
from a2d.runs.designs import draw_architecture
from a2d.runs.execute import run_search, run_training
from a2d.runs.folder import search_architecture, train_agent
from a2d.runs.progress_bar import Reporter
from a2d.runs.request import RunRequest, SearchRequest
from a2d.runs.saved_agents import evaluate_saved_agent
from a2d.runs.training import Training
from a2d.search.gumbel import sample_gates
from a2d.seeds import own_stream, seed_global_streams
from a2d.specs.architecture import Architecture, CellSpace, write_architecture
from a2d.specs.run import ManualAgent, SearchSpec, TrainSpec
from a2d.specs.task import load_card
from tests.learners import learner_of

SHORT = {"episodes": 4, "environments": 2}


def draws() -> tuple[float, ...]:
    """Draw from every global generator."""
    return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002


class Drawing(gymnasium.Env[Any, Any]):
    """Draws from the global generators; ``used``: as observations and rewards."""

    observation_space = Box(-1.0, 1.0, (3,), np.float32)
    drawn: ClassVar[list[tuple[float, ...]]] = []

    def __init__(self, drawing: bool, used: bool, continuous: bool) -> None:
        self.drawing, self.used, self.steps = drawing, used, 0
        self.action_space = Box(-1.0, 1.0, (2,), np.float32) if continuous else Discrete(3)
        self._draw()

    def _draw(self) -> tuple[float, ...]:
        drawn = draws() if self.drawing else (0.5, 0.5, 0.5)
        self.drawn.append(drawn)
        return drawn if self.used else (0.5, 0.5, 0.5)

    def _look(self) -> Any:
        return (np.array(self._draw()) * 2 - 1 + 0.01 * self.steps).astype(np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self._look(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        return self._look(), float(np.sum(action)) + sum(self._draw()), self.steps == 7, False, {}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    gymnasium.register("Drawing-v0", entry_point=lambda **options: Drawing(**options))
    yield
    del gymnasium.registry["Drawing-v0"]


def card_data(drawing: bool, used: bool, continuous: bool) -> dict[str, Any]:
    options = {"drawing": drawing, "used": used, "continuous": continuous}
    return {
        "name": "drawing",
        "title": "D",
        "family": "gymnasium",
        "id": "Drawing-v0",
        "options": options,
    }


def spec_of(
    kind: str, continuous: bool, drawing: bool = True, used: bool = True
) -> TrainSpec | SearchSpec:
    base: dict[str, Any] = {
        "task": card_data(drawing, used, continuous), "steps": 240, "seed": 3, "evaluation": SHORT,
        "a2c": {"environments": 4, "rollout_length": 5},
    }  # fmt: skip
    if kind == "search":
        return SearchSpec(**base, search={"space": {"cells": 2, "width": 8}})
    return TrainSpec(**base, agent=ManualAgent(network="mlp8"))


@pytest.mark.parametrize(
    "policy",
    [
        Categorical(logits=torch.randn(7, 4, generator=torch.Generator().manual_seed(0))),
        Categorical(logits=torch.tensor([[0.0, -1e9]])),
        Independent(Normal(torch.arange(6.0).view(3, 2), torch.tensor([0.3, 1.7]).expand(3, 2)), 1),
        Independent(Normal(torch.zeros(40, 1), torch.ones(40, 1)), 1),
    ],
    ids=["categorical", "certain", "gaussian", "many"],
)
def test_actions_are_those_that_torchs_policy_would_sample(policy: Distribution) -> None:
    torch.manual_seed(5)
    expected = [policy.sample() for _ in range(20)]
    generator, before = torch.Generator().manual_seed(5), torch.get_rng_state()
    found = [draw(policy, generator) for _ in range(20)]
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_gates_are_drawn_from_the_generator_alone() -> None:
    alpha = torch.zeros(14, 9)
    torch.manual_seed(5)
    expected = sample_gates(alpha, 5.0, 2).paths
    generator, before = torch.Generator().manual_seed(5), torch.get_rng_state()
    assert sample_gates(alpha, 5.0, 2, generator).paths == expected
    assert torch.equal(torch.get_rng_state(), before)


def test_a_stream_of_our_own_goes_on_where_the_weights_ended() -> None:
    torch.manual_seed(7)
    expected = (torch.rand(3), torch.rand(3))
    torch.manual_seed(8)
    outside = torch.rand(4)
    torch.manual_seed(8)
    first = torch.rand(2)
    with own_stream(7, torch.device("cpu")) as generator:
        weights = torch.rand(3)
    assert torch.equal(weights, expected[0])
    assert torch.equal(torch.cat([first, torch.rand(2)]), outside), (
        "the global stream knows nothing of it"
    )
    assert torch.equal(torch.rand(3, generator=generator), expected[1])


@pytest.mark.parametrize("continuous", [False, True], ids=["discrete", "continuous"])
@pytest.mark.parametrize("kind", ["train", "search"])
def test_an_environment_that_draws_for_nothing_changes_nothing(
    kind: str, continuous: bool, tmp_path: Path
) -> None:
    found = []
    for drawing in (False, True):
        spec = spec_of(kind, continuous, drawing, used=False)
        if isinstance(spec, SearchSpec):
            record = run_search(spec, tmp_path / str(drawing))
            weights = record.search
        else:
            record = run_training(spec, tmp_path / str(drawing))
            state = load_agent(tmp_path / str(drawing))[0].state_dict()
            weights = {name: weight.tolist() for name, weight in state.items()}  # type: ignore[assignment]
        found.append((record.curve, record.evaluation, record.loss_terms, weights))
    assert found[0] == found[1]


def start(spec: TrainSpec | SearchSpec) -> Training:
    """Build a run as ``a2d.runs.execute`` does."""
    seed_global_streams(spec.seed, spec.kind)
    environments = make_environment(spec.task, spec.a2c.environments, 5)
    interface = interface_of(environments, normalized=False)
    with own_stream(9, torch.device("cpu")) as generator:
        learner = learner_of(spec, interface)
    return Training(
        spec, learner, Collector(environments, spec.task, 7, spec.a2c.discount, generator)
    )


def content(training: Training, until: int) -> tuple[dict[str, bytes], dict[str, Any]]:
    with Reporter("", training.spec.steps) as reporter:
        while training.updates < until:
            training.update(reporter)
    tensors, notes = training.state()
    del notes["seconds"]
    return {
        name: tensor.detach().contiguous().numpy().tobytes() for name, tensor in tensors.items()
    }, notes


@pytest.mark.parametrize("continuous", [False, True], ids=["discrete", "continuous"])
@pytest.mark.parametrize("kind", ["train", "search"])
def test_a_run_on_global_generators_is_taken_up_where_it_was(
    kind: str, continuous: bool, tmp_path: Path
) -> None:
    spec = spec_of(kind, continuous)
    whole = content(start(spec), spec.updates)
    stopped = start(spec)
    content(stopped, 5)
    write_checkpoint(tmp_path / "checkpoint", *stopped.state())
    draws()  # another process finds them elsewhere
    resumed = start(spec)
    resumed.restore(*read_checkpoint(tmp_path / "checkpoint"))
    assert content(resumed, spec.updates) == whole


ARCHITECTURE = Architecture(
    space="dense", cells=CellSpace(cells=1, width=8), operators=("dense_relu",)
)


def refusal(card: Path) -> str:
    """Return what `a2d check` has against the task, the same every time."""
    with pytest.raises(A2DError) as caught:
        check_card(load_card(card))
    return str(caught.value)


def commands(folder: Path) -> dict[str, Callable[[], object]]:
    """Return every command that makes environments, on a card of ``folder``."""
    card, agent, like = folder / "drawing.yaml", folder / "agent", folder / "like.json"
    out = folder / f"out{len(list(folder.iterdir()))}"
    return {
        "train": lambda: (
            train_agent(RunRequest(card, out, steps=40, seed=3, environments=4), "mlp8").evaluation
        ),
        "search": lambda: (
            search_architecture(
                SearchRequest(
                    card, out, 40, 3, environments=4, options={"space": {"cells": 1, "width": 8}}
                )
            ).evaluation
        ),
        "evaluate": lambda: evaluate_saved_agent(agent, 10, 3),
        "check": lambda: refusal(card),
        "random": lambda: draw_architecture(card, like, out.with_suffix(".json"), 3),
        "costs": lambda: measure_costs(load_card(card), "mlp8").flops,
    }


@pytest.mark.parametrize("command", ["train", "search", "evaluate", "check", "random", "costs"])
def test_every_command_seeds_the_global_generators(command: str, tmp_path: Path) -> None:
    options = "options: {drawing: true, used: true, continuous: false}"
    text = f"title: D\nfamily: gymnasium\nid: Drawing-v0\n{options}\n"
    (tmp_path / "drawing.yaml").write_text(text, encoding="utf-8")
    write_architecture(tmp_path / "like.json", ARCHITECTURE)
    if command == "evaluate":
        asked = RunRequest(tmp_path / "drawing.yaml", tmp_path / "agent", 40, environments=4)
        train_agent(asked, "mlp8")
    found = []
    for disturbance in (1, 2):
        random.seed(disturbance)
        np.random.seed(disturbance)  # noqa: NPY002
        torch.manual_seed(disturbance)
        Drawing.drawn.clear()
        result = commands(tmp_path)[command]()
        found.append((result, list(Drawing.drawn)))
        (tmp_path / f"mark{disturbance}").touch()
    assert found[0] == found[1] and found[0][1]


def test_another_seed_gives_other_episodes(tmp_path: Path) -> None:
    run_training(spec_of("train", continuous=False), tmp_path)  # type: ignore[arg-type]
    assert (
        evaluate_saved_agent(tmp_path, 10, 3)
        == evaluate_saved_agent(tmp_path, 10, 3)
        != evaluate_saved_agent(tmp_path, 10, 4)
    )
