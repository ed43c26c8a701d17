"""An agent leaves once: it stays as it is, or is replaced as a whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from a2d.distill.delivery import Delivered, deliver
from a2d.errors import A2DError
from tests.saved_agents import save_random_agent
from tests.users_tasks import shipped


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "a2d-seed2"
    save_random_agent(folder, shipped("tiny-reach"), "mlp8")
    for name in ("record.json", "log.txt", ".lock"):
        (folder / name).touch()
    return folder


def left(run: Path, place: Path, *earlier: Delivered) -> Delivered:
    return deliver(run, place, 5, earlier)


def exported(place: Path) -> Any:
    text = (place / "policy.json").read_text(encoding="utf-8")
    return json.loads(text)["weights_sha256"]


def test_what_has_left_stays_with_what_was_put_beside_it(run: Path, tmp_path: Path) -> None:
    place = tmp_path / "agent"
    delivered = left(run, place)
    assert (delivered.run, delivered.policy) == ("a2d-seed2", "agent/policy.onnx")
    names = {"agent.json", "agent.safetensors", "record.json", "policy.json", "policy.onnx"}
    assert {path.name for path in place.iterdir()} == names
    (place / "video.mp4").touch()
    before = {path: path.stat().st_mtime_ns for path in place.iterdir()}
    marked = delivered.model_copy(update={"fresh": delivered.fresh.model_copy(update={"mean": 7})})
    assert left(run, place, marked) == marked, "episodes are not played again"
    assert {path: path.stat().st_mtime_ns for path in place.iterdir()} == before


@pytest.mark.parametrize("lost", ["policy.onnx", "policy.json"])
def test_a_graph_that_is_lost_is_written_again_and_nothing_else(
    lost: str, run: Path, tmp_path: Path
) -> None:
    place = tmp_path / "agent"
    delivered = left(run, place)
    (place / lost).unlink()
    (place / "video.mp4").touch()
    weights = (place / "agent.safetensors").stat().st_mtime_ns
    assert left(run, place, delivered) == delivered
    assert (place / lost).is_file() and (place / "video.mp4").is_file()
    assert (place / "agent.safetensors").stat().st_mtime_ns == weights


@pytest.mark.parametrize("damaged", [True, False])
def test_other_weights_are_replaced_exported_and_played(
    damaged: bool, run: Path, tmp_path: Path
) -> None:
    place = tmp_path / "agent"
    delivered = left(run, place)
    if damaged:
        (place / "agent.safetensors").write_bytes(b"")
    else:
        save_random_agent(run, shipped("tiny-reach"), "mlp16")
    other = delivered.model_copy(update={"fresh": delivered.fresh.model_copy(update={"mean": 7})})
    again = left(run, place, other)
    assert again != other and (again == delivered) == damaged
    for name in ("agent.json", "agent.safetensors"):
        assert (place / name).read_bytes() == (run / name).read_bytes()
    described = json.loads((run / "agent.json").read_text(encoding="utf-8"))
    assert exported(place) == described["weights_sha256"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent", "runs"]


def test_a_kill_while_it_is_copied_leaves_the_former_agent(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "agent"
    delivered = left(run, place)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    save_random_agent(run, shipped("tiny-reach"), "mlp16")

    def kill(source: Path, copy: Path, **options: Any) -> None:
        copy.mkdir()
        (copy / "agent.json").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copytree", kill)
        with pytest.raises(KeyboardInterrupt):
            left(run, place, delivered)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert left(run, place, delivered).fresh != delivered.fresh
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent", "runs"]


def test_a_damaged_run_takes_the_place_of_no_agent(run: Path, tmp_path: Path) -> None:
    place = tmp_path / "agent"
    left(run, place)
    before = (place / "agent.safetensors").read_bytes()
    (run / "agent.safetensors").write_bytes(b"")
    with pytest.raises(A2DError, match=r"agent\.safetensors: is damaged"):
        left(run, place)
    assert (place / "agent.safetensors").read_bytes() == before
