"""A planning that was killed, or is under way, is no folder of other files."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from a2d.distill.distilling import distill
from a2d.distill.request import DistillRequest
from a2d.errors import A2DError
from a2d.files import only_process
from tests.commands import CATCH

LEFT = (".lock", "random.json", ".plan.json.abc.partial", "tiny-catch.yaml", "runs/teacher/policy")
TOO_SMALL = DistillRequest(task=CATCH, steps=2000, max_flops=10)


def leave(out: Path, *names: str) -> None:
    for name in names:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).touch()


def refused(out: Path, task: str = CATCH) -> str:
    with pytest.raises(A2DError) as raised:
        distill(TOO_SMALL.model_copy(update={"task": task}), out, 1)
    return str(raised.value)


@pytest.mark.parametrize("count", range(1, len(LEFT) + 1))
def test_what_a_killed_planning_has_left_is_taken_up(count: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    leave(out, *LEFT[:count])
    assert refused(out).startswith("no network of the space costs at most 10 FLOPs")
    assert not out.exists(), "a refusal leaves nothing"


@pytest.mark.parametrize(
    "names",
    [
        ("tiny-catch.yaml",),
        ("runs/teacher/policy",),
        (".lock", "notes.txt"),
        (".lock", "runs/teacher/.lock"),
        (".lock", "runs/teacher/policy", "runs/a2d-seed2/record.json"),
    ],
)
def test_what_no_planning_leaves_is_refused_and_stays(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    leave(tmp_path, *names)
    before = sorted(tmp_path.rglob("*"))
    assert refused(tmp_path) == f"{tmp_path}: holds other files; --out names a new folder"
    assert sorted(tmp_path.rglob("*")) == before


def test_the_card_itself_is_no_copy_of_it(tmp_path: Path) -> None:
    card = tmp_path / "mine.yaml"
    shutil.copy(CATCH, card)
    leave(tmp_path, ".lock")
    assert "holds other files" in refused(tmp_path, str(card))
    assert card.read_bytes() == Path(CATCH).read_bytes()


def while_another_plans(out: Path, end: Callable[[], object], begun: Callable[[], object]) -> None:
    """Call ``begun`` where another process plans in a folder, which then does ``end``."""
    planning = threading.Event()

    def plan() -> None:
        with only_process(out):
            leave(out, "random.json")
            planning.set()
            time.sleep(1)
            end()

    other = threading.Thread(target=plan)
    other.start()
    planning.wait()
    begun()
    other.join()


def test_a_second_process_waits_for_one_that_plans(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    def begin() -> None:
        assert refused(out).startswith("no network of the space")

    while_another_plans(out, lambda: None, begin)
    assert f"{out}: another process works on this run; waiting" in capsys.readouterr().err


def test_what_the_other_process_has_left_meanwhile_is_not_deleted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    while_another_plans(out, lambda: leave(out, "record.json"), lambda: refused(out))
    assert (out / "record.json").exists()


def test_the_lock_is_taken_anew_where_the_other_process_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, locked = tmp_path / "out", []

    def stop(*arguments: object) -> None:
        locked.append((out / ".lock").exists())
        raise A2DError("enough")

    monkeypatch.setattr("a2d.distill.distilling.random_score", stop)
    while_another_plans(out, lambda: shutil.rmtree(out), lambda: refused(out))
    assert locked == [True]
