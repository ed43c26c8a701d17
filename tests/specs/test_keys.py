"""Keys that can grow: what is added later changes no key of what was recorded before."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from pydantic import create_model

from a2d.runs.records import find_records, read_record
from a2d.specs.algorithm import A2CSettings
from a2d.specs.architecture import OPERATORS, PAPER_OPERATORS, CellSpace, Operator
from a2d.specs.data import Frozen, later
from a2d.specs.run import ManualAgent, RandomAgent, SearchSpec, TrainSpec, key_of
from a2d.specs.search import SETTINGS, GumbelSettings
from a2d.specs.task import load_card
from tests.checkout import ENVS, ROOT

RECORDS = find_records(ROOT / "results")
SEARCH = SearchSpec(task=load_card(ENVS / "tiny-catch.yaml"), steps=32000, seed=0)
TEACHER = TrainSpec(task=SEARCH.task, steps=32000, seed=0, agent=ManualAgent(network="vanilla"))
LATER = {"added": (int, later(7, "an option that came later"))}


def grown(model: type[Frozen], **fields: Any) -> Any:
    """Return a model with one more field, which was added later, or with other types of fields."""
    more: Any = fields or LATER
    return create_model(f"Grown{model.__name__}", __base__=model, **more)


def spec_with(model: type[Frozen], **set_to: int) -> SearchSpec:
    """Return the search whose settings of this kind have one more field."""
    settings = grown(model)
    if model is A2CSettings:
        found = grown(SearchSpec, a2c=(settings, settings(**set_to)))
    elif model is GumbelSettings:
        found = grown(SearchSpec, search=(settings, settings(**set_to)))
    else:
        gumbel = grown(GumbelSettings, space=(settings, settings(**set_to)))
        found = grown(SearchSpec, search=(gumbel, gumbel()))
    spec: SearchSpec = found(task=SEARCH.task, steps=SEARCH.steps, seed=SEARCH.seed)
    return spec


def test_every_recorded_key_is_its_specs_key() -> None:
    assert len(RECORDS) >= 100
    for path in RECORDS:
        assert read_record(path).key == json.loads(path.read_text(encoding="utf-8"))["key"]


@pytest.mark.parametrize("model", [A2CSettings, GumbelSettings, CellSpace])
def test_a_later_field_changes_no_key_at_its_default_and_its_own_when_it_is_set(
    model: type[Frozen],
) -> None:
    assert key_of(spec_with(model)) == key_of(SEARCH)
    assert key_of(spec_with(model, added=7)) == key_of(SEARCH)
    assert key_of(spec_with(model, added=8)) != key_of(SEARCH)


def test_a_searchs_kind_is_in_no_key_of_the_first_kind_and_in_every_other() -> None:
    assert "kind" not in SEARCH.search.model_dump()
    given = SearchSpec(**{**SEARCH.model_dump(), "search": {"kind": "gumbel"}})
    assert key_of(given) == key_of(SEARCH)
    taught = {"distillation": {"mode": "joint"}, "teacher": TEACHER}  # some kinds need one
    keys = {
        key_of(SearchSpec(**{**SEARCH.model_dump(), **taught, "search": {"kind": kind}}))
        for kind in SETTINGS
    }
    assert len(keys) == len(SETTINGS) >= 3


def test_candidates_are_in_the_key_unless_they_are_the_papers() -> None:
    def with_candidates(names: tuple[str, ...] | None) -> SearchSpec:
        return SEARCH.model_copy(update={"search": GumbelSettings(candidates=names)})

    assert key_of(with_candidates(None)) == key_of(SEARCH)
    assert key_of(with_candidates(("conv3", "skip"))) != key_of(SEARCH)
    assert key_of(with_candidates(("skip", "conv3"))) != key_of(with_candidates(("conv3", "skip")))


def test_an_operator_that_comes_to_mean_something_else_makes_searches_and_draws_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derived = TrainSpec(task=SEARCH.task, steps=32000, seed=1, agent=RandomAgent(matched_to=SEARCH))
    before = [key_of(SEARCH), key_of(derived)]
    changed = dataclasses.replace(OPERATORS["convolution"]["conv5"], kernel=7)
    monkeypatch.setitem(OPERATORS["convolution"], "conv5", changed)
    after = [key_of(SEARCH), key_of(derived)]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_another_operator_in_the_table_changes_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(SEARCH)
    monkeypatch.setitem(OPERATORS["convolution"], "conv7", Operator("convolution", 7, "relu"))
    assert key_of(SEARCH) == before
    wider = SEARCH.model_copy(update={"search": GumbelSettings(candidates=("conv7", "skip"))})
    assert key_of(wider) != before


def test_one_more_of_the_papers_operators_makes_searches_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = key_of(SEARCH)
    for table in (OPERATORS, PAPER_OPERATORS):
        monkeypatch.setitem(table["convolution"], "conv7", Operator("convolution", 7, "relu"))
    assert key_of(SEARCH) != before
