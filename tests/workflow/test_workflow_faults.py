"""A workflow that is killed, whose runs fail, or that may not write."""

from __future__ import annotations

import random
import re
import shlex
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from a2d.runs.records import read_record
from a2d.study.study import load_study
from tests.contents import content_without_history
from tests.processes import environment, obey_permissions, run
from tests.small_study import FAULTY, LASTING, mini, outcome, wanted, workflow

pytestmark = pytest.mark.faults
KILLS = 2


def wait_for_progress(process: subprocess.Popen[str], runs: Path) -> None:
    """Wait until a run of a workflow has saved a checkpoint: on a busy machine starts take long."""
    before = checkpoints(runs)
    while process.poll() is None and checkpoints(runs) <= before:
        time.sleep(0.1)


def checkpoints(runs: Path) -> set[tuple[Path, int]]:
    """Return the checkpoints that there are, each with its time."""
    found = set()
    for path in runs.glob("*/checkpoint"):
        with suppress(OSError):  # its run has just ended
            found.add((path, path.stat().st_mtime_ns))
    return found


def processes() -> set[str]:
    """Return the processes of runs that there are now."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            if b"\0run\0mini/" in path.read_bytes():
                found.add(path.parent.name)
    return found


DISTILLED = (
    r"failed: distilled mlp16 critic, R, seed 10\n"
    r"  tiny-reach: step 1 of 8 environments after .* fails with RuntimeError: motor 3 is hot, "
    r"at .*\.py:\d+\n"
    r"  {base}runs/logs/mini/tiny-reach/distilled-mlp16-critic/seed10-\w+\.log\n"
)


def failures_at_the_end(text: str) -> list[str]:
    """Return the patterns of failures that a workflow's last lines match, three lines each."""
    last = [text.splitlines()[-3:], text.splitlines()[-6:-3]]
    patterns = [DISTILLED.format(base=base) for base in ("", "fresh/")] + [MANUAL]
    blocks = [
        "\n".join(lines) + "\n" for lines in reversed(last) if lines[0].startswith("failed: ")
    ]
    return [
        next(pattern for pattern in patterns if re.fullmatch(pattern, block)) for block in blocks
    ]


MANUAL = (
    r"failed: manual mlp16, R, seed 10\n  it ended without an error of its own; .*\n"
    r"  fresh/runs/logs/mini/tiny-reach/manual-mlp16/seed10-\w+\.log\n"
)


def test_a_killed_workflow_goes_on_and_repeats_nothing(checkout: Path) -> None:
    study = mini(checkout, steps=LASTING)
    alike = ("distilled-mlp16-actor", "distilled-mlp16-critic")  # as with both heads
    targets = [f"results/{run.path}" for run in wanted(study) if run.method not in alike]
    folder, draw = checkout / "results" / "mini", random.Random(3)
    finished: dict[Path, tuple[bytes, int]] = {}
    kills, before = 0, processes()
    # How soon the first run ends depends on what else the machine does: go on until one has.
    while kills < KILLS or (not finished and kills < 5 * KILLS):
        process = workflow(checkout, targets)
        wait_for_progress(process, checkout / "runs")
        time.sleep(draw.uniform(0.5, 3))
        if process.poll() is not None:
            break
        process.kill()
        kills += 1
        process.communicate()
        now = {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in folder.rglob("seed*.json")
        }
        assert finished.items() <= now.items(), "what is finished stays as it is"
        finished = now
    status, text = outcome(workflow(checkout, targets))
    assert status == 0, text
    assert kills >= 2 and finished
    for path, (data, moment) in finished.items():
        assert path.read_bytes() == data and path.stat().st_mtime_ns == moment
    assert processes() <= before, "no run outlives its workflow"
    status, text = outcome(
        workflow(checkout, [f"fresh/{target}" for target in targets], "fresh=fresh")
    )
    assert status == 0, text
    status, errors = run(
        "compare", checkout / "fresh" / "results", checkout / "results", cwd=checkout
    )
    assert (status, errors) == (0, "")
    for target in targets:
        pair = [read_record(base / target) for base in (checkout, checkout / "fresh")]
        assert content_without_history(pair[0]) == content_without_history(pair[1])
    assert any(read_record(checkout / target).resumed_from for target in targets)
    assert not list((checkout / "runs").glob("*/checkpoint"))


def test_several_failing_runs_end_in_three_lines_each(checkout: Path) -> None:
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    killed = f'if "manual-mlp16" in " ".join(sys.argv): {kill}'
    text = FAULTY.replace("        return super()", f"        {killed}\n        return super()")
    (checkout / "faulty_task.py").write_text(text, encoding="utf-8")
    card = {"title": "R", "family": "gymnasium", "id": "Faulty-v0", "import_module": "faulty_task"}
    study = mini(checkout, card | {"random_score": {"value": -27.0, "source": "made up"}})
    (checkout / "broken").touch()
    failing = [
        run
        for run in study.runs.values()
        if run.method in ("manual-mlp16", "distilled-mlp16-critic")
    ]
    targets = [f"fresh/results/{run.path}" for run in failing]
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "2",
        "--config",
        "scale=mini",
        "fresh=fresh",
        "--",
        *targets,
    ]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    status, said = outcome(
        subprocess.Popen(
            command, cwd=checkout, env=environment(PYTHONPATH=str(checkout)), **options
        )
    )
    assert status != 0 and "`a2d plan --scale mini --missing --results fresh/results`" in said
    assert sorted(failures_at_the_end(said)) == sorted([DISTILLED.format(base="fresh/"), MANUAL])
    assert "CalledProcessError" not in said and "rule train" not in said
    assert len(said) < 3000


@pytest.mark.slow
def test_a_whole_study_says_little_and_shows_its_progress(checkout: Path) -> None:
    study = mini(checkout)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", "scale=mini"]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(
        command, cwd=checkout, env=environment(PYTHONPATH=str(checkout)), **options
    )
    text, _ = process.communicate(timeout=900)
    assert process.returncode == 0, text
    count = len(study.runs)
    assert len(text) <= 8000
    progress = [line for line in text.splitlines() if line.startswith("a2d: ")]
    assert progress[0] == f"a2d: 0 of {count} runs done; {count} runs of unknown speed"
    pattern = (
        rf"a2d: \d+ of {count} runs done, .+ of .+ of computing; "
        r"about .+ left on 2 cores(; now .*)?"
    )
    timed = [
        line
        for line in progress
        if "unknown speed" not in line and f" {count} of {count} " not in line
    ]
    assert timed and all(re.fullmatch(pattern, line) for line in timed)
    for words in (
        "teacher mlp64, Reach, seed 100",
        "search joint, Reach, seed 0",
        "write the page",
    ):
        assert len(re.findall(rf"^\d\d:\d\d:\d\d {words}$", text, flags=re.MULTILINE)) == 1
    logs = checkout / "runs" / "logs"
    runs = load_study("mini", checkout).runs.values()
    assert all((logs / run.path).with_suffix(".log").exists() for run in runs), (
        "a log for every run"
    )


def test_a_failing_run_stops_no_other_and_is_shown_as_missing(checkout: Path) -> None:
    (checkout / "faulty_task.py").write_text(FAULTY, encoding="utf-8")
    card = {"title": "R", "family": "gymnasium", "id": "Faulty-v0", "import_module": "faulty_task"}
    study = mini(checkout, card | {"random_score": {"value": -27.0, "source": "made up"}})
    runs = wanted(study)
    targets = [f"results/{run.path}" for run in runs]
    (checkout / "broken").touch()
    status, text = outcome(workflow(checkout, targets))
    assert status != 0
    assert (
        "`a2d plan --scale mini --missing`" in text
        and "only=recorded" in text
        and "Traceback" not in text
    )
    assert failures_at_the_end(text) == [DISTILLED.format(base="")]
    failed = [run for run in runs if not (checkout / "results" / run.path).exists()]
    assert [run.method for run in failed] == ["distilled-mlp16-critic"]
    status, text = outcome(workflow(checkout, ["distillation", "claims"], "only=recorded"))
    assert status == 0, text
    table, ledger = (
        (checkout / "tables" / "mini" / f"{name}.md").read_text()
        for name in ("distillation", "claims")
    )
    assert (
        re.search(r"\| Critic only *\| *— *\| *— *\| *0 of 1 *\|", table)
        and "4 of 5 runs have a score" in table
    )
    assert re.search(r"\| C3 *\| inconclusive .*not planned by this scale", ledger), (
        "searches, which the claim is about too"
    )
    (checkout / "broken").unlink()
    before = {
        target: (checkout / target).stat().st_mtime_ns
        for target in targets
        if (checkout / target).exists()
    }
    status, text = outcome(workflow(checkout, targets))
    assert status == 0, text
    assert {target: (checkout / target).stat().st_mtime_ns for target in before} == before


def test_a_read_only_checkout_is_told_and_left_alone(checkout: Path, tmp_path: Path) -> None:
    mini(checkout)
    folders = [path for path in (checkout, *checkout.rglob("*")) if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        options: dict[str, Any] = {"cwd": checkout, "preexec_fn": obey_permissions}
        options["env"] = environment(PYTHONPATH=str(checkout))
        path = next(
            run.path for run in load_study("mini", checkout).runs.values() if run.stage == "manual"
        )
        status, errors = run("run", path, **options)
        assert status == 1 and re.fullmatch(
            r"a2d: .*runs/\w+: cannot be written to \(Permission denied\).*\n", errors
        ), errors
        assert run("plan", "--scale", "mini", **options) == (0, "")
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_workflow_in_a_read_only_checkout_is_refused_with_a_command_that_works(
    checkout: Path, tmp_path: Path
) -> None:
    mini(checkout)
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    options |= {"preexec_fn": obey_permissions, "env": environment(PYTHONPATH=str(checkout))}
    folders = [path for path in (checkout, *checkout.rglob("*")) if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    elsewhere = tmp_path / "yours"
    elsewhere.mkdir()
    try:
        for more in (["only=recorded"], ["-n"], []):
            command = [
                sys.executable,
                "-m",
                "snakemake",
                "--cores",
                "2",
                "--config",
                "scale=mini",
                *more,
            ]
            status, text = outcome(subprocess.Popen(command, cwd=checkout, **options))
            assert status != 0 and "Traceback" not in text
            last = text.strip().splitlines()[-1]
            assert last.startswith("a2d: .snakemake: cannot be written to (Permission denied). ")
        hint = shlex.split(last.partition("yours: ")[2])
        assert hint[:2] == ["snakemake", "-s"]
        status, text = outcome(
            subprocess.Popen([sys.executable, "-m", *hint, "-n"], cwd=elsewhere, **options)
        )
        assert status == 0 and "teacher mlp64, Reach, seed 100" in text, text
    finally:
        for folder in folders:
            folder.chmod(0o755)
