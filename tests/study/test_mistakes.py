"""Scales, experiments and methods that cannot be meant are refused, with the file and the key."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from a2d.errors import A2DError
from a2d.study.study import load_study
from tests.checkout import ROOT
from tests.study_files import edit

SMOKE, RECIPES = "scales/smoke", "experiments/recipes"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("own", {"tiny-ball": {}}, r"own: 'tiny-ball' is not one of the scale's tasks"),
        ("tuned", ["tiny-ball"], r"tuned: 'tiny-ball' is not one of the scale's tasks"),
        (
            "own",
            {"tiny-catch": {"networks": {"student": "mlp8"}}},
            "own.tiny-catch.networks: 'mlp8",
        ),
        ("own", {"tiny-catch": {"a2c": {"environments": 3}}}, "nearest"),
        ("own", {"tiny-catch": {"a2c": {"gamma": 3}}}, "a2c.gamma: is not a known key"),
    ],
)
def test_a_tasks_own_keys_that_do_not_fit_are_refused(
    key: str, value: Any, message: str, checkout: Path
) -> None:
    edit(checkout, SMOKE, (key, value))
    with pytest.raises(A2DError, match=message) as refused:
        load_study("smoke", checkout)
    assert "smoke.yaml" in str(refused.value)


@pytest.mark.parametrize(
    ("file", "change", "names"),
    [
        (SMOKE, ("stepps", 1), ("smoke.yaml", "stepps", "not a known key")),
        (SMOKE, ("steps.train", "many"), ("smoke.yaml", "steps.train", "'many'")),
        (SMOKE, ("pixels.a2c.learning_rat", 1), ("smoke.yaml", "pixels.a2c.learning_rat")),
        (SMOKE, ("pixels.search.backward_paths", 10), ("smoke.yaml", "backward_paths")),
        (SMOKE, ("steps.train", 5121), ("smoke.yaml", "5121", "multiple")),
        (SMOKE, ("seeds", {"teacher": 1, "search": [0], "train": [0]}), ("smoke.yaml", "seeds")),
        (SMOKE, ("seeds", {"teacher": 0, "search": [0], "train": [1]}), ("smoke.yaml", "seeds")),
        (SMOKE, ("seeds", {"teacher": 9, "search": [0, 1], "train": [2]}), ("smoke.yaml", "seeds")),
        (
            SMOKE,
            ("seeds", {"teacher": 9, "search": [0, 0], "train": [2, 3]}),
            ("smoke.yaml", "seeds"),
        ),
        (SMOKE, ("pixels", None), ("smoke", "pixels", "tiny-catch")),
        (SMOKE, ("tasks", ["tiny-cath"]), ("tiny-cath", "tiny-catch")),
        (SMOKE, ("experiments", ["size_sweeep"]), ("smoke.yaml: exp", "size_sweeep", "size_sweep")),
        (SMOKE, ("pixels.networks.student", "vanila"), ("smoke", "vanila")),
        (SMOKE, ("vectors.networks.every", ["mlp8", "resnet14"]), ("smoke", "resnet14")),
        (
            "methods",
            ("search.joint.searcher", {"train_mode": "both"}),
            ("methods.yaml", "joint.searcher.train_mode", "'both'"),
        ),
        (
            "methods",
            ("search.joint.searcher", {"kind": "guess"}),
            ("methods.yaml", "joint.searcher", "one of gumbel, single_path, evolution, imi"),
        ),
        (
            "methods",
            ("recipes.mine", {"title": "M", "search": {"candidates": ["conv3", "conv3"]}}),
            ("methods.yaml", "names an operator twice"),
        ),
        ("methods", ("recipes.plus", {"title": "A"}), ("methods.yaml", "plus is the library's")),
        ("methods", ("recipes.m", {"title": "A", "search": {"kind": "x"}}), ("search.kind",)),
        (
            "methods",
            ("recipes.m", {"title": "A", "distillation": {"mode": "actor"}}),
            ("distillation.mode",),
        ),
        ("methods", ("search.joint.distil", "joint"), ("methods.yaml", "search.joint.distil")),
        ("methods", ("recipes.m", {"title": "A", "search": {"temperatur": 1}}), ("temperatur",)),
        (
            "methods",
            ("recipes.m", {"title": "A", "distillation": {"schedule": "slow"}}),
            ("methods.yaml", "schedule"),
        ),
        (
            RECIPES,
            ("groups.0.search", ["joitn"]),
            ("recipes.yaml", "search", "'joitn'", "methods.yaml"),
        ),
        (RECIPES, ("groups.0.recipe", ["pluss"]), ("recipes.yaml", "recipe", "'pluss'")),
        (RECIPES, ("groups.0.stage", "serch"), ("recipes.yaml", "groups.0.stage", "'serch'")),
        (RECIPES, ("claim", []), ("recipes.yaml", "claim", "not a known key")),
        (
            "experiments/distillation",
            ("groups.0.distillation", ["actr"]),
            ("distillation.yaml", "'actr'"),
        ),
        (
            "experiments/distillation",
            ("groups.0.network", ["studnet"]),
            ("distillation.yaml", "studnet"),
        ),
        (
            "experiments/distillation",
            ("groups.0.network", []),
            ("distillation.yaml", "groups.0", "network"),
        ),
        (RECIPES, ("groups.0.search", []), ("recipes.yaml", "groups.0", "at least one search")),
        (
            RECIPES,
            ("artifacts", ["figures/parreto"]),
            ("recipes.yaml", "figures/parreto", "figures/pareto"),
        ),
    ],
    ids=str,
)
def test_a_mistake_names_its_file_and_key(
    file: str, change: tuple[str, Any], names: tuple[str, ...], checkout: Path
) -> None:
    edit(checkout, file, change)
    with pytest.raises(A2DError) as caught:
        load_study("smoke", checkout)
    assert all(name in str(caught.value) for name in names), str(caught.value)
    assert len(str(caught.value)) < 500, "a message, not a dump"


def test_unknown_scale_lists_those_there_are() -> None:
    with pytest.raises(A2DError, match=r"'smokee'.*laptop.*smoke"):
        load_study("smokee", ROOT)


@pytest.mark.parametrize(
    "name",
    [
        "workflow/scales/smoke.yaml",
        "../scales/smoke",
        "scales/../smoke",
        "smoke.yaml",
        "./smoke",
        "/tmp/smoke",
    ],
)
def test_a_scale_is_a_name_and_no_path(name: str, checkout: Path) -> None:
    with pytest.raises(
        A2DError, match=r"name of a file .*; write smoke; the scales there: .*breakout, .*smoke"
    ):
        load_study(name, checkout)


@pytest.mark.parametrize("name", ["..", "", ".", "{task}", "a b"])
def test_what_cannot_name_folders_and_patterns_names_no_scale(name: str, checkout: Path) -> None:
    scales = checkout / "workflow" / "scales"
    shutil.copy(scales / "smoke.yaml", scales / f"{name}.yaml")
    with pytest.raises(A2DError, match="should be the name of a file"):
        load_study(name, checkout)


def test_unknown_run_is_told() -> None:
    with pytest.raises(A2DError, match="no such run"):
        load_study("smoke", ROOT).find("smoke/tiny-catch/teacher-vanilla/seed100-00000000.json")


def test_operators_of_a_recipe_that_do_not_fit_a_task_are_refused(checkout: Path) -> None:
    pair = {"title": "Pair", "search": {"candidates": ["conv3", "skip"]}}
    edit(checkout, "methods", ("recipes.pair", pair))
    edit(checkout, "experiments/recipes", ("groups.0.recipe", ["pair"]))
    said = r"methods\.yaml: recipes\.pair\.search\.candidates: .*tiny-reach needs"
    with pytest.raises(A2DError, match=said):
        load_study("smoke", checkout)
