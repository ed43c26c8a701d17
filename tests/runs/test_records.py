"""Records: written whole or not at all, and refused where they are not what was written."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from a2d.errors import A2DError
from a2d.files import checksum, write_atomically
from a2d.runs import provenance, sealed
from a2d.runs.provenance import collect_provenance
from a2d.runs.records import (
    CurvePoint,
    Evaluation,
    Network,
    Record,
    SearchOutcome,
    Timing,
    read_record,
    write_record,
)
from a2d.runs.sealed import believe, list_whole
from a2d.specs.architecture import Architecture
from a2d.specs.run import SEMANTICS, ManualAgent, SearchSpec, TrainSpec, key_of
from a2d.specs.task import TaskCard, load_card
from tests.checkout import ROOT

CARD = load_card(ROOT / "envs" / "tiny-catch.yaml")
SPEC = TrainSpec(task=CARD, steps=3200, seed=0, agent=ManualAgent(network="vanilla"))


def record_of(
    spec: TrainSpec | SearchSpec, returns: tuple[float, ...] = (1.0, -0.1, 4.0), **fields: Any
) -> Record:
    values: dict[str, Any] = {
        "key": key_of(spec),
        "status": "finished",
        "steps_done": spec.steps,
        "spec": spec,
        "evaluation": Evaluation(seed=7, returns=list(returns), lengths=[35] * len(returns)),
        "curve": [
            CurvePoint(step=320, mean_return=None),
            CurvePoint(step=640, mean_return=0.1 + 0.2),
        ],
        "loss_terms": {"policy": 1e-9, "value": 1 / 3, "entropy": None},
        "network": Network(
            design="vanilla", flops=10, parameters=20, latency_median_ms=0.1, latency_p99_ms=0.2
        ),
        "timing": Timing(
            wall_s=2.0, training_s=1.5, steps_per_second=2133.3, peak_memory_mib=300.0
        ),
        "provenance": collect_provenance(1),
    }
    return Record(**values | fields)


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8"
    )


def test_round_trip_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "seed0-x.json"
    architecture = Architecture.model_validate(
        {"space": "convolution", "cells": {"cells": 2}, "operators": ("skip", "conv3")}
    )
    outcome = SearchOutcome(architecture=architecture, alpha=[[0.1] * 9, [1e-7] * 9], skips=1)
    awkward = TaskCard.model_validate(
        CARD.model_dump() | {"title": "Brücke „β“", "options": {"balls": 3, "x": [1, 2.5]}}
    )
    for spec in (
        SPEC,
        SearchSpec(task=CARD, steps=3200, seed=0),
        SPEC.model_copy(update={"task": awkward}),
    ):
        record = record_of(spec, search=outcome if isinstance(spec, SearchSpec) else None)
        write_record(path, record)
        assert read_record(path) == record
    assert record.score == pytest.approx(4.9 / 3)
    assert [file.name for file in path.parent.iterdir()] == ["seed0-x.json"], (
        "no temporary file is left"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_diverged_run_has_a_record_too(tmp_path: Path) -> None:
    record = record_of(
        SPEC, status="diverged", reason="loss nan", steps_done=0, curve=[], loss_terms={}
    )
    write_record(tmp_path / "r.json", record)
    back = read_record(tmp_path / "r.json")
    assert back == record and back.status == "diverged" and back.score == pytest.approx(4.9 / 3)


def test_written_text_is_plain_json_of_today(tmp_path: Path) -> None:
    write_record(tmp_path / "r.json", record_of(SPEC))
    text = (tmp_path / "r.json").read_text(encoding="ascii")
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert text.endswith("}\n") and data["key"] == key_of(SPEC) and len(data["sha256"]) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"steps_done": 1}, {"status": "diverged"}, {"loss_terms": {}}, {"sha256": None},
        {"sha256": "0" * 64},
        {"evaluation": {"seed": 7, "returns": [9.0, 9.0, 9.0], "lengths": [35, 35, 35]}},
    ],
    ids=str,
)  # fmt: skip
def test_edited_by_hand_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_record(path, record_of(SPEC))
    rewrite(path, **changes)
    with pytest.raises(A2DError, match=r"r\.json: its checksum does not match"):
        read_record(path)


def test_another_file_is_not_called_a_damaged_record(tmp_path: Path) -> None:
    path = tmp_path / "arch.json"
    path.write_text('{"space": "convolution", "operators": ["skip"]}', encoding="utf-8")
    with pytest.raises(A2DError, match=r"arch\.json: is not a record, which would have a checksum"):
        read_record(path)


def test_reformatting_is_no_edit(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_record(path, record_of(SPEC))
    rewrite(path)
    assert read_record(path) == record_of(SPEC)


def test_whole_files_are_believed_by_their_bytes_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, listed = tmp_path / "r.json", tmp_path / "whole.txt"
    write_record(path, record_of(SPEC))
    monkeypatch.setattr(sealed, "_WHOLE", set())
    believe(listed)  # not there
    for _ in range(2):
        read_record(path)
    list_whole(listed)
    assert listed.read_text(encoding="utf-8") == f"{checksum(path)}\n"
    monkeypatch.setattr(sealed, "_WHOLE", set())
    believe(listed)
    with monkeypatch.context() as without:
        without.setattr(sealed, "digest", None)
        assert read_record(path) == record_of(SPEC)
    rewrite(path, steps_done=1)
    for _ in range(2):
        with pytest.raises(A2DError, match="its checksum does not match"):
            read_record(path)
    before = listed.read_text(encoding="utf-8")
    list_whole(listed)
    assert listed.read_text(encoding="utf-8") == before
    believe(tmp_path)  # no list


def test_a_key_that_is_not_its_specs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    write_record(path, record_of(SPEC, key="0123456789abcdef"))
    with pytest.raises(A2DError, match=r"r\.json: key 0123456789abcdef is not its spec's key"):
        read_record(path)
    write_record(path, record_of(SPEC))
    monkeypatch.setitem(SEMANTICS, "train", 99)
    with pytest.raises(A2DError, match="stale"):
        read_record(path)


def test_a_record_under_another_runs_name_is_refused(tmp_path: Path) -> None:
    other = SPEC.model_copy(update={"seed": 1})
    own, foreign = (tmp_path / f"seed0-{key_of(spec)[:8]}.json" for spec in (SPEC, other))
    for path in (own, foreign):
        write_record(path, record_of(SPEC))
    assert read_record(own).key == key_of(SPEC)
    with pytest.raises(
        A2DError, match=rf"{foreign.name}: is the record of another run, {key_of(SPEC)}"
    ):
        read_record(foreign)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '"text"', "{}", '{"format": 1}', '{"format": 2}', "\x00"]
)
def test_what_is_no_record_is_told_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    with pytest.raises(A2DError, match=r"r\.json"):
        read_record(tmp_path / "r.json")


def test_a_missing_or_binary_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(A2DError, match=r"none\.json"):
        read_record(tmp_path / "none.json")
    (tmp_path / "r.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(A2DError, match=r"r\.json"):
        read_record(tmp_path / "r.json")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_leaves_no_file(number: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"JSON|finite"):
        write_record(tmp_path / "r.json", record_of(SPEC, (number,)))
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def fails(temporary: Path) -> None:
        temporary.write_text("half of")
        assert temporary.parent == path.parent, (
            "on the same disk, so that it can be put in place at once"
        )
        raise KeyboardInterrupt

    for there in (False, True):
        with pytest.raises(KeyboardInterrupt):
            write_atomically(path, fails)
        assert [file.name for file in tmp_path.iterdir()] == (["file"] if there else [])
        write_atomically(path, lambda temporary: temporary.write_text("whole"))
        assert path.read_text() == "whole"


def test_checksum_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert (
        checksum(tmp_path / "abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_copy_within_another_repository_claims_none_of_its_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "a2d"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "theirs.py").touch()
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@y.example")
    for words in (("init", "-q"), ("add", "theirs.py"), ("commit", "-qm", "theirs")):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "PACKAGE", package)
    assert collect_provenance(1).commit is None
    for words in (("add", "."), ("commit", "-qm", "ours")):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert collect_provenance(1).commit == head and not collect_provenance(1).modified
