"""Scales and experiments expand, and a changed setting repeats just what depends on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from a2d.specs import recipes
from a2d.specs.run import SearchSpec, TrainSpec, key_of, search_of, teacher_run_of
from a2d.specs.search import GumbelSettings
from a2d.study.study import Run, Study, load_study
from tests.checkout import ROOT
from tests.study_files import edit

SMOKE, RECIPES = "scales/smoke", "experiments/recipes"
SCALES = sorted(path.stem for path in (ROOT / "workflow" / "scales").glob("*.yaml"))


def test_the_scales_are_there() -> None:
    assert {"smoke", "laptop", "study"} <= set(SCALES)


@pytest.mark.parametrize("name", SCALES)
def test_scale_expands_into_runs_that_have_what_they_need(name: str) -> None:
    study = load_study(name, ROOT)
    runs = list(study.runs.values())
    assert runs and all(key == run.key == key_of(run.spec) for key, run in study.runs.items())
    assert len({run.path for run in runs}) == len(runs), "no two records share a file"
    for position, run in enumerate(runs):
        wanted = (teacher_run_of(run.spec), search_of(run.spec))
        needed = [need for need in wanted if need is not None]
        earlier = {other.key for other in runs[:position]}
        assert all(key_of(need) in earlier for need in needed), "what is needed comes first"
        assert study.find(run.path) is run
        assert (
            run.path
            == f"{name}/{run.spec.task.name}/{run.method}/seed{run.spec.seed}-{run.key[:8]}.json"
        )
    assert all(study.members[experiment] for experiment in study.experiments)
    members = {key for keys in study.members.values() for key in keys}
    rest = {run.stage for key, run in study.runs.items() if key not in members}
    assert rest <= {"teacher", "search"}


@pytest.mark.parametrize("name", SCALES)
def test_what_a_search_has_seen_never_judges_it(name: str) -> None:
    runs = load_study(name, ROOT).runs.values()
    search_seeds = {run.spec.seed for run in runs if isinstance(run.spec, SearchSpec)}
    teacher_seeds = {run.spec.seed for run in runs if run.stage == "teacher"}
    final_seeds = {run.spec.seed for run in runs if run.stage in ("manual", "derive")}
    assert not search_seeds & final_seeds and not teacher_seeds & (search_seeds | final_seeds)


def test_smoke_has_every_method_and_control_on_both_tasks() -> None:
    study = load_study("smoke", ROOT)
    for task in ("tiny-catch", "tiny-reach"):
        methods = {run.method for run in study.runs.values() if run.spec.task.name == task}
        assert {
            f"search-{name}" for name in ("vanilla", "bilevel", "actor", "critic", "joint")
        } <= methods
        assert {
            f"derived-{name}-{mode}" for name in ("vanilla", "joint") for mode in ("none", "joint")
        } <= methods
        assert {"random-joint-none", "random-joint-joint"} <= methods
    modes = {
        run.factors["search"]: (run.spec.search.train_mode, run.spec.distillation.mode)
        for run in study.runs.values()
        if isinstance(run.spec, SearchSpec)
        and isinstance(run.spec.search, GumbelSettings)
        and run.factors["recipe"] == "paper"
    }
    assert modes == {
        "vanilla": ("one-level", "none"),
        "bilevel": ("bi-level", "none"),
        "actor": ("one-level", "actor"),
        "critic": ("one-level", "critic"),
        "joint": ("one-level", "joint"),
        "cost_only": ("one-level", "none"),
    }


def test_equal_specs_are_one_run() -> None:
    study = load_study("smoke", ROOT)
    shared = set(study.members["a2d_vs_manual"]) & set(study.members["size_sweep"])
    assert shared, "the sweep is trained once"
    assert {run.stage for run in map(study.runs.__getitem__, shared)} == {"manual"}


def test_one_ablation_is_a_search_and_what_is_derived_from_it() -> None:
    runs = load_study("smoke", ROOT).of_search("actor")
    assert {run.stage for run in runs} == {"search", "derive"}
    assert {run.method for run in runs} == {
        "search-actor",
        "derived-actor-none",
        "derived-actor-joint",
    }


def teaches(run: Run, *modes: str) -> bool:
    """Tell whether a run, or the search it builds on, is taught in one of the modes."""
    search = search_of(run.spec)
    return run.spec.distillation.mode in modes or (
        search is not None and search.distillation.mode in modes
    )


def on_pixels(run: Run) -> bool:
    return run.spec.task.observation == "pixels"


def searched_by_gumbel(run: Run) -> bool:
    spec = run.spec if isinstance(run.spec, SearchSpec) else search_of(run.spec)
    return spec is not None and isinstance(spec.search, GumbelSettings)


def searched(run: Run) -> bool:
    return run.stage == "search" or search_of(run.spec) is not None


def as_long_as_both(run: Run) -> bool:
    """Tell whether a run is as long as a search and the training of its result."""
    return run.factors.get("budget") == "total"


def trained(run: Run) -> bool:
    return run.stage in ("manual", "derive")


def identity_of(run: Run) -> tuple[str, str, int]:
    return run.spec.task.name, run.method, run.spec.seed


def changed_runs(before: Study, after: Study) -> set[tuple[str, str, int]]:
    old = {identity_of(run): run.key for run in before.runs.values()}
    new = {identity_of(run): run.key for run in after.runs.values()}
    assert old.keys() == new.keys()
    return {identity for identity, key in new.items() if key != old[identity]}


CASES: dict[str, tuple[str, Any, Any]] = {
    "title": ("title", "Other", lambda run: False),
    "discount": ("pixels.a2c.discount", 0.95, on_pixels),
    "lambda": (
        "vectors.search.cost_coefficient",
        0.5,
        lambda run: searched_by_gumbel(run) and not on_pixels(run),
    ),
    "search steps": ("steps.search", 6720, lambda run: searched(run) or as_long_as_both(run)),
    "train steps": ("steps.train", 6720, trained),
    "teacher steps": (
        "steps.teacher",
        6720,
        lambda run: run.stage == "teacher" or teaches(run, "actor", "critic", "joint"),
    ),
    "beta_a": (
        "distillation.actor_coefficient",
        0.7,
        lambda run: trained(run) and run.spec.distillation.mode in ("actor", "joint"),
    ),
    "beta_c": (
        "distillation.critic_coefficient",
        0.7,
        lambda run: trained(run) and run.spec.distillation.mode in ("critic", "joint"),
    ),
    "evaluation": ("evaluation.episodes", 20, lambda run: True),
}


@pytest.mark.parametrize("name", CASES)
def test_a_changed_setting_changes_the_keys_that_depend_on_it_alone(
    name: str, checkout: Path
) -> None:
    key, value, depends = CASES[name]
    before = load_study("smoke", checkout)
    edit(checkout, SMOKE, (key, value))
    expected = {identity_of(run) for run in before.runs.values() if depends(run)}
    assert changed_runs(before, load_study("smoke", checkout)) == expected


def test_a_run_of_total_steps_is_as_long_as_a_search_and_the_training_of_its_result() -> None:
    study = load_study("smoke", ROOT)
    steps = study.scale.steps
    longer = [run for run in study.runs.values() if as_long_as_both(run)]
    assert {run.spec.steps for run in longer} == {steps.search + steps.train}
    assert {run.stage for run in longer} == {"manual", "derive"}
    assert all(run.method.endswith(("-total", "-total-draw1")) for run in longer)


def test_random_draws_of_one_seed_are_runs_of_their_own() -> None:
    study = load_study("smoke", ROOT)
    draws = [run for run in study.runs.values() if run.factors.get("draw") in ("0", "1")]
    agents = {run.key: run.spec.agent for run in draws if isinstance(run.spec, TrainSpec)}
    assert {getattr(agent, "draw", None) for agent in agents.values()} == {0, 1}
    assert len(agents) == len(draws)


def test_a_group_may_have_the_first_tasks_and_seeds_alone(checkout: Path) -> None:
    edit(checkout, SMOKE, ("seeds", {"teacher": 100, "search": [0, 1], "train": [10, 11]}))
    before = load_study("smoke", checkout)
    fewer = {"stage": "manual", "network": ["every"], "tasks": 1, "seeds": 1}
    edit(checkout, "experiments/size_sweep", ("groups", [fewer]))
    edit(checkout, SMOKE, ("experiments", ["size_sweep"]))
    after = [run for run in load_study("smoke", checkout).runs.values() if run.stage == "manual"]
    assert {(run.spec.task.name, run.spec.seed) for run in after} == {("tiny-catch", 10)}
    assert {run.key for run in after} < before.runs.keys()


def test_a_tasks_own_keys_are_laid_over_those_of_its_kind(checkout: Path) -> None:
    before = load_study("smoke", checkout)
    own = {"tiny-catch": {"a2c": {"discount": 0.5}, "networks": {"student": "resnet14"}}}
    edit(checkout, SMOKE, ("own", own))
    after = load_study("smoke", checkout)
    runs = [run.spec for run in after.runs.values() if run.spec.task.name == "tiny-catch"]
    assert {spec.a2c.discount for spec in runs} == {0.5}
    assert {spec.a2c.rollout_length for spec in runs} == {7}, "the others stay"
    others = {run.key for run in before.runs.values() if run.spec.task.name == "tiny-reach"}
    assert others <= after.runs.keys()


def test_a_renamed_method_keeps_its_key(checkout: Path) -> None:
    before = load_study("smoke", checkout)
    edit(
        checkout,
        "methods",
        ("search.joint.title", "Another title"),
    )
    assert changed_runs(before, load_study("smoke", checkout)) == set()


def test_a_recipe_changes_its_own_runs_alone(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_study("smoke", checkout)
    monkeypatch.setitem(recipes.RECIPES["plus"].search, "temperature", 2.0)
    expected = {
        identity_of(run) for run in before.runs.values() if run.factors.get("recipe") == "plus"
    }
    assert expected and changed_runs(before, load_study("smoke", checkout)) == expected


def test_planning_needs_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from a2d.study.study import load_study;"
        "load_study('smoke', Path()); assert not {'torch', 'gymnasium'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_methods_own_space_counts(checkout: Path) -> None:
    edit(checkout, "methods", ("search.vanilla.searcher", {"space": {"cells": 2}}))
    searches = [
        run.spec.search
        for run in load_study("smoke", checkout).runs.values()
        if isinstance(run.spec, SearchSpec) and run.factors["search"] == "vanilla"
    ]
    assert searches and {search.space.cells for search in searches} == {2}
    assert {search.space.width for search in searches} == {8, 16}, "the rest is the scale's"


def test_equal_specs_are_one_run_that_keeps_every_label(checkout: Path) -> None:
    """Vanilla search has no teacher, so that recipes which differ in its weight are the same."""
    recipes = "recipes"
    edit(
        checkout,
        "methods",
        (f"{recipes}.strong", {"title": "x", "distillation": {"actor_coefficient": 2.0}}),
    )
    edit(checkout, "experiments/recipes", ("groups.0.recipe", ["paper", "strong"]))
    runs = load_study("smoke", checkout).runs.values()
    vanilla = [run for run in runs if run.method == "search-vanilla"]
    assert vanilla and not any(run.method == "search-vanilla-strong" for run in runs)
    for run in vanilla:
        assert [run.factors["recipe"], *(label["recipe"] for label in run.also)] == [
            "paper",
            "strong",
        ]
    assert {len(run.also) for run in runs if run.method == "search-joint"} == {0}
