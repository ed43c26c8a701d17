"""What the README guarantees whatever happens, asked of real processes for minutes."""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from a2d.runs.records import Record, read_record
from a2d.study.study import Run, Study, load_study
from tests.test_execute import content
from tests.test_workflow import ROOT, checkout

__all__ = ["checkout"]
pytestmark = pytest.mark.faults

KILLS = 4
PLACE = r"(the end of training, )?step [\d,]+ of [\d,]+"
GOES_ON = rf"a2d: .*checkpoint: goes on from {PLACE}\n"
STOPPED = rf"a2d: stopped (at ({PLACE}|the end of training); .*|after training; .*|; .*)\n"
A2D = [sys.executable, "-c", "from a2d.cli import main; main()"]
SNAKEMAKE = [
    sys.executable,
    "-m",
    "snakemake",
    "--cores",
    "2",
    "--quiet",
    "all",
    "--config",
    "scale=mini",
]
DAC_OVERRIDE, DAC_READ_SEARCH, DROP_FROM_BOUNDING_SET = (
    1,
    2,
    24,
)  # of Linux's capabilities and prctl


def environment(**more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "A2D_CHECKPOINT_SECONDS": "0.05",
        "PYTHONHASHSEED": "0",
        **more,
    }


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    keywords: dict[str, Any] = {"env": environment(), "cwd": ROOT, "text": True}
    keywords |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*A2D, *map(str, arguments)], **keywords | options)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, errors = process.communicate(timeout=300)
    assert "Traceback" not in out + errors, errors
    return process.returncode, errors


def run(*arguments: object, **options: Any) -> tuple[int, str]:
    return finish(start(*arguments, **options))


def short_card(folder: Path, task: str) -> Path:
    """A task whose episodes are short, so that its test episodes are played at once."""
    card = yaml.safe_load((ROOT / "envs" / f"{task}.yaml").read_text(encoding="utf-8"))
    path = folder / f"{task}.yaml"
    path.write_text(yaml.safe_dump(card | {"max_episode_steps": 30}), encoding="utf-8")
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what a run leaves behind but for its record, which holds times."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name not in ("record.json", ".lock")
    }


@pytest.mark.parametrize("kind", ["train", "distill", "search"])
@pytest.mark.parametrize(
    ("task", "steps"),
    [("tiny-catch", 8000), ("tiny-reach", 16000), ("minatar-breakout", 8000), ("atari-pong", 1600)],
)
def test_killed_again_and_again_a_run_ends_as_if_it_had_not_been(
    task: str, steps: int, kind: str, tmp_path: Path
) -> None:
    card, draw = short_card(tmp_path, task), random.Random(f"{task} {kind}")
    network = "mlp64" if task == "tiny-reach" else "vanilla"
    command: list[object] = ["train", "--network", network, "--task", card, "--environments", 4]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    if kind != "train":
        assert run(*command, "--out", tmp_path / "teacher", "--steps", 40) == (0, "")
        command += ["--teacher", tmp_path / "teacher", "--distill", "joint"]
    if kind == "search":
        command[:3] = ["search", "--cells", 3, "--width", 8]
    command += ["--steps", steps, "--seed", 1]
    assert run(*command, "--out", whole) == (0, "")
    kills = resumed = 0
    while kills < KILLS:
        process = start(*command, "--out", killed)
        wait_for_checkpoints(process, killed / "checkpoint", draw.randint(1, 4))
        time.sleep(draw.uniform(0, 0.05))
        if process.poll() is not None:
            break
        number = signal.SIGKILL if kills % 2 else signal.SIGTERM
        process.send_signal(number)
        status, errors = finish(process)
        if status == 0:
            break  # it was at its end
        assert status in (-number, 128 + number)
        assert re.fullmatch(f"({GOES_ON})?({STOPPED})?", errors), errors
        kills, resumed = kills + 1, resumed + (killed / "checkpoint").exists()
    assert run(*command, "--out", killed)[0] == 0
    assert kills >= 2, f"only {kills} kills: the run is too short to say anything"
    records = [read_record(folder / "record.json") for folder in (whole, killed)]
    assert content_without_history(records[0]) == content_without_history(records[1])
    assert files_of(whole) == files_of(killed), (
        "weights or architecture, bit for bit, and nothing left over"
    )
    assert len(records[1].resumed_from) == resumed == kills


def wait_for_checkpoints(process: subprocess.Popen[str], path: Path, count: int) -> None:
    """Wait until a process has saved its state some times, or has ended."""
    seen = path.stat().st_mtime_ns if path.exists() else 0
    while count and process.poll() is None:
        time.sleep(0.002)
        now = path.stat().st_mtime_ns if path.exists() else 0
        if now != seen:
            seen, count = now, count - 1


def content_without_history(record: Record) -> dict[str, Any]:
    data = content(record)
    del data["resumed_from"]
    return data


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def obey_permissions() -> None:
    """Let permissions hold for root as well."""
    for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, capability)


def vanilla(out: Path, steps: int = 8000) -> list[object]:
    task = ROOT / "envs" / "tiny-catch.yaml"
    return [
        "train",
        "--task",
        task,
        "--network",
        "vanilla",
        "--out",
        out,
        "--steps",
        steps,
        "--environments",
        4,
    ]


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
    leave = "lambda *arguments: __import__('os')._exit(9)"
    trained = f"import a2d.runs.execute as e; e.evaluate = {leave}; {code}"
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
    told = (
        r"a2d: .*: goes on from the end of training.*\n"
        r"a2d: .*safetensors: cannot be written \(File too large\).*\n"
    )
    assert status == 1 and re.fullmatch(told, errors), errors
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


def test_two_processes_do_a_run_once(tmp_path: Path) -> None:
    processes = [start(*vanilla(tmp_path / "run")) for _ in range(2)]
    (first, said), (second, told) = map(finish, processes)
    assert first == second == 0
    assert (
        "another process works on this run; waiting" in said + told
        and "nothing is repeated" in said + told
    )
    assert read_record(tmp_path / "run" / "record.json").resumed_from == ()
    assert run(*vanilla(tmp_path / "alone")) == (0, "")
    assert files_of(tmp_path / "run") == files_of(tmp_path / "alone")


def test_a_folder_that_holds_another_run_is_left_alone(tmp_path: Path) -> None:
    assert run(*vanilla(tmp_path / "run", 400)) == (0, "")
    before = files_of(tmp_path / "run")
    status, errors = run(*vanilla(tmp_path / "run", 800))
    assert (
        status == 1 and "record.json: is the record of another run; name another folder" in errors
    )
    assert files_of(tmp_path / "run") == before


def mini(checkout: Path, task: dict[str, Any] | None = None) -> Study:
    """Write a scale of one tiny task and a handful of runs."""
    if task is not None:
        (checkout / "envs" / "tiny-reach.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    scale = yaml.safe_load(
        (checkout / "workflow" / "scales" / "smoke.yaml").read_text(encoding="utf-8")
    )
    scale |= {"tasks": ["tiny-reach"], "experiments": ["distillation", "search_methods"]}
    del scale["pixels"]
    scale["steps"] = {"teacher": 64000, "train": 48000, "search": 24000}
    (checkout / "workflow" / "scales" / "mini.yaml").write_text(
        yaml.safe_dump(scale), encoding="utf-8"
    )
    return load_study("mini", checkout)


def wanted(study: Study) -> list[Run]:
    return [
        *study.of_search("joint"),
        *(run for run in study.runs.values() if run.stage in ("teacher", "manual")),
    ]


def workflow(checkout: Path, targets: list[str], *more: str) -> subprocess.Popen[str]:
    variables, command = environment(PYTHONPATH=str(checkout)), [*SNAKEMAKE, *more, "--", *targets]
    return subprocess.Popen(
        command,
        cwd=checkout,
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=900)  # a busy machine takes long
    return process.returncode, out


def test_a_killed_workflow_goes_on_and_repeats_nothing(checkout: Path) -> None:
    study = mini(checkout)
    targets = [f"results/{run.path}" for run in wanted(study)]
    folder, draw = checkout / "results" / "mini", random.Random(3)
    finished: dict[Path, tuple[bytes, int]] = {}
    kills, before = 0, processes()
    # How soon the first run ends depends on what else the machine does: go on until one has.
    while kills < KILLS or (not finished and kills < 5 * KILLS):
        process = workflow(checkout, targets)
        wait_for_runs(process, before)
        time.sleep(draw.uniform(1, 7))
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


def wait_for_runs(process: subprocess.Popen[str], before: set[str]) -> None:
    """Wait until a workflow has started a run: on a busy machine its own start takes long."""
    while process.poll() is None and processes() <= before:
        time.sleep(0.1)


def processes() -> set[str]:
    """Return the processes of runs that there are now."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            if b"\0run\0mini/" in path.read_bytes():
                found.add(path.parent.name)
    return found


FAULTY = """
import sys
from pathlib import Path

import gymnasium

from a2d.environments.tiny import Reach


class Faulty(Reach):
    def step(self, action):
        if Path("broken").exists() and "distilled-mlp16-critic" in " ".join(sys.argv):
            raise RuntimeError("motor 3 is hot")
        return super().step(action)


gymnasium.register("Faulty-v0", entry_point=Faulty, max_episode_steps=25)
"""


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


def test_a_whole_study_says_little_and_shows_its_progress(checkout: Path) -> None:
    study = mini(checkout)
    scale = checkout / "workflow" / "scales" / "mini.yaml"
    data = yaml.safe_load(scale.read_text(encoding="utf-8"))
    scale.write_text(
        yaml.safe_dump(data | {"steps": {"teacher": 6400, "train": 3200, "search": 3200}}),
        encoding="utf-8",
    )
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
    assert "missing runs: 1 of 4 (distilled-mlp16-critic)" in ledger
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


HANGING = FAULTY.replace(
    'raise RuntimeError("motor 3 is hot")', "import time; time.sleep(600)"
).replace('"distilled-mlp16-critic" in " ".join(sys.argv)', "True")


def test_an_environment_that_swallows_every_interruption_is_ended_too(tmp_path: Path) -> None:
    indent = " " * 16
    swallow = f"while True:\n{indent}try: time.sleep(60)\n{indent}except BaseException: pass"
    text = HANGING.replace("import time; time.sleep(600)", f"import time\n            {swallow}")
    (tmp_path / "faulty_task.py").write_text(text, encoding="utf-8")
    (tmp_path / "broken").touch()
    card = {
        "title": "S",
        "family": "gymnasium",
        "id": "Faulty-v0",
        "import_module": "faulty_task",
        "step_limit_s": 1,
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    options = {"cwd": tmp_path, "env": environment(PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")}
    status, errors = run("check", "mine.yaml", **options)
    assert (
        status == 1 and "step 1 of 1 environments" in errors and "swallows what ends it" in errors
    )


def test_an_environment_that_crashes_the_process_is_told_by_file_and_line(tmp_path: Path) -> None:
    crash = FAULTY.replace(
        'raise RuntimeError("motor 3 is hot")', "import ctypes; ctypes.string_at(0)"
    )
    text = crash.replace('"distilled-mlp16-critic" in " ".join(sys.argv)', "True")
    (tmp_path / "faulty_task.py").write_text(text, encoding="utf-8")
    (tmp_path / "broken").touch()
    card = {"title": "C", "family": "gymnasium", "id": "Faulty-v0", "import_module": "faulty_task"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    process = start(
        "check",
        "mine.yaml",
        cwd=tmp_path,
        env=environment(PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}"),
    )
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGSEGV
    assert re.search(r'Segmentation fault(.|\n)*faulty_task\.py", line \d+ in step', errors), errors


def test_a_hanging_environment_ends_with_a_message_and_keeps_the_state(tmp_path: Path) -> None:
    (tmp_path / "faulty_task.py").write_text(HANGING, encoding="utf-8")
    card = {
        "title": "H",
        "family": "gymnasium",
        "id": "Faulty-v0",
        "import_module": "faulty_task",
        "step_limit_s": 1,
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    arguments = [
        "train",
        "--task",
        "mine.yaml",
        "--network",
        "mlp64",
        "--out",
        "out",
        "--steps",
        40_000,
    ]
    options = {"cwd": tmp_path, "env": environment(PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")}
    process = start(*arguments, "--environments", 8, **options)
    wait_for_checkpoints(process, tmp_path / "out" / "checkpoint", 3)
    (tmp_path / "broken").touch()
    status, errors = finish(process)
    place = r"mine: step \d+ of 8 environments after reset\(seed=\d+\)"
    assert status == 1 and re.match(
        rf"a2d: {place}: the environment hangs for more than 1 s .*faulty_task\.py", errors
    )
    (tmp_path / "broken").unlink()
    status, errors = run(*arguments, "--environments", 8, **options)
    assert status == 0 and "goes on from step" in errors
    assert len(read_record(tmp_path / "out" / "record.json").resumed_from) == 1


MILLION = """
import sys
from pathlib import Path

from a2d.runs.execute import run_training
from a2d.runs.progress_bar import Reporter
from a2d.specs.run import TrainSpec
from a2d.specs.task import load_card

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

steps, seen = 0, []
advance = Reporter.advance
def watch(self, more):
    global steps
    steps += more
    if steps % 50_000 == 0:
        seen.append((steps, resident()))
    advance(self, more)
Reporter.advance = watch

spec = TrainSpec(task=load_card(Path(sys.argv[1])), steps=1_000_000, seed=0,
                 a2c={"environments": 50},
                 agent={"kind": "manual", "network": "mlp8"})
run_training(spec, Path(sys.argv[2]))
print(seen)
"""


def test_memory_stays_flat_over_a_million_steps_and_nothing_is_left_running(tmp_path: Path) -> None:
    shared = set(Path("/dev/shm").iterdir())
    command = [
        sys.executable,
        "-c",
        MILLION,
        str(ROOT / "envs" / "gymnasium-cartpole.yaml"),
        str(tmp_path),
    ]
    variables = environment(A2D_CHECKPOINT_SECONDS="1")
    done = subprocess.run(
        command, env=variables, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    seen: list[list[int]] = json.loads(done.stdout.replace("(", "[").replace(")", "]"))
    assert seen[-1][0] == 1_000_000
    # What grows is the log of actions that a checkpoint replays: a byte a step here, and copies
    # while it is saved.
    growth = seen[-1][1] - min(size for steps, size in seen if steps >= 200_000)
    assert growth < 8 * 2**20, seen
    assert set(Path("/dev/shm").iterdir()) <= shared


def test_a_corrupt_checkpoint_is_refused_by_name_and_the_run_starts_again(tmp_path: Path) -> None:
    assert run(*vanilla(tmp_path / "whole")) == (0, "")
    changes: dict[str, Callable[[bytearray], object]] = {
        "truncated": lambda data: data.__delitem__(slice(len(data) // 2, None)),
        "flipped": lambda data: data.__setitem__(len(data) // 3, data[len(data) // 3] ^ 4),
        "empty": lambda data: data.clear(),
    }
    for name, change in changes.items():
        process = start(*vanilla(tmp_path / name))
        wait_for_checkpoints(process, tmp_path / name / "checkpoint", 2)
        process.kill()
        process.communicate()
        data = bytearray((tmp_path / name / "checkpoint").read_bytes())
        change(data)
        (tmp_path / name / "checkpoint").write_bytes(data)
        status, errors = run(*vanilla(tmp_path / name))
        assert (
            status == 0 and f"{name}/checkpoint: its checksum does not match its content" in errors
        )
        assert files_of(tmp_path / name) == files_of(tmp_path / "whole")
        shutil.rmtree(tmp_path / name)
