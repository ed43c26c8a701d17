"""Whatever a file holds, it loads, or is refused by an A2DError that names it."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from a2d.errors import A2DError
from a2d.files import digest
from a2d.runs.agent_files import load_description
from a2d.runs.records import read_record, write_record
from a2d.specs.architecture import load_architecture
from a2d.specs.task import load_card
from a2d.study.study import Study, load_study
from tests.checkout import ROOT
from tests.synthetic import make_study, record_of

FILES = (
    "workflow/scales/smoke.yaml",
    "workflow/methods.yaml",
    *(
        f"workflow/experiments/{path.name}"
        for path in sorted((ROOT / "workflow" / "experiments").glob("*.yaml"))
    ),
    "envs/tiny-catch.yaml",
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.sampled_from(
        ["", "nan", ".inf", "none", "joint", "é", "../x", "\x00", "paper", "resnet14", "mlp8"]
    )
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)
ODD = (
    *(
        "&a [*a]",
        "&a {b: *a}",
        "? [a]\n: b",
        "<<: 1",
        "!!python/object:os.system {}",
        "a: 2026-13-45",
    ),
    *("[" * 5000, "{" * 5000),
)
few = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
fewer = settings(few, max_examples=20)  # of each of a dozen files, most of them of one kind


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzzed")
    for name in ("workflow", "envs", "figures", "tables"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all values inside nested lists and mappings."""
    inner = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return [path, *(found for key, value in inner for found in places(value, (*path, key)))]


def mutate(data: Any, draw: Callable[..., Any]) -> Any:
    """Return the data with one value replaced, removed, doubled or joined by another."""
    data = copy.deepcopy(data)
    *parents, last = draw(st.sampled_from(places(data)[1:]))
    holder = data
    for key in parents:
        holder = holder[key]
    how = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
    if how == "replace":
        holder[last] = draw(VALUES)
    elif how == "remove":
        del holder[last]
    elif isinstance(holder, dict):
        holder[draw(st.text(max_size=6))] = draw(VALUES)
    else:
        holder.insert(last, draw(VALUES))
    return data


def attempt(load: Callable[[], object], names: tuple[str, ...]) -> bool:
    """Return whether it loads; only an A2DError that names one of the files may refuse it."""
    problem = None
    try:
        load()
    except A2DError as error:
        problem = str(error)
    assert problem is None or any(name in problem for name in names), (
        f"{problem} names none of {names}"
    )
    return problem is None


@pytest.mark.parametrize("name", FILES)
@fewer
@given(data=st.data())
def test_a_changed_file_of_a_study(name: str, checkout: Path, data: st.DataObject) -> None:
    original = (ROOT / name).read_text(encoding="utf-8")
    path = checkout / name
    changed = yaml.safe_dump(mutate(yaml.safe_load(original), data.draw), allow_unicode=True)
    path.write_text(changed, encoding="utf-8")
    try:
        # A change may also be told where it is used: a recipe that is gone, by the experiment that
        # names it.
        attempt(lambda: load_study("smoke", checkout), (path.name, "workflow/", "smoke", "tiny-"))
    finally:
        path.write_text(original, encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
@fewer
@given(
    place=st.floats(0, 1, exclude_max=True), junk=st.binary(max_size=6), removed=st.integers(0, 9)
)
def test_a_garbled_file_of_a_study(
    name: str, checkout: Path, place: float, junk: bytes, removed: int
) -> None:
    original = (ROOT / name).read_bytes()
    index = int(place * len(original))
    path = checkout / name
    path.write_bytes(original[:index] + junk + original[index + removed :])
    try:
        attempt(lambda: load_study("smoke", checkout), (path.name, "workflow/", "smoke", "tiny-"))
    finally:
        path.write_bytes(original)


@few
@given(text=st.text() | st.sampled_from(ODD))
def test_any_text_as_a_card(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    attempt(lambda: load_card(tmp_path / "mine.yaml"), ("mine.yaml",))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("made_up"), ("minatar-breakout",), 1)


@pytest.mark.parametrize("kind", ["record", "architecture", "description"])
@few
@given(data=st.data())
def test_a_changed_json_file(kind: str, study: Study, tmp_path: Path, data: st.DataObject) -> None:
    search = next(run for run in study.runs.values() if run.stage == "search")
    record, path = record_of(search, 1.0), tmp_path / "file.json"
    write_record(path, record)
    whole = json.loads(path.read_text(encoding="utf-8"))
    if kind == "record":
        loaded: Callable[[Path], object] = read_record
    elif kind == "architecture":
        whole, loaded = whole["search"]["architecture"], load_architecture
    else:
        path = tmp_path / "agent.json"
        interface = {
            "observation_shape": [4, 10, 10],
            "bytes_observed": False,
            "actions": 6,
            "continuous": False,
        }
        teacher = next(
            run for run in study.runs.values() if run.stage == "teacher"
        ).spec.model_dump(mode="json")
        whole = {
            "spec": teacher,
            "design": "resnet14",
            "interface": interface | {"normalized": False},
            "weights_sha256": "",
        }
        whole |= {"sha256": digest(whole)}
        loaded = lambda path: load_description(path.parent)  # noqa: E731
    path.write_text(json.dumps(whole), encoding="utf-8")
    assert attempt(lambda: loaded(path), (path.name,))
    changed = json.dumps(mutate(whole, data.draw), default=str)
    path.write_text(changed, encoding="utf-8")
    same = json.loads(changed) == whole
    assert attempt(lambda: loaded(path), (path.name,)) <= (kind == "architecture" or same), (
        "no change of what has a checksum is overlooked"
    )
