"""An agent's files: what is loaded is what was saved; nothing edited is loaded or run."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from a2d.errors import A2DError
from a2d.files import checksum, digest
from a2d.networks.agent import Agent
from a2d.networks.interface import Interface, build_agent
from a2d.runs.agent_checks import DESCRIPTION, WEIGHTS
from a2d.runs.agent_files import load_agent, load_description, save_agent
from a2d.specs.architecture import Architecture
from a2d.specs.run import ManualAgent, TrainSpec
from a2d.specs.task import load_card
from tests.checkout import ENVS
from tests.traps import Trap

CARD = load_card(ENVS / "tiny-catch.yaml")
SPEC = TrainSpec(task=CARD, steps=3200, seed=0, agent=ManualAgent(network="vanilla"))
CATCH = Interface(
    observation_shape=(2, 8, 8), bytes_observed=False, actions=3, continuous=False, normalized=False
)
ATARI = CATCH.model_copy(update={"observation_shape": (4, 84, 84), "bytes_observed": True})
MUJOCO = Interface(
    observation_shape=(11,), bytes_observed=False, actions=3, continuous=True, normalized=True
)
SEARCHED = Architecture.model_validate(
    {"space": "convolution", "cells": {"cells": 3, "width": 8, "shortcut": "identity"}}
    | {"operators": ("inverted5_e3", "skip", "conv3")}
)


def saved(
    folder: Path, design: str | Architecture = "vanilla", interface: Interface = CATCH
) -> Agent:
    torch.manual_seed(0)
    agent = build_agent(design, interface)
    generator = torch.Generator().manual_seed(5)
    for weight in agent.parameters():
        weight.data += 0.05 * torch.randn(weight.shape, generator=generator)
    if agent.normalizer is not None:
        agent.normalizer.update(
            torch.randn(60, *interface.observation_shape, generator=generator) * 4 + 2
        )
    save_agent(folder, agent, SPEC, design, interface)
    return agent


def describe(folder: Path, **changes: Any) -> None:
    """Change a description by somebody who knows how it is checked."""
    path = folder / DESCRIPTION
    data = json.loads(path.read_text(encoding="utf-8")) | changes
    del data["sha256"]
    path.write_text(json.dumps({**data, "sha256": digest(data)}), encoding="utf-8")


@pytest.mark.parametrize(
    ("design", "interface"),
    [("vanilla", CATCH), ("resnet14", ATARI), (SEARCHED, CATCH), ("mlp16", MUJOCO)],
    ids=["vanilla", "bytes", "searched", "normalised"],
)
def test_round_trip_gives_equal_outputs(
    design: str | Architecture, interface: Interface, tmp_path: Path
) -> None:
    agent = saved(tmp_path / "new" / "folder", design, interface)
    loaded, description = load_agent(tmp_path / "new" / "folder")
    assert (description.spec, description.design, description.interface) == (
        SPEC,
        design,
        interface,
    )
    x = torch.rand(4, *interface.observation_shape) * 5
    x = (x * 50).to(torch.uint8) if interface.bytes_observed else x
    with torch.no_grad():
        outputs = [found.heads(found.preprocess(x)) for found in (agent, loaded)]
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(*outputs, strict=True))
        assert torch.equal(agent(x)[0].entropy(), loaded(x)[0].entropy())
    assert agent.state_dict().keys() == loaded.state_dict().keys()
    for name, value in agent.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])
    assert {file.name for file in (tmp_path / "new" / "folder").iterdir()} == {WEIGHTS, DESCRIPTION}


def test_loading_draws_from_no_generator_that_a_run_uses(tmp_path: Path) -> None:
    saved(tmp_path)
    torch.manual_seed(3)
    before = load_agent(tmp_path)[0].state_dict()
    torch.manual_seed(4)
    assert all(
        torch.equal(value, before[name])
        for name, value in load_agent(tmp_path)[0].state_dict().items()
    )


@pytest.mark.parametrize("position", [0, 100, -1])
def test_damaged_weights_are_refused(position: int, tmp_path: Path) -> None:
    saved(tmp_path)
    data = bytearray((tmp_path / WEIGHTS).read_bytes())
    data[position] ^= 1
    (tmp_path / WEIGHTS).write_bytes(data)
    with pytest.raises(A2DError, match=r"agent\.safetensors: is damaged"):
        load_agent(tmp_path)


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(A2DError, match=r"agent\.safetensors: is damaged"):
        load_agent(tmp_path)


@pytest.mark.parametrize("name", [WEIGHTS, DESCRIPTION])
def test_missing_file_is_named(name: str, tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(A2DError, match=name):
        load_agent(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    describe(tmp_path, design="resnet14")
    with pytest.raises(A2DError, match=r"agent\.safetensors: does not fit"):
        load_agent(tmp_path)


def test_an_edited_description_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / DESCRIPTION
    path.write_text(
        path.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'), encoding="utf-8"
    )
    with pytest.raises(A2DError, match=r"agent\.json: its checksum does not match"):
        load_agent(tmp_path)


@pytest.mark.parametrize("vouched", [False, True], ids=["checksum-unknown", "checksum-forged"])
@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_a_pickle_is_refused_and_nothing_in_it_runs(
    vouched: bool, kind: str, tmp_path: Path
) -> None:
    saved(tmp_path)
    mark = tmp_path / "executed"
    if kind == "pickle":
        (tmp_path / WEIGHTS).write_bytes(pickle.dumps(Trap(mark)))
    else:
        torch.save({"weights": Trap(mark)}, tmp_path / WEIGHTS)
    if vouched:
        describe(tmp_path, weights_sha256=checksum(tmp_path / WEIGHTS))
    with pytest.raises(A2DError, match=r"agent\.safetensors"):
        load_agent(tmp_path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Trap(mark)))
    assert mark.exists(), "the trap works"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"colour": 1}, "colour"),
        (
            {"design": {"space": "convolution", "cells": {"cells": 1}, "operators": ["conv7"]}},
            "design",
        ),
        ({"interface": {"observation_shape": [2, 8, 8]}}, "interface.actions"),
        ({"spec": {}}, "spec.task"),
    ],
)
def test_a_wrong_description_names_file_and_key(
    changes: dict[str, Any], key: str, tmp_path: Path
) -> None:
    saved(tmp_path)
    describe(tmp_path, **changes)
    with pytest.raises(A2DError, match=rf"agent\.json: .*{key}"):
        load_description(tmp_path)


def test_a_description_that_is_no_json_is_named(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / DESCRIPTION).write_text("{", encoding="utf-8")
    with pytest.raises(A2DError, match=r"agent\.json: cannot be read"):
        load_description(tmp_path)


@pytest.mark.parametrize("interface", [CATCH, ATARI, MUJOCO])
def test_an_interface_describes_the_spaces_it_gives(interface: Interface) -> None:
    assert Interface.of(*interface.spaces(), interface.normalized) == interface
