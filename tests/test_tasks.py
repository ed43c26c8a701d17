"""Cards: those that are shipped load, and a mistake in one names its file and key."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from a2d.errors import A2DError
from a2d.tasks import TaskCard, card_error, load_card, load_task

ENVS = Path(__file__).parent.parent / "envs"
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
    assert {load_card(path).family for path in CARDS} == {"tiny", "minatar", "atari", "mujoco", "gymnasium"}


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


def test_unknown_task_lists_the_known_ones(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(A2DError, match=r"task 'yours': .*yours\.yaml; the cards there: mine"):
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
    for change in ({"id": "z"}, {"max_episode_steps": 9}, {"clip_rewards": True}, {"options": {"a": 1}}):
        assert card.model_copy(update=change).identity() != card.identity()


def test_card_is_immutable_and_its_errors_name_it() -> None:
    card = TaskCard(name="mine", title="T", family="tiny", id="x")
    with pytest.raises(ValidationError):
        card.id = "y"  # type: ignore[misc]
    assert str(card_error(card, "id", "is wrong")) == "mine.yaml: id: is wrong (got 'x')"
