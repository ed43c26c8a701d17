"""Keys: stable, blind to what people read, and changed by everything that changes a result."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from a2d.specs import run as module
from a2d.specs.algorithm import A2CSettings, DistillationSettings
from a2d.specs.run import (
    DerivedAgent,
    EvaluationSettings,
    GivenAgent,
    ManualAgent,
    RandomAgent,
    RunSpec,
    SearchSpec,
    TrainSpec,
    key_of,
    search_of,
)
from a2d.specs.search import GumbelSettings
from a2d.specs.task import Score, TaskCard
from tests.checkout import ROOT

CARD = TaskCard.model_validate(
    {
        "name": "small",
        "title": "Small",
        "family": "tiny",
        "id": "a2d/Catch-v0",
        "observation": "pixels",
    }
    | {"options": {"balls": 5}, "max_episode_steps": 100}
)
TEACHER = TrainSpec(task=CARD, steps=3200, seed=100, agent=ManualAgent(network="resnet14"))
JOINT = DistillationSettings(mode="joint")
SEARCH = SearchSpec(task=CARD, steps=6400, seed=2, distillation=JOINT, teacher=TEACHER)
DERIVED = TrainSpec(
    task=CARD,
    steps=3200,
    seed=10,
    distillation=JOINT,
    teacher=TEACHER,
    agent=DerivedAgent(search=SEARCH),
)
RANDOM = DERIVED.model_copy(update={"agent": RandomAgent(matched_to=SEARCH)})
WORDS = [
    "bi-level",
    "identity",
    "group",
    "critic",
    "annealed",
    "vanilla",
    "atari",
    "vectors",
    "another",
    "dense",
]
UNREAD = {"name", "title", "step_limit_s", "random_score", "reference_score"}


def leaves(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    else:
        yield path


def others(value: Any) -> list[Any]:
    """Return values to try in the place of one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value * 2, value // 2, value + 1, value + 4]
    if isinstance(value, float):
        return [value / 2]
    return WORDS if isinstance(value, str) else [7, "tests"]


def changed(
    spec: TrainSpec | SearchSpec, path: tuple[str, ...], value: Any
) -> TrainSpec | SearchSpec | None:
    data = spec.model_dump(mode="json")
    place = data
    for key in path[:-1]:
        place = place[key]
    if place[path[-1]] == value:
        return None
    place[path[-1]] = value
    try:
        return type(spec).model_validate(data)
    except ValidationError:
        return None


def at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def is_unused(data: Any, path: tuple[str, ...]) -> bool:
    """Tell whether this is a coefficient of a distillation that there is none of."""
    block = path[:-1]
    return (
        block[-1:] == ("distillation",) and path[-1] != "mode" and at(data, block)["mode"] == "none"
    )


@pytest.mark.parametrize(
    "spec", [TEACHER, SEARCH, DERIVED, RANDOM], ids=["manual", "search", "derived", "random"]
)
def test_every_field_changes_the_key_unless_only_people_read_it(
    spec: TrainSpec | SearchSpec,
) -> None:
    data, tried = spec.model_dump(mode="json"), 0
    for path in leaves(data):
        variants = (changed(spec, path, other) for other in others(at(data, path)))
        found = next((variant for variant in variants if variant is not None), None)
        if found is None:  # a choice of one, or a card that has to agree with the other cards
            assert path[-1] in UNREAD | {"kind", "mode", "teacher"} or "task" in path, ".".join(
                path
            )
        elif not is_unused(data, path):
            assert (key_of(found) == key_of(spec)) == (path[-1] in UNREAD), ".".join(path)
            tried += 1
    assert tried > 20


def test_a_task_changes_the_key_with_its_teachers() -> None:
    for update, same in (
        ({"id": "x"}, False),
        ({"options": {"balls": 6}}, False),
        ({"name": "y"}, True),
    ):
        card = CARD.model_copy(update=update)
        teacher = TEACHER.model_copy(update={"task": card})
        assert (
            key_of(SEARCH.model_copy(update={"task": card, "teacher": teacher})) == key_of(SEARCH)
        ) == same


def test_names_titles_and_scores_are_for_people() -> None:
    renamed = CARD.model_copy(
        update={"name": "other", "title": "Other", "random_score": Score(value=1.0, source="a")}
    )
    teacher = TEACHER.model_copy(update={"task": renamed})
    search = SEARCH.model_copy(update={"task": renamed, "teacher": teacher})
    derived = DERIVED.model_copy(
        update={"task": renamed, "teacher": teacher, "agent": DerivedAgent(search=search)}
    )
    assert key_of(teacher) == key_of(TEACHER) and key_of(search) == key_of(SEARCH)
    assert key_of(derived) == key_of(DERIVED)


def test_different_runs_have_different_keys() -> None:
    vanilla = SEARCH.model_copy(update={"teacher": None, "distillation": DistillationSettings()})
    given = TrainSpec.model_validate(
        TEACHER.model_dump()
        | {
            "agent": {
                "kind": "given",
                "architecture": {
                    "space": "convolution",
                    "cells": {"cells": 1},
                    "operators": ["skip"],
                },
            }
        }
    )
    assert len({key_of(spec) for spec in (TEACHER, SEARCH, DERIVED, RANDOM, vanilla, given)}) == 6


@pytest.mark.parametrize(
    ("mode", "unused"),
    [
        ("none", {"actor_coefficient": 9.0, "critic_coefficient": 9.0, "schedule": "annealed"}),
        ("actor", {"critic_coefficient": 9.0}),
        ("critic", {"actor_coefficient": 9.0}),
    ],
)
def test_a_coefficient_that_is_not_used_is_not_in_the_key(
    mode: Any, unused: dict[str, Any]
) -> None:
    teacher = None if mode == "none" else TEACHER
    agent = ManualAgent(network="vanilla")
    keys = {
        key_of(
            TrainSpec(
                task=CARD, steps=3200, seed=0, agent=agent, teacher=teacher, distillation=settings
            )
        )
        for settings in (DistillationSettings(mode=mode), DistillationSettings(mode=mode, **unused))
    }
    assert len(keys) == 1


def test_keys_are_those_they_were() -> None:
    # To change one makes every record stale: meant where semantics are raised, a mistake elsewhere.
    assert [key_of(spec) for spec in (TEACHER, SEARCH, DERIVED, RANDOM)] == [
        "5d5c27d8fad185b4", "38ecc326687a9d21", "d75c28ee25e558cb", "70cecece582ea965"
    ]  # fmt: skip


def test_keys_do_not_depend_on_the_process() -> None:
    code = (
        "import sys; from pydantic import TypeAdapter; "
        "from a2d.specs.run import RunSpec, key_of; "
        "print(key_of(TypeAdapter(RunSpec).validate_json(sys.stdin.read())))"
    )
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=DERIVED.model_dump_json(),
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == key_of(DERIVED)


@pytest.mark.parametrize(
    ("kind", "stale"),
    [
        (
            "train",
            {"teacher", "search", "derived", "random"},
        ),  # a search depends on its teacher's training
        ("search", {"search", "derived", "random"}),
        ("random", {"random"}),
        ("evaluation", {"teacher", "search", "derived", "random"}),
    ],
)
def test_raised_semantics_make_stale_what_they_touch(
    kind: str, stale: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    specs: dict[str, TrainSpec | SearchSpec] = {
        "teacher": TEACHER, "search": SEARCH, "derived": DERIVED, "random": RANDOM
    }  # fmt: skip
    before = {name: key_of(spec) for name, spec in specs.items()}
    monkeypatch.setitem(module.SEMANTICS, kind, module.SEMANTICS[kind] + 1)
    assert {name for name, spec in specs.items() if key_of(spec) != before[name]} == stale


def test_a_vanilla_search_does_not_depend_on_trainings_semantics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vanilla = SEARCH.model_copy(update={"teacher": None, "distillation": DistillationSettings()})
    before = key_of(vanilla)
    monkeypatch.setitem(module.SEMANTICS, "train", 99)
    assert key_of(vanilla) == before


@pytest.mark.parametrize(
    "spec", [TEACHER, SEARCH, DERIVED, RANDOM], ids=["manual", "search", "derived", "random"]
)
def test_json_round_trip(spec: TrainSpec | SearchSpec) -> None:
    back = TypeAdapter(RunSpec).validate_json(spec.model_dump_json())
    assert back == spec and type(back) is type(spec) and key_of(back) == key_of(spec)
    assert json.loads(spec.model_dump_json()) == spec.model_dump(mode="json")


@given(
    st.integers(1, 64), st.integers(1, 20), st.integers(1, 50), st.integers(0, 2**32),
    st.floats(0, 1), st.floats(1e-9, 1e3),
)  # fmt: skip
def test_any_valid_spec_survives_json(
    environments: int, length: int, updates: int, seed: int, discount: float, rate: float
) -> None:
    a2c = A2CSettings(
        environments=environments, rollout_length=length, discount=discount, learning_rate=rate
    )
    steps = environments * length * updates
    spec = TrainSpec(
        task=CARD, steps=steps, seed=seed, a2c=a2c, agent=ManualAgent(network="vanilla")
    )
    back = TrainSpec.model_validate_json(spec.model_dump_json())
    assert back == spec and key_of(back) == key_of(spec) and spec.updates == updates
    assert len(key_of(spec)) == 16 and int(key_of(spec), 16) >= 0


def test_the_search_a_run_needs() -> None:
    assert search_of(DERIVED) == search_of(RANDOM) == SEARCH
    assert search_of(TEACHER) is None and search_of(SEARCH) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"steps": 3201},
            r"steps \(3201\) must be a multiple of environments × rollout_length \(64 × 5 = 320\)",
        ),
        ({"steps": 0}, "greater than 0"),
        ({"seed": -1}, "seed"),
        ({"distillation": {"mode": "joint"}}, "mode 'joint'"),
        ({"teacher": TEACHER}, "mode 'none'"),
        (
            {"distillation": {"mode": "both"}, "teacher": TEACHER},
            "'none', 'actor', 'critic' or 'joint'",
        ),
        ({"a2c": {"learning_rat": 1}}, "learning_rat"),
        ({"a2c": {"learning_rate": 0}}, "greater than 0"),
        ({"a2c": {"discount": 1.1}}, "less than or equal to 1"),
        (
            {"evaluation": {"episodes": 25, "environments": 10}},
            r"environments \(10\) must divide episodes \(25\)",
        ),
        ({"agent": {"kind": "unknown"}}, "unknown"),
        ({"agent": {"kind": "manual"}}, "network"),
        ({"kind": "search"}, "kind"),
    ],
)
def test_invalid_training_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainSpec.model_validate(TEACHER.model_dump() | changes)


def test_a_teacher_of_another_task_is_refused_and_a_renamed_one_is_not() -> None:
    base = {
        "steps": 3200,
        "seed": 0,
        "distillation": JOINT,
        "agent": ManualAgent(network="vanilla"),
    }
    other = CARD.model_copy(update={"options": {"balls": 6}, "name": "other"})
    with pytest.raises(ValidationError, match=r"teacher.* other .*small"):
        TrainSpec(task=CARD, teacher=TEACHER.model_copy(update={"task": other}), **base)
    renamed = CARD.model_copy(update={"name": "other"})
    TrainSpec(task=CARD, teacher=TEACHER.model_copy(update={"task": renamed}), **base)


@pytest.mark.parametrize(
    "changes",
    [
        {"backward_paths": 10}, {"backward_paths": 0},
        {"temperature": 0.0}, {"temperature_decay": 1.5},
        {"space": {"width": 6}}, {"space": {"cells": 0}}, {"space": {"shortcut": "some"}},
        {"cost_coefficient": -1.0}, {"train_mode": "two-level"}, {"lambda": 1},
    ],
)  # fmt: skip
def test_invalid_search_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        GumbelSettings.model_validate(changes)


def test_specs_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        TEACHER.seed = 1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        TEACHER.a2c.discount = 0.5  # type: ignore[misc]


def test_defaults_are_the_briefs() -> None:
    a2c, search, teaching = A2CSettings(), GumbelSettings(), DistillationSettings()
    assert (a2c.discount, a2c.rollout_length, a2c.entropy_coefficient, a2c.value_coefficient) == (
        0.99,
        5,
        0.01,
        0.5,
    )
    assert (a2c.learning_rate, a2c.final_learning_rate) == (1e-3, 1e-4)
    assert (search.temperature, search.temperature_decay, search.space.cells) == (5.0, 0.98, 14)
    assert (search.architecture_learning_rate, search.train_mode) == (1e-3, "one-level")
    assert (search.space.shortcut, search.space.normalization) == ("none", "none")
    assert (teaching.actor_coefficient, teaching.critic_coefficient, teaching.schedule) == (
        1e-1,
        1e-3,
        "constant",
    )
    assert EvaluationSettings().episodes == 30
    assert GivenAgent.model_fields.keys() == {"kind", "architecture"}
