"""What the command line asks for becomes a spec: recipes, options, settings, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2d.errors import A2DError
from a2d.runs.request import RunRequest, SearchRequest, search_spec, train_spec
from a2d.specs.run import SearchSpec, key_of
from a2d.specs.search import GumbelSettings
from a2d.study.study import load_study
from tests.checkout import ENVS, ROOT

CATCH = ENVS / "tiny-catch.yaml"


def gumbel(spec: SearchSpec) -> GumbelSettings:
    assert isinstance(spec.search, GumbelSettings)
    return spec.search


def test_the_plus_recipe_is_the_default_and_the_studys() -> None:
    spec = search_spec(SearchRequest(CATCH, Path("x")), None)
    (planned,) = {
        (run.spec.search.space.shortcut, gumbel(run.spec).architecture_learning_rate)
        for run in load_study("smoke", ROOT).runs.values()
        if isinstance(run.spec, SearchSpec) and run.factors["recipe"] == "plus"
    }
    assert (spec.search.space.shortcut, gumbel(spec).architecture_learning_rate) == planned
    assert spec.distillation.schedule == "annealed"


def test_the_papers_recipe_is_the_specs_defaults() -> None:
    spec = search_spec(SearchRequest(CATCH, Path("x"), recipe="paper"), None)
    assert spec == SearchSpec(task=spec.task, steps=1_000_000, seed=0)


def test_options_are_laid_over_the_recipe_and_settings_over_options() -> None:
    asked = SearchRequest(
        CATCH, Path("x"), environments=8, options={"space": {"shortcut": "none", "cells": 2}},
        settings=("search.space.cells=3", "a2c.environments=16", "distillation.schedule=constant"),
    )  # fmt: skip
    spec = search_spec(asked, None)
    assert (spec.search.space.shortcut, spec.search.space.cells) == ("none", 3)
    assert (spec.a2c.environments, spec.distillation.schedule) == (16, "constant")
    assert spec.distillation.critic_coefficient == 0.5, "the rest of the recipe stays"


@pytest.mark.parametrize(
    ("steps", "played"), [(100_000, 100_160), (7, 320), (320, 320), (321, 640)]
)
def test_steps_are_rounded_up_to_whole_updates_and_that_is_said(
    steps: int, played: int, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = train_spec(RunRequest(CATCH, Path("x"), steps), "vanilla", None)
    said = capsys.readouterr().err
    assert spec.steps == played
    assert (said == "") == (steps == played) and (not said or f"{played:,} are played" in said)


def test_an_old_commands_key_stays() -> None:
    """The same folder resumes: what was not asked for is not in the key."""
    spec = train_spec(RunRequest(CATCH, Path("x"), environments=64), "vanilla", None)
    assert key_of(spec) == key_of(train_spec(RunRequest(CATCH, Path("x")), "vanilla", None))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("a2c.learning_rate=-1",), r"a2d train \(vanilla\): a2c.learning_rate: .*greater than 0"),
        (("evaluation.episodes=25",), "the nearest that it divides: 20 or 30 episodes"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(settings: tuple[str, ...], said: str) -> None:
    with pytest.raises(A2DError, match=said):
        train_spec(RunRequest(CATCH, Path("x"), settings=settings), "vanilla", None)


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(A2DError, match="--recipe best: should be one of paper, plus"):
        search_spec(SearchRequest(CATCH, Path("x"), recipe="best"), None)
