"""A study of one tiny task that ends within a minute, and an environment that breaks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from a2d.study.study import Run, Study, load_study
from tests.processes import environment

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


BRIEF = {"teacher": 6400, "train": 3200, "search": 3200}
LASTING = {"teacher": 24000, "train": 16000, "search": 8000}  # long enough to be killed


def mini(
    checkout: Path, task: dict[str, Any] | None = None, steps: dict[str, int] = BRIEF
) -> Study:
    """Write a scale of one tiny task and a handful of runs."""
    if task is not None:
        (checkout / "envs" / "tiny-reach.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    scale = yaml.safe_load(
        (checkout / "workflow" / "scales" / "smoke.yaml").read_text(encoding="utf-8")
    )
    scale |= {"tasks": ["tiny-reach"], "experiments": ["distillation", "search_methods"]}
    del scale["pixels"]
    scale["steps"] = steps
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
