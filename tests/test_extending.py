"""docs/extending.md, walked literally on a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from a2d.specs.algorithm import A2CSettings
from a2d.specs.run import ManualAgent, TrainSpec, key_of
from a2d.specs.task import load_card
from tests.checkout import ROOT

BLOCK = re.compile(r"```(?:diff|\w+ (?P<file>\S+))\n(?P<body>.*?)```", re.DOTALL)
CHANGE = re.compile(r"--- a/(\S+)\n\+\+\+ b/\S+\n(.*)", re.DOTALL)


def apply(change: str, copy: Path) -> None:
    """Apply a diff by its text alone: line numbers in a document would be wrong soon."""
    found = CHANGE.fullmatch(change)
    assert found, change
    path = copy / found[1]
    text = path.read_text(encoding="utf-8")
    for part in re.split(r"^@@.*\n", found[2], flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        before = "".join(line[1:] or line for line in lines if line[0] != "+")
        after = "".join(line[1:] or line for line in lines if line[0] != "-")
        assert text.count(before) == 1, f"{path.name} has no such lines:\n{before}"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with every walk of the document applied."""
    folder = tmp_path_factory.mktemp("extended")
    for name in ("a2d", "envs", "workflow", "tables", "figures", "profiles", "results"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "Snakefile", folder)
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) >= 6
    for block in blocks:
        if block["file"]:
            (folder / block["file"]).write_text(block["body"], encoding="utf-8")
        else:
            apply(block["body"], folder)
    return folder


def python(copy: Path, code: str) -> str:
    """Run code on the copy's library."""
    variables = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, env=variables, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def a2d(copy: Path, *arguments: object) -> str:
    """Run the copy's command line."""
    words = [str(argument) for argument in arguments]
    code = f"import sys; from a2d.cli import main; sys.argv = {['a2d', *words]!r}; main()"
    return python(copy, code)


def test_a_task_is_one_card(copy: Path) -> None:
    assert "good" in a2d(copy, "check", "envs/pole.yaml")


def test_an_operator_is_one_line_of_a_table_with_its_flops_name_and_sign(copy: Path) -> None:
    code = """
import torch
from a2d.networks.costs import count_flops
from a2d.networks.operators import CellShape, build_operator
from a2d.reading.rendering.style import operator_color, operator_name, operator_sign
from a2d.specs.architecture import OPERATORS
seven, three = (OPERATORS["convolution"][name] for name in ("conv7", "conv3"))
built = build_operator(seven, CellShape(8, 8), "none")
print(count_flops(built, torch.zeros(1, 8, 10, 10)), operator_sign(seven), operator_name(seven))
print(operator_color(seven) != operator_color(three))
"""
    assert python(copy, code) == f"{2 * 100 * 8 * 8 * 49} C7 convolution 7×7\nTrue\n"


def test_a_recipe_names_candidates_in_one_line(copy: Path) -> None:
    code = """
from pathlib import Path
from a2d.study.study import load_study
import yaml
path = Path("workflow/experiments/recipes.yaml")
data = yaml.safe_load(path.read_text())
data["groups"].append({"stage": "search", "search": ["vanilla", "local"], "recipe": ["wide"]})
path.write_text(yaml.safe_dump(data))
scale = yaml.safe_load(Path("workflow/scales/smoke.yaml").read_text())
del scale["vectors"]
Path("workflow/scales/images.yaml").write_text(yaml.safe_dump({**scale, "tasks": ["tiny-catch"]}))
runs = load_study("images", Path()).runs.values()
wide = [run for run in runs if run.factors.get("recipe") == "wide"]
print(sorted({run.method for run in wide}), {run.spec.search.candidates for run in wide})
"""
    expected = "['search-local-wide', 'search-vanilla-wide'] {('conv3', 'conv7', 'skip')}\n"
    assert python(copy, code) == expected


def test_a_figure_is_a_script_and_its_name_in_an_experiment(copy: Path) -> None:
    code = """
import sys
from snakemake.cli import main
main(["--cores", "1", "--config", "only=recorded", "scale=laptop", "--", "seconds"])
"""
    python(copy, code)
    caption = (copy / "figures" / "laptop" / "seconds.txt").read_text(encoding="utf-8")
    assert caption.startswith("Time of a whole run. n = 2 seeds × 2 tasks")
    found = python(
        copy,
        "from pathlib import Path; from a2d.study.study import load_study\n"
        "print(load_study('laptop', Path()).artifacts['figures/seconds'].title)",
    )
    assert found == "Seconds of training\n"


def test_a_claim_is_a_test_and_its_name_in_an_experiment(copy: Path) -> None:
    code = """
from pathlib import Path
from a2d.reading.claims import judge_all
from a2d.reading.results import load_results
from a2d.study.study import load_study
ruling = judge_all(load_results(load_study("laptop", Path()), Path("results")))[-1]
print(ruling.claim.claim, ruling.verdict, *ruling.reasons, ruling.decision.effect.name, sep=", ")
"""
    said = "C7, inconclusive, thin: 2 of 5 seeds, the largest over the smallest\n"
    assert python(copy, code) == said


def test_old_keys_stay(copy: Path) -> None:
    code = f"""
from pathlib import Path
from a2d.runs.records import find_records, read_record
records = find_records(Path({str(ROOT / "results")!r}))
print(len([read_record(path) for path in records]) >= 100)
"""
    assert python(copy, code) == "True\n"


def test_an_algorithm_is_settings_a_field_a_class_and_a_choice(copy: Path, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from a2d.runs.execute import run_training
from a2d.specs.run import TrainSpec, key_of
from a2d.specs.task import load_card
card = load_card(Path("envs/pole.yaml"))
agent = {{"kind": "manual", "network": "mlp16"}}
plain = TrainSpec(task=card, steps=3200, seed=0, agent=agent, a2c={{"environments": 4}})
spec = TrainSpec(task=card, steps=3200, seed=0, agent=agent, adam_a2c={{"environments": 4}})
one, two = (run_training(each, Path({str(tmp_path)!r}) / key_of(each)) for each in (plain, spec))
print(one.key, one.key != two.key, one.score != two.score, two.status)
"""
    spec = TrainSpec(
        task=load_card(copy / "envs" / "pole.yaml"), steps=3200, seed=0,
        agent=ManualAgent(network="mlp16"), a2c=A2CSettings(environments=4),
    )  # fmt: skip
    assert python(copy, code) == f"{key_of(spec)} True True finished\n"


def test_a_searcher_is_its_settings_and_its_class(copy: Path, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from a2d.runs.execute import run_search
from a2d.specs.run import SearchSpec
from a2d.specs.task import load_card
settings = {{"kind": "local_search", "trials": 8, "space": {{"cells": 3, "width": 8}}}}
spec = SearchSpec(task=load_card(Path("envs/pole.yaml")), steps=3200, seed=0, search=settings,
                  a2c={{"environments": 4}})
trials = run_search(spec, Path({str(tmp_path)!r})).search.trials
best = max(range(4), key=lambda k: (trials[k].score or 0.0, -k))
changed = [a != b for a, b in zip(trials[4].operators, trials[best].operators)]
print(len(trials), sum(trial.steps for trial in trials), sum(changed))
"""
    assert python(copy, code) == "8 3200 1\n"
