"""Published scores stand beside ours, each with its source; ours are those of the records."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from a2d.errors import A2DError
from a2d.reading.published import PUBLISHED_SCORES, load_published
from a2d.reading.rendering.manifest import describe
from a2d.reading.rendering.text import ABSENT
from a2d.reading.results import Results
from a2d.specs.task import load_task
from a2d.study.study import Run, Study, load_study
from a2d.study.workspace import Workspace
from tests.checkout import ENVS, ROOT
from tests.scripts import script
from tests.study_files import edit
from tests.synthetic import make_study, results_of

TASK = "minatar-breakout"
SIZES = {"vanilla": 3.0, "resnet14": 6.0, "resnet20": 4.0}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("study")
    return make_study(folder, (TASK,), 3, ("equal_steps", "size_sweep"))


def score(run: Run) -> float:
    """A size has its score, and twice that with longer, distilled training; A2D 20, a teacher 30.

    Seeds 10, 11 and 12 add 0, 1 and 2, so that a mean over them is one above the first.
    """
    if run.stage == "teacher":
        return 30.0
    if run.stage == "manual":
        size = SIZES[run.factors["network"]]
        return (2 * size if run.factors["budget"] == "total" else size) + run.spec.seed - 10
    return 20.0 + run.spec.seed - 10


def made(results: Results) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the table as shown, its numbers, and all that is said with it."""
    table = script("tables/published").make(results)
    return table.shown, table.data, " ".join([table.caption, *table.notes])


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("sources.0.scores.0.steps", 0, r"sources\.0\.scores\.0\.steps: .*greater than 0.*got 0"),
        ("sources.1.scores.0.seeds", 0, r"sources\.1\.scores\.0\.seeds: .*equal to 1"),
        ("sources.0.scores.1.score", None, r"sources\.0\.scores\.1\.score: .*valid number"),
        ("sources.0.scores.0.sede", 3, r"sources\.0\.scores\.0\.sede: is not a known key"),
        ("sources.0.url", "a paper", r"sources\.0\.url: .*got 'a paper'"),
        ("sources.0.scores", [], r"sources\.0\.scores: .*at least 1"),
        ("sources.0.spread", "half of it", r"sources\.0: .*spread: say what it is if scores have"),
        ("sources.0.scores.0.spread", 1.0, r"sources\.0: .*spread: say what it is if scores have"),
        ("sources.0", {"title": "A paper"}, r"sources\.0\.url: is missing"),
    ],
)
def test_a_wrong_entry_is_refused_with_file_and_key(
    key: str, value: Any, says: str, tmp_path: Path
) -> None:
    (tmp_path / "workflow").mkdir()
    shutil.copy(ROOT / PUBLISHED_SCORES, tmp_path / "workflow")
    edit(tmp_path, "published_scores", (key, value))
    with pytest.raises(A2DError, match=rf"published_scores\.yaml: .*{says}"):
        load_published(tmp_path)


def test_every_score_is_of_a_task_with_a_card_and_stands_once() -> None:
    sources = load_published(ROOT).sources
    scores = [(source.title, score) for source in sources for score in source.scores]
    for task in {score.task for _, score in scores}:
        assert load_task(task, ENVS).name == task
    entries = [(title, score.task, score.agent, score.steps) for title, score in scores]
    assert len(set(entries)) == len(entries)
    assert len({source.url for source in sources}) == len(sources)


def test_published_scores_are_shown_with_steps_seeds_and_source(study: Study) -> None:
    shown, data, text = made(results_of(study, score))
    others = shown[shown["Source"] != "this study"].reset_index(drop=True)
    published = list(load_published(ROOT).of(TASK))
    assert len(others) == len(published) > 0
    for (source, found), (_, row) in zip(published, others.iterrows(), strict=True):
        assert row["Source"] == source.title and source.url in text and source.scored in text
        assert row["Environment"] == found.environment
        assert row["Runs"] == (ABSENT if found.seeds is None else str(found.seeds))
        assert ("read off" in row["Score"]) == source.read_off
    first = others.iloc[0]
    assert (first["Agent"], first["Score"]) == ("AC (λ = 0.8)", "10 (read off)")
    assert (first["Steps"], first["Runs"]) == ("1.00 M", "30")
    numbers = data[data["source"] != "this study"]
    assert numbers["score"].tolist() == [found.score for _, found in published]
    assert "no contest" in text and "Read off a figure by eye, within about 5 %" in text
    assert "Tianshou" not in text, "no source of tasks that this study lacks"


def test_a_spread_is_shown_and_said_what_it_is() -> None:
    shown, _, text = made(Results(load_study("study", ROOT), {}))
    swimmer = shown[shown["Environment"] == "Swimmer-v3"]
    scores = dict(zip(swimmer["Source"] + ", " + swimmer["Agent"], swimmer["Score"], strict=True))
    assert scores["RL Baselines3 Zoo, benchmark, A2C"] == "201 ± 2.54"
    assert scores["Tianshou, MuJoCo benchmark, A2C"] == "36.6 ± 2.10"
    assert "± is the standard deviation over test episodes." in text
    assert "± is the standard deviation over seeds." in text


def test_our_rows_are_those_of_the_records(study: Study) -> None:
    shown, data, _ = made(results_of(study, score))
    ours = shown[shown["Source"] == "this study"]
    assert list(zip(ours["Agent"], ours["Steps"], ours["Runs"], strict=True)) == [
        ("Teacher, ResNet-20", "3.20 k", "1 of 1"),
        ("Best manual, ResNet-14", "3.20 k", "3 of 3"),
        ("Best manual, distilled, equal steps, ResNet-14", "6.40 k", "3 of 3"),
        ("A2D", "6.40 k", "3 of 3"),
    ]
    numbers = data[data["source"] == "this study"]
    assert numbers["score"].tolist() == [30.0, 6.0 + 1, 2 * 6.0 + 1, 20.0 + 1]
    assert numbers["seeds"].tolist() == [1, 3, 3, 3]
    # Of three seeds one apart, the standard deviation is 1, and t(0.975) of two degrees 4.302653.
    half = 4.302653 / 3**0.5
    assert numbers["low"].tolist()[1:] == pytest.approx([7 - half, 13 - half, 21 - half])
    assert numbers["high"].tolist()[1:] == pytest.approx([7 + half, 13 + half, 21 + half])


def test_what_is_not_recorded_is_shown_as_absent(study: Study) -> None:
    shown, data, text = made(Results(study, {}))
    ours = shown[shown["Source"] == "this study"]
    assert set(ours["Score"]) == {ABSENT}
    assert list(ours["Runs"]) == ["0 of 1", "0 of 9", "0 of 9", "0 of 3"]
    assert list(ours["Agent"])[1] == "Best manual", "no size is the best one yet"
    assert "0 of 22 runs have a score" in text
    assert data.loc[data["source"] != "this study", "score"].notna().all()


def test_a_rendering_depends_on_the_published_scores(study: Study, tmp_path: Path) -> None:
    files = Workspace(tmp_path / "results", tmp_path / "runs")
    made_up = make_study(tmp_path, (TASK,), 3, ("equal_steps", "size_sweep"))
    manifest = describe(made_up, files, tmp_path, "tables/published")
    assert f"  {Path(PUBLISHED_SCORES).name}\n" in manifest
