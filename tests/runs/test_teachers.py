"""Teachers from elsewhere: read as stable-baselines3 reads them, and nothing of them executed."""

from __future__ import annotations

import base64
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import onnx
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from pydantic import ValidationError
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.vec_env import VecNormalize
from torch.distributions import Categorical, Independent, Normal

from a2d.environments import make_environment
from a2d.errors import A2DError
from a2d.networks.imported import ImportedAgent
from a2d.networks.interface import Interface
from a2d.runs.folder import search_architecture, train_agent
from a2d.runs.request import RunRequest, SearchRequest
from a2d.runs.saved_agents import evaluate_saved_agent
from a2d.runs.teachers.importing import import_teacher, teacher_from
from a2d.runs.teachers.onnx_model import OnnxPolicy
from a2d.runs.teachers.stable_baselines import read_policy
from a2d.runs.teachers.store import copy_imported, load_imported
from a2d.specs.run import ManualAgent, TrainSpec, identity, key_of
from a2d.specs.task import load_card
from tests.checkout import ENVS
from tests.foreign_agents import ImportsNothing, linear_graph, pickled, train_reach, with_member
from tests.users_tasks import register

REACH, CATCH = ENVS / "tiny-reach.yaml", ENVS / "tiny-catch.yaml"
SEEN = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (50, 4)).astype(np.float32))
LEFT = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])  # by which Reach is solved


@pytest.fixture(scope="module")
def reach(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PPO, VecNormalize]:
    folder = tmp_path_factory.mktemp("reach")
    model, venv = train_reach(folder)
    return folder, model, venv


@pytest.fixture(scope="module")
def imported(reach: tuple[Path, PPO, VecNormalize]) -> Path:
    folder = reach[0]
    import_teacher(folder / "reach.zip", REACH, folder / "teacher", folder / "venv.npz")
    return folder / "teacher"


def test_a_continuous_agent_in_a_vecnormalize_answers_as_its_library_does(
    reach: tuple[Path, PPO, VecNormalize], imported: Path
) -> None:
    _, model, venv = reach
    agent, spec = load_imported(imported)
    policy, values = agent(SEEN)
    assert isinstance(policy, Independent) and isinstance(policy.base_dist, Normal)
    normal = torch.as_tensor(venv.normalize_obs(SEEN.numpy()))
    with torch.no_grad():
        theirs = model.policy.get_distribution(normal).distribution
        scale = float(np.sqrt(venv.ret_rms.var + venv.epsilon))
        their_values = model.policy.predict_values(normal).squeeze(-1) * scale
    assert isinstance(theirs, Normal)
    # The environment's bounds are ±0.2, an agent's are ±1.
    assert torch.allclose(policy.base_dist.loc * 0.2, theirs.mean, atol=1e-5)
    assert torch.allclose(policy.base_dist.scale * 0.2, theirs.stddev, atol=1e-5)
    assert torch.allclose(values, their_values, atol=1e-4)
    assert spec.values and spec.source == "stable-baselines3" and len(spec.returns) == 30
    assert np.mean(spec.returns) > -20, "random is -27"
    assert np.mean(evaluate_saved_agent(imported, 30, 1)) == pytest.approx(
        np.mean(spec.returns), abs=6
    )


@pytest.mark.parametrize("activation", [torch.nn.Tanh, torch.nn.ReLU])
def test_a_discrete_agent_answers_as_its_library_does(
    activation: type[torch.nn.Module], tmp_path: Path
) -> None:
    networks = {"pi": [8, 6], "vf": [5]}
    kwargs = {"net_arch": networks, "activation_fn": activation}
    model = A2C("MlpPolicy", "CartPole-v1", policy_kwargs=kwargs, seed=0, device="cpu")
    model.save(tmp_path / "pole.zip")
    said = read_policy(tmp_path / "pole.zip", None)(SEEN)
    with torch.no_grad():
        theirs = model.policy.get_distribution(SEEN).distribution
        values = model.policy.predict_values(SEEN).squeeze(-1)
    assert isinstance(theirs, Categorical)
    assert torch.allclose(Categorical(logits=said["logits"]).probs, theirs.probs, atol=1e-6)
    assert torch.allclose(said["value"], values, atol=1e-6)


class Screen(gymnasium.Env[Any, Any]):
    """Images of bytes, as stable-baselines3's CnnPolicy takes them."""

    observation_space = Box(0, 255, (36, 40, 3), np.uint8)
    action_space = Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.left = 5
        return self._look(), {}

    def _look(self) -> Any:
        return self.np_random.integers(0, 256, (36, 40, 3)).astype(np.uint8)

    def step(self, action: Any) -> Any:
        self.left -= 1
        return self._look(), float(action == 1), self.left == 0, False, {}


@pytest.mark.parametrize("shared", [True, False])
def test_an_agent_of_images_answers_as_its_library_does(shared: bool, tmp_path: Path) -> None:
    kwargs = {"share_features_extractor": shared}
    model = A2C("CnnPolicy", Screen(), seed=0, policy_kwargs=kwargs, device="cpu")
    model.save(tmp_path / "screen.zip")
    seen = torch.from_numpy(Screen().reset(seed=1)[0]).permute(2, 0, 1)[None]
    said = read_policy(tmp_path / "screen.zip", None)(seen)
    with torch.no_grad():
        theirs = model.policy.get_distribution(seen).distribution
        values = model.policy.predict_values(seen).squeeze(-1)
    assert isinstance(theirs, Categorical)
    assert torch.allclose(Categorical(logits=said["logits"]).probs, theirs.probs, atol=1e-6)
    assert torch.allclose(said["value"], values, atol=1e-5)
    card = tmp_path / "screen.yaml"
    card.write_text("title: S\nfamily: gymnasium\nid: Screen-v0\nobservation: pixels\n")
    with register("Screen-v0", Screen):
        spec, _ = import_teacher(
            tmp_path / "screen.zip", card, tmp_path / "teacher", accept_weak=True
        )
        with pytest.raises(A2DError, match="not above the random policy's"):
            import_teacher(tmp_path / "screen.zip", card, tmp_path / "refused")
    assert len(spec.returns) == 30 and not (tmp_path / "refused").exists()


def test_a_student_learns_from_it_and_the_record_says_what_it_was(
    imported: Path, tmp_path: Path
) -> None:
    asked = RunRequest(
        REACH, tmp_path / "student", 16_000, environments=16, teacher=imported, distill="joint",
        settings=("distillation.actor_coefficient=1", "a2c.discount=0.9"),
    )  # fmt: skip
    record = train_agent(asked, "mlp32")
    alone = RunRequest(
        REACH, tmp_path / "alone", 16_000, environments=16, settings=("a2c.discount=0.9",)
    )
    assert record.score > train_agent(alone, "mlp32").score + 2
    assert record.spec.teacher == load_imported(imported)[1]
    again = TrainSpec.model_validate_json(record.spec.model_dump_json())
    assert again == record.spec and key_of(again) == record.key
    assert train_agent(asked, "mlp32") == record, "it is finished"


@pytest.mark.parametrize("algorithm", ["a2c", "ppo"])
def test_a_search_learns_from_it(
    algorithm: str, imported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = SearchRequest(
        REACH, tmp_path / "found", 320, environments=16, algorithm=algorithm, teacher=imported,
        distill="joint", options={"space": {"cells": 1, "width": 4}},
    )  # fmt: skip
    terms = search_architecture(asked).loss_terms
    said = "values are of discount 0.9, the student's of 0.99; --set "
    assert f"{said}{algorithm}.discount=0.9" in capsys.readouterr().err
    assert {"actor_distillation", "critic_distillation"} <= terms.keys()
    assert all(np.isfinite(value) for value in terms.values() if value is not None)


def test_its_checksum_is_in_the_key_and_its_score_is_not(imported: Path) -> None:
    teacher = load_imported(imported)[1]

    def key(**changes: Any) -> str:
        taught = teacher.model_copy(update=changes)
        spec = TrainSpec(
            task=load_card(REACH), steps=320, seed=0, agent=ManualAgent(network="mlp8"),
            teacher=taught, distillation={"mode": "joint"},
        )  # fmt: skip
        assert "returns" not in identity(spec)["spec"]["teacher"]
        return key_of(spec)

    assert teacher.discount == 0.9 and key() == key(returns=(1.0,), discount=None)
    assert len({key(), key(checksum="0" * 64), key(normalizer=None), key(source="onnx")}) == 4


def test_what_was_changed_after_the_import_is_refused(imported: Path, tmp_path: Path) -> None:
    for name in ("policy.zip", "normalizer.npz", "teacher.json"):
        folder = tmp_path / name
        folder.mkdir()
        for file in imported.iterdir():
            content = file.read_bytes()
            if file.name == name and name.endswith("json"):
                content = content.replace(b"0", b"1", 1)
            elif file.name == name:
                content = content[:-1] + bytes([content[-1] ^ 1])
            (folder / file.name).write_bytes(content)
        with pytest.raises(A2DError, match=f"{name}: .*import it again"):
            load_imported(folder)


def test_a_bomb_in_a_zip_executes_nothing(
    reach: tuple[Path, PPO, VecNormalize], tmp_path: Path
) -> None:
    mark, zipped = tmp_path / "executed", reach[0] / "reach.zip"
    bomb = ImportsNothing(mark)
    pickle.loads(pickle.dumps(bomb))  # it does work
    assert mark.exists()
    mark.unlink()
    armed = with_member(zipped, "policy.pth", pickled({"w": bomb}), tmp_path / "weights.zip")
    with pytest.raises(A2DError, match=r"policy\.pth holds more than tensors, and is not read"):
        import_teacher(armed, REACH, tmp_path / "out")
    with zipfile.ZipFile(zipped) as file:
        data = json.loads(file.read("data"))
    for thing in data.values():
        if isinstance(thing, dict) and ":serialized:" in thing:
            thing[":serialized:"] = base64.b64encode(pickle.dumps(bomb)).decode()
    armed = with_member(zipped, "data", json.dumps(data).encode(), tmp_path / "data.zip")
    armed = with_member(armed, "pytorch_variables.pth", pickled(bomb), tmp_path / "all.zip")
    read_policy(armed, None)  # the tensors of the agent are still there
    np.savez(tmp_path / "bomb.npz", mean=np.array([bomb], dtype=object))
    with pytest.raises(A2DError, match=r"bomb\.npz: should be an npz of mean, var, ret, clip"):
        read_policy(zipped, tmp_path / "bomb.npz")
    assert not mark.exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"use_sde": True}, "use_sde"),
        ({"policy_kwargs": {"squash_output": True}}, "squash_output=True"),
        ({"policy_kwargs": {"activation_fn": "<class 'mine.Wave'>"}}, "Wave.* is not one of Tanh"),
    ],
)
def test_policies_that_are_not_known_are_refused_by_what_they_have(
    changes: dict[str, Any], said: str, reach: tuple[Path, PPO, VecNormalize], tmp_path: Path
) -> None:
    with zipfile.ZipFile(reach[0] / "reach.zip") as file:
        data = json.dumps({**json.loads(file.read("data")), **changes}).encode()
    other = with_member(reach[0] / "reach.zip", "data", data, tmp_path / "other.zip")
    with pytest.raises(A2DError, match=rf"other\.zip: .*{said}"):
        read_policy(other, None)


def test_what_is_no_agent_is_refused(reach: tuple[Path, PPO, VecNormalize], tmp_path: Path) -> None:
    zipped, text = reach[0] / "reach.zip", tmp_path / "text.onnx"
    text.write_text("nothing", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as file:
        file.writestr("readme", "nothing")
    (tmp_path / "cut.zip").write_bytes(zipped.read_bytes()[:2000])
    odd = pickled({"mlp_extractor.q_net.0.weight": torch.zeros(2, 2)})
    unknown = with_member(zipped, "policy.pth", odd, tmp_path / "dqn.zip")
    for path, said in (
        (tmp_path / "empty.zip", "has no data"),
        (tmp_path / "cut.zip", "is no readable agent"),
        (unknown, "is no readable agent"),
        (text, "cannot be read as an ONNX graph"),
        (tmp_path / "none.zip", "there is no such file"),
    ):
        with pytest.raises(A2DError, match=rf"{path.name}: {said}"):
            import_teacher(path, REACH, tmp_path / "out")
    with pytest.raises(A2DError, match="is for agents of stable-baselines3"):
        import_teacher(
            linear_graph(tmp_path / "g.onnx", {"mean": LEFT}), REACH, tmp_path / "out",
            reach[0] / "venv.npz",
        )  # fmt: skip
    with pytest.raises(A2DError, match="sees 4 numbers, the task has 128"):
        import_teacher(zipped, CATCH, tmp_path / "out")
    with pytest.raises(A2DError, match="exists already"):
        import_teacher(zipped, REACH, reach[0])


@pytest.mark.parametrize("batch", ["N", 1])
def test_a_graph_without_values_teaches_its_actor_alone(batch: int | str, tmp_path: Path) -> None:
    graph = linear_graph(
        tmp_path / "g.onnx", {"mean": -0.2 * LEFT, "log_std": np.zeros((4, 2)) - 1e-3}, batch
    )
    spec, _ = import_teacher(graph, REACH, tmp_path / "teacher", accept_weak=True)
    agent = load_imported(tmp_path / "teacher")[0]
    outputs, values = agent.heads(SEEN)
    assert torch.allclose(outputs[:, :2] * 0.2, SEEN @ torch.tensor(-0.2 * LEFT).float(), atol=1e-6)
    assert not spec.values and values.isnan().all()
    taught = RunRequest(
        REACH, tmp_path / "student", 320, environments=16, teacher=tmp_path / "teacher",
        distill="actor", accept_weak_teacher=True,
    )  # fmt: skip
    assert "actor_distillation" in train_agent(taught, "mlp8").loss_terms
    searched = SearchRequest(
        **{**vars(taught), "out": tmp_path / "found"}, searcher="imitation",
        options={"space": {"cells": 2, "width": 4}, "scored_head": "actor", "trials": 4,
                 "trial_updates": 10, "population": 2, "tournament": 1},
    )  # fmt: skip
    outcome = search_architecture(searched).search
    assert outcome is not None
    assert [trial.score is not None for trial in outcome.trials] == [True] * 4
    with pytest.raises(A2DError, match=r"the teacher has no values, .*only its actor can teach"):
        train_agent(RunRequest(**{**vars(taught), "distill": "joint"}), "mlp8")
    with pytest.raises(ValidationError, match="only its actor"):
        TrainSpec(
            task=load_card(REACH), steps=320, seed=0, agent=ManualAgent(network="mlp8"),
            teacher=spec, distillation={"mode": "critic"},
        )  # fmt: skip


def test_a_graph_of_other_outputs_or_inputs_is_refused(tmp_path: Path) -> None:
    for weights, said in (
        ({"logits": LEFT}, "has no output 'mean'"),
        ({"mean": LEFT}, "has no output 'log_std'"),
        ({"mean": LEFT[:, :1], "log_std": LEFT}, r"'mean' is of shape \(10, 1\), not \(10, 2\)"),
        ({"mean": LEFT[:3], "log_std": LEFT[:3]}, "refuses the task's observations"),
        ({"mean": LEFT * np.nan, "log_std": LEFT}, "are not finite"),
    ):
        graph = linear_graph(tmp_path / "g.onnx", weights)
        with pytest.raises(A2DError, match=rf"g\.onnx: .*{said}"):
            import_teacher(graph, REACH, tmp_path / "out")


def test_a_graph_brings_no_code_and_no_other_files(tmp_path: Path) -> None:
    graph = linear_graph(tmp_path / "own.onnx", {"logits": LEFT}, domain="evil.library")
    with pytest.raises(A2DError, match=r"evil\.library\.MatMul is not of the standard"):
        OnnxPolicy(graph)
    model = onnx.load(linear_graph(tmp_path / "plain.onnx", {"logits": LEFT}))
    (tmp_path / "secret").write_bytes(b"\0" * 64)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    (tmp_path / "outside.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(A2DError, match="its weights are in other files"):
        OnnxPolicy(tmp_path / "outside.onnx")


def test_any_callable_teaches_and_is_known_by_its_answers(tmp_path: Path) -> None:
    def push(observations: torch.Tensor) -> dict[str, Any]:
        step = (observations[:, 2:] - observations[:, :2]).clamp(-0.2, 0.2)
        return {"mean": step.numpy(), "log_std": np.full(2, -3.0)}

    teacher = teacher_from(push, REACH)
    assert np.mean(teacher.spec.returns) > -8 and teacher.spec.source == "callable"
    assert not teacher.spec.values
    assert teacher_from(push, REACH).spec == teacher.spec
    other = teacher_from(lambda seen: {**push(seen), "value": np.zeros(len(seen))}, REACH)
    assert other.spec.checksum != teacher.spec.checksum and other.spec.values
    asked = RunRequest(
        REACH, tmp_path / "student", 320, environments=16, teacher=teacher, distill="actor"
    )
    assert train_agent(asked, "mlp8").spec.teacher == teacher.spec
    with pytest.raises(A2DError, match=r"the callable: .*no output 'mean'"):
        teacher_from(lambda seen: {"logits": seen}, REACH)
    with pytest.raises(A2DError, match="the callable: fails on the task's observations"):
        teacher_from(lambda seen: {"mean": seen @ seen}, REACH)


def test_the_distillation_terms_are_those_of_the_same_distribution(imported: Path) -> None:
    """KL is the same in the environment's units of actions and in the agent's."""
    agent = load_imported(imported)[0]
    student = Independent(Normal(torch.zeros(50, 2), torch.ones(50, 2)), 1)
    found = torch.distributions.kl_divergence(agent(SEEN)[0], student)
    said = agent.policy(SEEN)
    theirs = Independent(Normal(said["mean"], said["log_std"].exp().expand(50, 2)), 1)
    mine = Independent(Normal(torch.zeros(50, 2), torch.full((50, 2), 0.2)), 1)
    assert torch.allclose(found, torch.distributions.kl_divergence(theirs, mine), rtol=1e-3)


def test_values_are_of_rewards_as_the_card_scales_them(imported: Path, tmp_path: Path) -> None:
    agent, spec = load_imported(imported)
    card = spec.task.model_copy(update={"reward_scale": 0.25})
    copy_imported(imported, tmp_path / "copy", card)
    scaled, other = load_imported(tmp_path / "copy")
    assert other.task.reward_scale == 0.25 and other.checksum == spec.checksum
    assert torch.equal(scaled(SEEN)[1], agent(SEEN)[1] / 4)
    assert torch.equal(scaled.heads(SEEN)[0], agent.heads(SEEN)[0]), "it acts as before"


def test_bounds_that_are_not_symmetric_are_the_agents_minus_one_to_one() -> None:
    interface = Interface(
        observation_shape=(4,), bytes_observed=False, actions=1, continuous=True, normalized=False
    )
    agent = ImportedAgent(
        lambda seen: {"mean": torch.full((len(seen), 1), 3.0), "log_std": torch.zeros(1)},
        interface,
        Box(1.0, 9.0, (1,)),
    )
    outputs, _ = agent.heads(SEEN)
    assert outputs[0, 0] == pytest.approx(-0.5)  # 3 of 1..9
    assert outputs[0, 1].exp() == pytest.approx(0.25)  # a deviation of 1 where -1..1 is 8 wide


def test_reach_is_what_the_tests_take_it_for() -> None:
    space = make_environment(load_card(REACH), 1, 0).native.action
    assert isinstance(space, Box) and space.high.tolist() == pytest.approx([0.2, 0.2])
