"""Cards: those that are shipped load, and a mistake in one names its file and key."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from a2d.errors import A2DError
from a2d.runs.records import read_record, write_record
from a2d.specs.data import Frozen, later
from a2d.specs.run import ManualAgent, SearchSpec, TrainSpec, key_of
from a2d.specs.task import TaskCard, card_error, explain_card, load_card, load_task
from tests.checkout import ENVS
from tests.synthetic import make_study, record_of

CARDS = sorted(ENVS.glob("*.yaml"))
GOOD = "title: T\nfamily: gymnasium\nid: CartPole-v1\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_shipped_cards_load(path: Path) -> None:
    card = load_card(path)
    assert card == load_task(path.stem, ENVS)
    assert path.stem.startswith(card.family)
    assert card.max_episode_steps is not None or card.id == "a2d/Catch-v0"
    assert (card.clip_rewards and card.life_loss_ends_return) == (card.family == "atari")
    assert card.normalize_observations == (card.family == "mujoco")
    assert card.random_score is not None and card.random_score.source


def test_every_family_has_a_card() -> None:
    assert {load_card(path).family for path in CARDS} == {
        "tiny",
        "minatar",
        "atari",
        "mujoco",
        "gymnasium",
    }


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        (GOOD + "max_episode_step: 5\n", "max_episode_step", "is not a known key"),
        (GOOD + "max_episode_steps: many\n", "max_episode_steps", "'many'"),
        (GOOD + "max_episode_steps: 0\n", "max_episode_steps", "greater than 0"),
        (GOOD + "clip_rewards: 3\n", "clip_rewards", "boolean"),
        (GOOD + "random_score: 3\n", "random_score", "got 3"),
        (GOOD + "random_score: {value: 3}\n", "random_score.source", "is missing"),
        (GOOD + "7: seven\n", "7", "should be strings"),
        (GOOD + "name: other\n", "name", "the file's name"),
        (GOOD.replace("gymnasium", "atary"), "family", "'atary'"),
        ("title: T\nfamily: tiny\n", "id", "is missing"),
        (GOOD + "clip_rewards: true\nclip_rewards: false\n", "clip_rewards", "twice"),
        (GOOD + "step_limit_s: .inf\n", "step_limit_s", "finite"),
        (GOOD + "options: {gravity: .nan}\n", "options", "finite numbers"),
        (GOOD + "options: {since: 2026-01-01}\n", "options", "finite numbers"),
        (GOOD + "max_episode_steps: 2026-13-45\n", "YAML", "month"),
        ("[" * 5000, "YAML", "recursion"),
        ("", "mapping", "NoneType"),
        ("- a\n- b\n", "mapping", "list"),
        ("title: [", "YAML", "not valid"),
    ],
)
def test_mistake_names_file_and_key(tmp_path: Path, text: str, key: str, problem: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(A2DError) as caught:
        load_card(path)
    assert all(part in str(caught.value) for part in (str(path), key, problem))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(A2DError, match=r"family: .*; idd: .*|id: is missing"):
        load_card(write(tmp_path, "title: T\nfamily: atary\nidd: x\n"))


def test_of_an_unknown_task_the_nearest_are_named(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(A2DError, match=r"'yours': .*yours\.yaml; nearest of the 1 .*: mine"):
        load_task("yours", tmp_path)


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(A2DError, match="cannot be read"):
        load_card(tmp_path)
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(A2DError, match=r"bytes\.yaml"):
        load_card(path)


def test_identity_holds_what_changes_a_result_and_nothing_else(tmp_path: Path) -> None:
    card = load_card(write(tmp_path, GOOD))
    renamed = card.model_copy(update={"name": "x", "title": "y"})
    assert renamed.identity() == card.identity()
    for change in (
        {"id": "z"},
        {"max_episode_steps": 9},
        {"clip_rewards": True},
        {"reward_scale": 0.1},
        {"options": {"a": 1}},
    ):
        assert card.model_copy(update=change).identity() != card.identity()


def test_card_is_immutable_and_its_errors_name_it() -> None:
    card = TaskCard(name="mine", title="T", family="tiny", id="x")
    with pytest.raises(ValidationError):
        card.id = "y"  # type: ignore[misc]
    assert str(card_error(card, "id", "is wrong")) == "mine.yaml: id: is wrong (got 'x')"


def test_a_cards_file_is_known_and_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD).rename(tmp_path / "mine.yml")
    card = load_card(path)
    read_back = TaskCard.model_validate_json(card.model_dump_json())
    assert (
        (card.path, read_back.path) == (path, None)
        and card == read_back
        and "mine.yml" not in repr(card.model_dump())
    )
    assert str(card_error(card, "id", "is wrong")).startswith("mine.yml: id: ")
    assert str(card_error(card.model_copy(update={"id": "x"}), "id", "is wrong")).startswith(
        "mine.yml: id: "
    )
    spec = TrainSpec(task=card, steps=320, seed=0, agent=ManualAgent(network="mlp8"))
    assert spec.task.path == path and key_of(spec) == key_of(
        spec.model_copy(update={"task": read_back})
    )


def test_a_card_cannot_name_its_file(tmp_path: Path) -> None:
    for key in ("path", "_origin"):
        with pytest.raises(A2DError, match=f"{key}: is not a known key"):
            load_card(write(tmp_path, GOOD + f"{key}: x\n"))


RECORDS = sorted((ENVS.parent / "results").rglob("seed*.json"))


def test_what_was_added_later_changes_no_recorded_run() -> None:
    records = [path for path in RECORDS if not path.name.endswith(".arch.json")]
    assert len(records) > 50
    for path in records:
        written = json.loads(path.read_text(encoding="utf-8"))
        record = read_record(path)
        assert key_of(record.spec) == written["key"], path
        assert record.spec.task.identity().keys() <= written["spec"]["task"].keys(), path


def test_what_was_added_later_counts_where_it_is_set(tmp_path: Path) -> None:
    study = make_study(tmp_path, ("minatar-breakout",), 1)
    run = next(
        run
        for run in study.runs.values()
        if isinstance(run.spec, SearchSpec) and run.spec.teacher is None
    )
    card = run.spec.task.model_copy(update={"channels": "last"})
    spec = run.spec.model_copy(update={"task": card})
    assert key_of(spec) != run.key and "channels" not in run.spec.model_dump()["task"]
    record = record_of(run, 1.0).model_copy(update={"spec": spec, "key": key_of(spec)})
    write_record(tmp_path / "record.json", record)
    read_back = read_record(tmp_path / "record.json")
    assert read_back == record and read_back.spec.task.channels == "last"


def test_a_later_field_is_absent_only_with_its_default() -> None:
    class Mine(Frozen):
        old: int = 1
        new: int = later(5, "added")

    class Around(Frozen):
        inner: Mine = Mine()

    assert Around().model_dump() == {"inner": {"old": 1}} and Around().inner.new == 5
    for mode in ("json", "python"):
        set_otherwise = Around(inner=Mine(new=0)).model_dump(mode=mode)
        assert set_otherwise == {"inner": {"old": 1, "new": 0}}
        assert Around.model_validate(set_otherwise).inner.new == 0
    with pytest.raises(ValidationError, match="new"):
        Mine(new="many")


def test_tasks_that_differ_by_a_later_field_do_not_match(tmp_path: Path) -> None:
    plain = load_card(write(tmp_path, GOOD))
    arranged = plain.model_copy(update={"channels": "last"})
    common = {"steps": 320, "seed": 0, "agent": ManualAgent(network="mlp8")}
    for teacher, student, sides in (
        (plain, arranged, "None against 'last'"),
        (arranged, plain, "'last' against None"),
    ):
        taught = {"teacher": TrainSpec(task=teacher, **common), "distillation": {"mode": "actor"}}
        with pytest.raises(ValidationError, match=f"channels: {sides}"):
            TrainSpec(task=student, **common, **taught)


def test_every_key_of_a_card_is_explained() -> None:
    lines = dict(line.split(" (", 1) for line in explain_card().splitlines())
    assert lines.keys() == TaskCard.model_fields.keys() - {"name"}
    assert lines["channels"].startswith("first | last): ")
    assert lines["step_limit_s"].startswith("number, default 300): ")
    assert lines["id"].startswith("string, needed): ")
    assert all(field.description for name, field in TaskCard.model_fields.items() if name != "name")
