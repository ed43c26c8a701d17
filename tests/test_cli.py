"""The command line in real processes: every step on a tiny task, and what mistakes print."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from pydantic.fields import FieldInfo

from a2d.cli import main
from a2d.cli.runs import search
from a2d.runs.records import read_record
from a2d.specs.algorithm import DistillationSettings
from a2d.specs.architecture import CellSpace, load_architecture
from a2d.specs.search import GumbelSettings
from tests.checkout import ROOT
from tests.commands import CATCH, SHORT, a2d, failed, one_line, refusal, succeeded
from tests.foreign_agents import linear_graph


def test_help_lists_the_commands() -> None:
    text = succeeded(a2d("--help"))
    for command in (
        "check",
        "train",
        "search",
        "evaluate",
        "costs",
        "export",
        "latency",
        "latency-table",
        "play",
        "plot",
        "run",
        "plan",
        "compare",
    ):
        assert f" {command} " in text
    assert succeeded(a2d("--version")) == f"a2d {version('a2d')}\n"


def test_settings_are_listed_from_the_models() -> None:
    lines = succeeded(a2d("settings")).splitlines()
    assert "a2c.discount (number, default 0.99): gamma, of rewards per step" in lines
    assert any(line.startswith("search.space.width (integer, default 16): ") for line in lines)
    assert all(": " in line or line.startswith("#") for line in lines if line)


def test_settings_and_whole_updates_reach_the_record(tmp_path: Path) -> None:
    words = ["--task", CATCH, "--steps", 41, "--environments", 4, "--algorithm", "ppo"]
    settings = ["--set", "ppo.rollout_length=8", "ppo.epochs=1", "evaluation.episodes=10"]
    for command in (["train", "--network", "vanilla"], ["search", "--cells", 1, "--width", 4]):
        out = tmp_path / str(command[0])
        done = a2d(*command, "--out", out, *words, *settings)
        said = "--steps 41: 64 are played, the next multiple of environments × rollout_length"
        assert done.returncode == 0 and said in one_line(done.stderr)
        spec = read_record(out / "record.json").spec
        assert spec.ppo is not None and (spec.ppo.environments, spec.steps) == (4, 64)
        assert (spec.ppo.rollout_length, spec.ppo.epochs) == (8, 1)
        assert spec.evaluation.episodes == 10


def test_from_teacher_to_a_searched_agent(tmp_path: Path) -> None:
    teacher, found, student = tmp_path / "teacher", tmp_path / "found", tmp_path / "student"
    text = succeeded(
        a2d("train", "--task", CATCH, "--out", teacher, "--network", "vanilla", *SHORT)
    )
    assert text.startswith("score ") and "; random policy: -3.75 (the card's)\n" in text
    taught = ["--teacher", teacher, "--distill", "joint", *SHORT]
    new = ("--task", CATCH, "--out", student, "--network", "vanilla")
    said = failed(a2d("train", *new, *taught))
    assert "not above the random policy's" in said and "--accept-weak-teacher" in said
    assert not student.exists()
    taught.append("--accept-weak-teacher")
    text = succeeded(
        a2d(
            "search",
            "--task",
            CATCH,
            "--out",
            found,
            "--cells",
            3,
            "--width",
            8,
            "--seed",
            1,
            *taught,
        )
    )
    architecture = load_architecture(found / "arch.json")
    assert text.startswith(" ".join(architecture.operators)) and len(architecture.operators) == 3
    assert "note: alpha is close to uniform" in text and "of the dearest of this space" in text
    assert "note: the search itself is not above the random policy" in text
    searched = read_record(found / "record.json")
    assert searched.search is not None and searched.search.architecture == architecture
    given = ("--architecture", found / "arch.json")
    text = succeeded(a2d("train", "--task", CATCH, "--out", student, "--seed", 2, *given, *taught))
    record = read_record(student / "record.json")
    assert text.startswith(f"score {record.score:.2f} ± ")
    assert f"\n{record.network.flops:,} FLOPs; the agent is in " in text
    assert record.network.design == architecture and record.spec.seed == 2
    assert record.spec.teacher == read_record(teacher / "record.json").spec
    lines = succeeded(a2d("evaluate", student, "--episodes", 10, "--mode")).splitlines()
    assert lines[0].startswith("mean return ") and lines[0].endswith("10 episodes), actions drawn")
    assert lines[1].endswith(", the likeliest actions") and lines[2].startswith("random policy -")
    text = succeeded(a2d("costs", "--task", CATCH, *given))
    assert text.startswith(
        f"{record.network.flops:,} FLOPs, {record.network.parameters:,} parameters"
    )


def test_a_graph_from_elsewhere_becomes_a_teacher(tmp_path: Path) -> None:
    board = np.zeros((128, 3), np.float32)
    graph = linear_graph(tmp_path / "still.onnx", {"logits": board}, shape=(2, 8, 8))
    words = ("teacher", "import", graph, "--task", CATCH, "--out", tmp_path / "teacher")
    assert "not above the random policy's" in failed(a2d(*words))
    lines = succeeded(a2d(*words, "--accept-weak-teacher")).splitlines()
    assert lines[0].startswith("score -") and "; random policy: -3.75 (the card's)" in lines[0]
    assert lines[1].startswith("onnx, sha256 ") and "the actor alone can teach" in lines[1]
    assert succeeded(a2d("evaluate", tmp_path / "teacher")).startswith("mean return -")
    said = failed(a2d("evaluate", graph))
    assert f"Make a teacher of it: `a2d teacher import {graph}`" in said


def test_a_card_is_checked() -> None:
    lines = succeeded(a2d("check", CATCH)).splitlines()
    assert (
        lines[0] == f"{CATCH}: good"
        and lines[1] == "  observation: an image, 2 channels of 8 × 8 float32"
    )


def test_the_keys_of_a_card_are_explained() -> None:
    assert "\nmax_episode_steps (integer): " in succeeded(a2d("check", "--explain"))
    assert "--explain" in failed(a2d("check"))


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("train", "--task", CATCH, "--out", "x", "--network", "vanila"), ("'vanila'", "resnet14")),
        (("train", "--task", CATCH, "--out", "x"), ("--network", "--architecture")),
        (
            (
                "train",
                "--task",
                CATCH,
                "--out",
                "x",
                "--network",
                "mlp8",
                "--set",
                "a2c.gamma=1",
            ),
            ("--set a2c.gamma", "discount"),
        ),
        (
            ("search", "--task", CATCH, "--out", "x", "--width", "6"),
            ("search.space.width", "multiple of 4"),
        ),
        (
            ("search", "--task", CATCH, "--out", "x", "--distill", "joint"),
            ("--teacher", "--distill"),
        ),
        (
            ("costs", "--task", CATCH, "--architecture", str(ROOT / "pyproject.toml")),
            ("pyproject.toml", "architecture"),
        ),
        (("evaluate", str(ROOT / "envs")), ("agent.json",)),
        (("run", "smoke/nothing.json"), ("smoke/nothing.json", "a2d plan")),
        (("plan", "--scale", "smokee"), ("'smokee'", "laptop")),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_one_line(
    arguments: tuple[str, ...],
    names: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["a2d", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    text = one_line(printed.err)
    assert left.value.code == 1 and printed.out == "" and all(name in text for name in names), text
    assert not Path("x").exists(), "what is refused leaves no folder"


def test_an_unknown_option_is_told_by_usage() -> None:
    done = a2d("train", "--learning-rate", "1")
    assert (
        done.returncode == 2 and "--learning-rate" in done.stderr and "Traceback" not in done.stderr
    )


def test_a_run_of_a_study_is_planned_done_and_compared(tmp_path: Path) -> None:
    for folder in ("workflow", "envs", "figures", "tables"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    scale = tmp_path / "workflow" / "scales" / "smoke.yaml"
    lines = scale.read_text(encoding="utf-8").splitlines()
    quick = "steps: {teacher: 1120, train: 1120, search: 1120}"
    scale.write_text(
        "\n".join(quick if line.startswith("steps:") else line for line in lines), encoding="utf-8"
    )
    listed = succeeded(a2d("plan", "--scale", "smoke", "--runs", cwd=tmp_path)).splitlines()
    assert listed[0].startswith(
        f"smoke: 0 of {len(listed) - 4} runs done, {len(listed) - 4} missing; "
    )
    assert all(line.startswith("missing") for line in listed[4:])
    path = next(line.split()[1] for line in listed if "/teacher-mlp64/" in line)
    succeeded(a2d("run", path, cwd=tmp_path))
    succeeded(a2d("run", path, "--record", tmp_path / "fresh" / path, cwd=tmp_path))
    listed = succeeded(a2d("plan", "--scale", "smoke", "--runs", cwd=tmp_path)).splitlines()
    assert any(line.startswith(f"done     {path}") for line in listed) and "about" in listed[0]
    assert path not in succeeded(a2d("plan", "--scale", "smoke", "--missing", cwd=tmp_path))
    compared = succeeded(a2d("compare", "fresh", "results", cwd=tmp_path))
    assert compared.startswith("identical") and compared.endswith("1 identical\n")
    shutil.copy(tmp_path / "fresh" / path, tmp_path / "fresh" / "seed0-more.json")
    differing = a2d("compare", "fresh", "results", cwd=tmp_path)
    assert differing.returncode == 1 and "only fresh" in differing.stdout and differing.stderr == ""
    edited = json.loads((tmp_path / "results" / path).read_text(encoding="utf-8")) | {
        "steps_done": 1
    }
    (tmp_path / "results" / path).write_text(json.dumps(edited), encoding="utf-8")
    damaged_pair = a2d("compare", "fresh", "results", cwd=tmp_path)
    assert damaged_pair.returncode == 1 and "checksum" in one_line(damaged_pair.stderr)
    assert damaged_pair.stdout.endswith("1 only fresh, 1 damaged\n")
    damaged = succeeded(a2d("plan", "--scale", "smoke", "--missing", cwd=tmp_path))
    assert f"damaged  {path}" in damaged and "1 damaged" in damaged


@pytest.mark.parametrize(
    ("option", "known"),
    [
        ("distill", DistillationSettings.model_fields["mode"]),
        ("train_mode", GumbelSettings.model_fields["train_mode"]),
        ("shortcut", CellSpace.model_fields["shortcut"]),
    ],
)
def test_options_have_the_values_that_specs_know(option: str, known: FieldInfo) -> None:
    """They are written twice, so that the command line starts without pydantic."""
    values = values_of(option)
    assert values and values == get_args(known.annotation)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--searcher", "guess"], "--searcher guess: should be one of gumbel, single_path, evol"),
        (
            ["--largest-cost", "0.5"],
            "--largest-cost: is for --searcher single_path or evo",
        ),
        (["--searcher", "evolution", "--cost", "1"], "--cost: is for --searcher gumbel, not for"),
        (["--searcher", "evolution", "--steps", "40"], "evolution: 20 trials are more than the 2"),
        (["--searcher", "single_path", "--steps", "20"], "none is left for trials"),
    ],
)
def test_a_searchers_options_are_refused_by_their_names(
    options: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["search", "--task", CATCH, "--environments", "4", "--out", tmp_path / "found"]
    assert says in refusal([*words, *options], monkeypatch, capsys)


def values_of(option: str) -> tuple[str, ...]:
    """Return what an option of ``a2d search`` may be."""
    hint = get_args(get_type_hints(search)[option])
    return tuple(value for value in (*hint, *get_args(hint[0])) if isinstance(value, str))
