"""Specs become records: equal twice, and true."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import stats
from scipy.special import softmax

from a2d.environments import make_environment
from a2d.errors import A2DError
from a2d.networks.interface import build_agent, interface_of
from a2d.runs.agent_files import load_agent
from a2d.runs.execute import run_search, run_training
from a2d.runs.execution import check_teacher, evaluate_agent
from a2d.specs.algorithm import DistillationSettings
from a2d.specs.architecture import PAPER_OPERATORS, Architecture, CellSpace
from a2d.specs.run import (
    DerivedAgent,
    GivenAgent,
    ManualAgent,
    RandomAgent,
    key_of,
)
from a2d.specs.task import TaskCard
from tests.contents import content, judged
from tests.runs_in_a_moment import CATCH, REACH, Moody, moody, registered_moody, searching, training


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with registered_moody():
        yield


@pytest.mark.parametrize("card", [CATCH, REACH], ids=["pixels", "vectors"])
def test_training_repeats_to_the_bit(card: TaskCard, tmp_path: Path) -> None:
    records = []
    for name, disturbance in (("a", 1), ("b", 2)):
        torch.manual_seed(disturbance)
        np.random.seed(disturbance)  # noqa: NPY002
        records.append(run_training(training(card), tmp_path / name))
    assert content(records[0]) == content(records[1])
    first, second = (load_agent(tmp_path / name)[0].state_dict() for name in ("a", "b"))
    assert all(torch.equal(value, second[key]) for key, value in first.items())
    other = run_training(training(card, seed=1), tmp_path / "c")
    assert other.evaluation != records[0].evaluation and other.curve != records[0].curve


@pytest.mark.parametrize("card", [CATCH, REACH], ids=["pixels", "vectors"])
def test_search_repeats_to_the_bit(card: TaskCard, tmp_path: Path) -> None:
    first, second, other = (
        run_search(searching(card, seed), tmp_path / f"{k}") for k, seed in enumerate((0, 0, 1))
    )
    assert content(first) == content(second)
    assert first.search is not None and other.search is not None
    assert first.search.alpha != other.search.alpha


class Global(Moody):
    """Draws from Python's and NumPy's global generators, and cannot be closed."""

    def step(self, action: Any) -> Any:
        observation, _, terminated, truncated, info = super().step(action)
        return observation, random.random() + np.random.rand(), terminated, truncated, info  # noqa: NPY002

    def close(self) -> None:
        raise OSError("the simulator is gone")


def test_global_generators_are_seeded_and_what_cannot_be_closed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gymnasium.register("Global-v0", entry_point=lambda **_: Global(0, "0"))
    try:
        card = moody(0, "0").model_copy(update={"id": "Global-v0", "options": {}})
        first, second, other = (
            run_training(training(card, seed), tmp_path / f"{k}")
            for k, seed in enumerate((0, 0, 1))
        )
    finally:
        del gymnasium.registry["Global-v0"]
    assert content(first) == content(second) and first.evaluation != other.evaluation
    assert (
        capsys.readouterr().err.count(
            "closing the environments failed with OSError: the simulator is gone"
        )
        == 6
    )


def test_a_record_of_training_says_what_happened(tmp_path: Path) -> None:
    spec = training(steps=4000, agent=ManualAgent(network="mlp16"))
    record = run_training(spec, tmp_path)
    assert (record.key, record.spec, record.status, record.reason) == (
        key_of(spec),
        spec,
        "finished",
        None,
    )
    assert record.steps_done == 4000 and record.network.design == "mlp16"
    assert record.network.flops == 2 * (4 * 16 + 16 * 16 + 16 * 2 + 16)
    assert record.network.parameters == 5 * 16 + 17 * 16 + 17 * 2 + 17 + 2
    assert [point.step for point in record.curve] == list(range(40, 4001, 40))
    assert record.curve[0].mean_return is None, "no episode has ended yet"
    assert record.curve[-1].mean_return is not None and record.curve[-1].mean_return < 0
    assert record.loss_terms.keys() == {"policy", "value", "entropy"}
    assert len(judged(record).returns) == 4 and judged(record).lengths == [25] * 4
    assert record.timing.wall_s > record.timing.training_s > 0
    assert record.timing.steps_per_second == pytest.approx(4000 / record.timing.training_s)
    assert record.timing.peak_memory_mib > 50 and record.provenance.threads == 1
    agent, description = load_agent(tmp_path)
    assert description.spec == spec
    assert evaluate_agent(spec, agent) == record.evaluation, (
        "the folder holds the agent that was judged"
    )


def test_a_long_curve_is_thinned(tmp_path: Path) -> None:
    record = run_training(training(steps=20 * 350), tmp_path)
    assert 100 <= len(record.curve) <= 120 and record.curve[0].step == 60


def test_a_record_of_a_search_says_what_was_found(tmp_path: Path) -> None:
    record = run_search(searching(CATCH), tmp_path)
    assert record.search is not None and record.search.architecture == record.network.design
    names, alpha = list(PAPER_OPERATORS["convolution"]), np.array(record.search.alpha)
    assert alpha.shape == (2, 9) and np.abs(alpha).max() > 0
    assert record.search.architecture.operators == tuple(names[k] for k in alpha.argmax(axis=1))
    assert record.search.skips == record.search.architecture.operators.count("skip")
    assert record.loss_terms.keys() == {"policy", "value", "entropy", "cost"}
    assert record.search.entropy is not None and len(record.search.entropy) == len(record.curve)
    last = stats.entropy(softmax(alpha, axis=1), axis=1).mean() / np.log(9)
    assert record.curve[-1].step == record.spec.steps
    assert record.search.entropy[-1] == pytest.approx(last)


def test_a_teacher_takes_part_in_training_and_search(tmp_path: Path) -> None:
    spec = training()
    run_training(spec, tmp_path)
    teacher, _ = load_agent(tmp_path)
    taught: dict[str, Any] = {
        "teacher": spec,
        "distillation": DistillationSettings(mode="joint", actor_coefficient=1.0),
    }
    plain = run_training(training(seed=1), tmp_path / "plain")
    joint = run_training(training(seed=1, **taught), tmp_path / "joint", teacher)
    assert joint.loss_terms.keys() - plain.loss_terms.keys() == {
        "actor_distillation",
        "critic_distillation",
    }
    assert joint.evaluation != plain.evaluation
    found = run_search(searching(**taught), tmp_path / "found", teacher)
    assert found.loss_terms.keys() >= {"cost", "actor_distillation", "critic_distillation"}


def architecture(*operators: str) -> Architecture:
    return Architecture(
        space="dense", cells=CellSpace(cells=len(operators), width=8), operators=operators
    )


def test_agents_that_come_from_architectures(tmp_path: Path) -> None:
    search, given = searching(), architecture("dense_relu", "inverted_tanh_e3")
    records = {
        kind: run_training(training(agent=agent), tmp_path / kind, searched=searched)
        for kind, agent, searched in (
            ("given", GivenAgent(architecture=given), None),
            ("derived", DerivedAgent(search=search), given),
            ("random", RandomAgent(matched_to=search), given),
        )
    }
    assert records["given"].network.design == records["derived"].network.design == given
    assert records["given"].evaluation == records["derived"].evaluation, "built from the data alone"
    drawn = records["random"].network
    assert isinstance(drawn.design, Architecture) and drawn.design.cells == given.cells
    assert abs(drawn.flops - records["given"].network.flops) <= 0.1 * records["given"].network.flops
    again = run_training(
        training(agent=RandomAgent(matched_to=search)), tmp_path / "again", searched=given
    )
    assert again.network.design == drawn.design
    for agent in (DerivedAgent(search=search), RandomAgent(matched_to=search)):
        with pytest.raises(A2DError, match=r"arch\.json"):
            run_training(training(agent=agent), tmp_path)


def test_training_and_evaluation_play_different_games(tmp_path: Path) -> None:
    spec = training()
    record = run_training(spec, tmp_path)
    environments = make_environment(spec.task, 2, judged(record).seed)
    assert interface_of(environments, False).observation_shape == (4,)
    seeds = {
        judged(run_training(training(seed=seed), tmp_path / f"{seed}")).seed for seed in range(3)
    }
    seeds.add(judged(run_search(searching(), tmp_path / "search")).seed)
    assert len(seeds) == 4 and seeds.isdisjoint(range(3))


def test_logs_for_tensorboard(tmp_path: Path) -> None:
    run_training(training(), tmp_path / "out", log=tmp_path / "log")
    assert [file.name.split(".")[0] for file in (tmp_path / "log").iterdir()] == ["events"]


def test_tensorboard_shows_how_decided_a_search_is_and_what_it_costs(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    spec = searching()
    record = run_search(spec, tmp_path / "out", log=tmp_path / "log")
    events = EventAccumulator(str(tmp_path / "log")).Reload()
    assert record.search is not None and record.search.alpha is not None
    shares = torch.tensor(record.search.alpha).softmax(-1)
    entropy = float(torch.special.entr(shares).sum(-1).mean()) / np.log(shares.shape[1])
    shown = {tag: events.Scalars(tag)[-1].value for tag in events.Tags()["scalars"]}
    assert shown["alpha/entropy"] == pytest.approx(entropy, abs=1e-4)
    assert shown["alpha/largest_probability"] == pytest.approx(
        float(shares.amax(-1).mean()), abs=1e-4
    )
    assert 0 < shown["cost"] < 1 and "alpha/entropy" not in record.loss_terms


@pytest.mark.parametrize(
    ("other", "sides"),
    [
        (
            {"observation_shape": (3, 10, 10)},
            r"observation_shape: \(2, 8, 8\) against \(3, 10, 10\)",
        ),
        ({"actions": 6}, "actions: 3 against 6"),
        ({"continuous": True}, "continuous: False against True"),
        ({"bytes_observed": True}, "bytes_observed: False against True"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused_with_both_sides(
    other: dict[str, Any], sides: str
) -> None:
    environments = make_environment(CATCH, 1, 0)
    interface = interface_of(environments, False)
    teacher = build_agent("vanilla", interface)
    check_teacher(teacher, interface)
    with pytest.raises(A2DError, match=sides):
        check_teacher(teacher, interface.model_copy(update=other))


def test_a_teacher_without_the_students_normaliser_is_refused() -> None:
    normalized = REACH.model_copy(update={"normalize_observations": True})
    interface = interface_of(make_environment(normalized, 1, 0), True)
    plain = build_agent("mlp8", interface.model_copy(update={"normalized": False}))
    with pytest.raises(A2DError, match="its side first: normalized: False against True"):
        check_teacher(plain, interface)


def test_a_teachers_task_is_compared_with_both_sides(tmp_path: Path) -> None:
    other = CATCH.model_copy(update={"options": {"balls": 3}})
    with pytest.raises(
        ValidationError, match=r"options: \{\} against \{'balls': 3\}|options: .* against "
    ):
        training(other, teacher=training(CATCH), distillation=DistillationSettings(mode="joint"))
