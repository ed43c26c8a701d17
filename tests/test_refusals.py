"""A refusal says in one line what was given, what was expected and what works."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from a2d.errors import A2DError, nearest
from a2d.specs.architecture import load_architecture
from a2d.study.study import load_study
from tests.commands import CATCH, a2d, ended, refusal, succeeded
from tests.processes import obey_permissions
from tests.processes import run as run_process


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained agent, a search's folder, and some files and folders of other kinds."""
    base = tmp_path_factory.mktemp("kinds")
    short = ("--steps", 40, "--environments", 4)
    succeeded(
        a2d("train", "--task", CATCH, "--out", base / "agent", "--network", "vanilla", *short)
    )
    succeeded(
        a2d("search", "--task", CATCH, "--out", base / "found", "--cells", 1, "--width", 4, *short)
    )
    for name in ("empty", "full"):
        (base / name).mkdir()
    (base / "full" / "notes.txt").write_text("notes", encoding="utf-8")
    (base / "empty.yaml").touch()
    (base / "agent.zip").write_bytes(b"PK\x03\x04 whatever another library saves")
    shutil.copy(CATCH, base / "mine.yaml")
    return base


CARD, DESIGN, AGENT = (
    "expected is a task's card",
    "expected is an architecture",
    "expected is the folder that `a2d train`",
)
OTHERS = [
    *((kind, AGENT) for kind in ("--teacher", "evaluate")),
    *((kind, DESIGN) for kind in ("--architecture", "--like", "costs")),
    *((kind, CARD) for kind in ("--task", "search", "random --task")),
    ("compare", "expected is a folder of records"),
]
WRONG = {
    CARD: {
        "agent": "is a folder",
        "empty.yaml": "is an empty file",
        "agent.zip": "is a zip file",
        "found/arch.json": "is an architecture",
        "agent/record.json": "is a run's record",
        "agent/agent.json": "is an agent's description",
        "agent/agent.safetensors": "is a binary file",
        "mine": "there is no such file or folder; expected is a task's card, "
        "a YAML file as in envs/: .*/mine.yaml",
    },
    DESIGN: {
        "found": "is a folder; .*: .*/found/arch.json",
        "empty": "is an empty folder",
        "empty.yaml": "is an empty file",
        "mine.yaml": "is a task's card",
        "found/record.json": "is a run's record",
        "agent/agent.json": "is an agent's description",
        "agent.zip": "is a zip file",
        "none.json": "there is no such file or folder",
    },
    AGENT: {
        "agent.zip": r"is a file \(a zip file\)",
        "agent/record.json": r"is a file \(a run's record\); .*: .*/agent",
        "agent/agent.json": r"is a file \(an agent's description\); .*: .*/agent",
        "found/arch.json": r"is a file \(an architecture\)",
        "found": "is a folder; .*a search's result: train that, "
        "`a2d train --architecture .*/found/arch.json`",
        "empty": "is an empty folder",
        "full": "is a folder",
        "none": "there is no such file or folder",
    },
    "expected is a folder of records": {
        "agent/record.json": r"is a file \(a run's record\)",
        "none": "there is no such file or folder",
    },
}


def command_with(kind: str, path: Path, base: Path) -> list[object]:
    card, new = base / "mine.yaml", base / "new"
    match kind:
        case "--teacher":
            return [
                "train",
                "--task",
                card,
                "--out",
                new,
                "--network",
                "vanilla",
                kind,
                path,
                "--distill",
                "joint",
            ]
        case "--architecture":
            return ["train", "--task", card, "--out", new, kind, path]
        case "--like":
            return ["random", "--task", card, "--out", new, kind, path]
        case "costs":
            return ["costs", "--task", card, "--architecture", path]
        case "--task":
            return ["train", "--task", path, "--out", new, "--network", "vanilla"]
        case "search":
            return ["search", "--task", path, "--out", new]
        case "random --task":
            return ["random", "--task", path, "--out", new, "--like", base / "found" / "arch.json"]
        case "compare":
            return ["compare", base / "agent", path]
    return [kind, path]


@pytest.mark.parametrize(
    ("kind", "expected", "name"),
    [(kind, expected, name) for kind, expected in OTHERS for name in WRONG[expected]],
)
def test_what_is_of_another_kind_is_refused_by_what_it_is_and_what_was_expected(
    kind: str,
    expected: str,
    name: str,
    folders: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = refusal(command_with(kind, folders / name, folders), monkeypatch, capsys)
    assert expected in text and re.search(f"/{name}: {WRONG[expected][name]}", text), text
    assert not (folders / "new").exists()


def test_what_cannot_be_written_to_is_refused_before_anything_is_built(
    folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card, note = folders / "mine.yaml", folders / "full" / "notes.txt"
    train = ["train", "--task", card, "--network", "vanilla", "--out"]
    assert "is a file; --out names a folder" in refusal([*train, note], monkeypatch, capsys)
    assert "is a file; --log names a folder" in refusal(
        [*train, "new", "--log", note], monkeypatch, capsys
    )
    search = ["search", "--task", card, "--out", note]
    assert "is a file; --out names a folder" in refusal(search, monkeypatch, capsys)
    before = (folders / "agent" / "record.json").read_bytes()
    drawn = ["random", "--task", card, "--like", folders / "found" / "arch.json", "--out"]
    for path, seen in (("agent/record.json", "is a run's record"), ("full", "is a folder")):
        assert seen in refusal([*drawn, folders / path], monkeypatch, capsys)
    assert (folders / "agent" / "record.json").read_bytes() == before


def test_a_log_without_its_package_is_refused_before_anything_is_built(
    folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("a2d.runs.folder.find_spec", lambda name: None)
    train = [
        "train",
        "--task",
        folders / "mine.yaml",
        "--network",
        "vanilla",
        "--out",
        folders / "new",
    ]
    text = refusal([*train, "--log", folders / "log"], monkeypatch, capsys)
    assert "a2d[tensorboard]" in text and not (folders / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("search", "--out", "new", "--width", 10), "the nearest: 8 or 12"),
        (("evaluate", "agent", "--episodes", 25), "the nearest: 20 or 30"),
    ],
    ids=str,
)
def test_a_number_that_is_no_multiple_is_refused_with_those_that_work(
    arguments: tuple[object, ...],
    named: str,
    folders: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folders)
    given = arguments if arguments[0] == "evaluate" else (*arguments, "--task", "mine.yaml")
    assert named in refusal(list(given), monkeypatch, capsys)
    numbers = [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", named)]
    index = max(index for index, value in enumerate(given) if isinstance(value, int))
    for number in numbers if arguments[0] == "evaluate" else ():
        succeeded(a2d(*given[:index], number, cwd=folders))


@pytest.mark.parametrize(
    ("number", "step", "named"),
    [
        (25, 10, "20 or 30"),
        (100_000, 320, "99,840 or 100,160"),
        (7, 320, "320"),
        (320, 320, "320 or 640"),
    ],
)
def test_the_nearest_multiples(number: int, step: int, named: str) -> None:
    assert nearest(number, step) == named


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"steps": {"teacher": 1000, "train": 560, "search": 560}}, "the nearest: 960 or 1,040"),
        (
            {"evaluation": {"episodes": 25, "environments": 10}},
            "the nearest that it divides: 20 or 30 episodes",
        ),
    ],
    ids=["steps", "episodes"],
)
def test_a_scale_is_refused_with_the_numbers_that_work(
    change: dict[str, object], named: str, checkout: Path
) -> None:
    path = checkout / "workflow" / "scales" / "smoke.yaml"
    scale = yaml.safe_load(path.read_text(encoding="utf-8"))
    environments = {"a2c": {"environments": 16}}
    scale |= {
        **change,
        "pixels": scale["pixels"] | environments,
        "vectors": scale["vectors"] | environments,
    }
    path.write_text(yaml.safe_dump(scale), encoding="utf-8")
    with pytest.raises(A2DError, match=f"smoke.yaml.*{named}"):
        load_study("smoke", checkout)


def test_an_architecture_of_a_wrong_width_is_refused_with_those_that_work(tmp_path: Path) -> None:
    path = tmp_path / "arch.json"
    path.write_text(
        '{"space": "dense", "cells": {"cells": 1, "width": 10}, "operators": ["skip"]}',
        encoding="utf-8",
    )
    with pytest.raises(
        A2DError,
        match=r"arch\.json: cells\.width: .*should be a multiple of 4; the nearest: 8 or 12",
    ):
        load_architecture(path)


def test_a_card_may_come_through_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    os.write(write, Path(CATCH).read_bytes())
    os.close(write)
    try:
        arguments: list[object] = ["costs", "--task", f"/dev/fd/{read}", "--network", "vanilla"]
        status, out, errors = ended(arguments, monkeypatch, capsys)
    finally:
        os.close(read)
    assert (status, errors) == (0, "") and "FLOPs" in out


@pytest.mark.faults
def test_what_may_not_be_read_is_refused_by_name(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders, tmp_path / "copy")
    card, agent = tmp_path / "copy" / "mine.yaml", tmp_path / "copy" / "agent"
    for path in (card, agent / "agent.json"):
        path.chmod(0)
    for arguments, name in (
        (["costs", "--task", card, "--network", "vanilla"], "mine.yaml"),
        (["evaluate", agent], "agent.json"),
    ):
        status, errors = run_process(*arguments, preexec_fn=obey_permissions)
        assert status == 1 and re.fullmatch(
            rf"a2d: .*/{name}: cannot be read \(Permission denied\);.*\n", errors
        )
