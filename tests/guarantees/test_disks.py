"""Disks that are full, and a checkpoint that they damaged."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.processes import (
    A2D,
    environment,
    files_of,
    limit_file_size,
    run,
    start,
    vanilla,
    wait_for_checkpoints,
)

pytestmark = pytest.mark.faults


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    status, errors = run(*vanilla(tmp_path / "full", 400), preexec_fn=limit_file_size)
    assert status == 1 and re.fullmatch(
        r"a2d: .*checkpoint: cannot be written \(File too large\).*\n", errors
    ), errors
    assert [path.name for path in (tmp_path / "full").iterdir()] == [".lock"]
    assert run(*vanilla(tmp_path / "full", 400)) == run(*vanilla(tmp_path / "roomy", 400))
    assert files_of(tmp_path / "full") == files_of(tmp_path / "roomy")


def test_a_disk_that_is_full_after_training_leaves_the_final_state(tmp_path: Path) -> None:
    folder, code = tmp_path / "full", A2D[-1]
    trained = (
        "import a2d.runs.execution as e; "
        f"e.evaluate = lambda *arguments: __import__('os')._exit(9); {code}"
    )
    assert (
        subprocess.run(
            [*A2D[:-1], trained, *map(str, vanilla(folder, 400))],
            env=environment(),
            cwd=ROOT,
            check=False,
        ).returncode
        == 9
    )
    status, errors = run(*vanilla(folder, 400), preexec_fn=limit_file_size)
    resumed = r"a2d: .*: resumes from the end of training.*\n"
    unwritten = r"a2d: .*safetensors: cannot be written \(File too large\).*\n"
    assert status == 1 and re.fullmatch(resumed + unwritten, errors), errors
    assert {path.name for path in folder.iterdir()} == {".lock", "checkpoint"}
    assert run(*vanilla(folder, 400))[0] == run(*vanilla(tmp_path / "roomy", 400))[0] == 0
    assert files_of(folder) == files_of(tmp_path / "roomy")


def test_a_full_disk_in_a_small_file_system(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True
    ).returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        status, errors = run(*vanilla(disk / "run", 400))
        assert status == 1 and re.fullmatch(
            r"a2d: .*: cannot be written \(No space left on device\).*\n", errors
        ), errors
        assert {path.name for path in (disk / "run").iterdir()} == {".lock"}
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_corrupt_checkpoint_is_refused_by_name_and_the_run_starts_again(tmp_path: Path) -> None:
    steps = 4000
    assert run(*vanilla(tmp_path / "whole", steps)) == (0, "")
    changes: dict[str, Callable[[bytearray], object]] = {
        "truncated": lambda data: data.__delitem__(slice(len(data) // 2, None)),
        "flipped": lambda data: data.__setitem__(len(data) // 3, data[len(data) // 3] ^ 4),
        "empty": lambda data: data.clear(),
    }
    for name, change in changes.items():
        process = start(*vanilla(tmp_path / name, steps))
        wait_for_checkpoints(process, tmp_path / name / "checkpoint", 2)
        process.kill()
        process.communicate()
        data = bytearray((tmp_path / name / "checkpoint").read_bytes())
        change(data)
        (tmp_path / name / "checkpoint").write_bytes(data)
        status, errors = run(*vanilla(tmp_path / name, steps))
        assert (
            status == 0 and f"{name}/checkpoint: its checksum does not match its content" in errors
        )
        assert files_of(tmp_path / name) == files_of(tmp_path / "whole")
        shutil.rmtree(tmp_path / name)
