"""Every table, figure and page, rendered by its own script from records with known scores."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from a2d.rendering.artifacts import artifacts_of, runs_of
from a2d.rendering.figures import save_figure
from a2d.rendering.page import render_page
from a2d.rendering.tables import save_table
from a2d.rendering.text import bounds, latex, number, scaled
from a2d.results import Results
from a2d.scale import ARTIFACTS, FIGURES, TABLES
from a2d.statistics import Interval
from a2d.study import Run, Study, load_study
from tests.synthetic import results_of, write_results

ROOT = Path(__file__).parents[1]
DIVERGED = "distilled-resnet14-critic"


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("laptop", ROOT)


def score(run: Run) -> float | None:
    """Seeds 0, 10 and 100 score 4, the others 6; A2D 10 more; bi-level has not run."""
    if "bilevel" in run.method:
        return None
    return (4.0 if run.spec.seed in (0, 10, 100) else 6.0) + (10.0 if run.method == "derived-joint-joint" else 0.0)


@pytest.fixture(scope="module")
def results(study: Study) -> Results:
    return results_of(study, score, diverged=lambda run: run.method == DIVERGED)


def without_score(results: Results) -> Results:
    """The same, but no diverged run gave numbers in its test episodes."""
    records = {
        key: record.model_copy(update={"evaluation": None}) if record.status == "diverged" else record
        for key, record in results.records.items()
    }
    return Results(results.study, records)


def script(artifact: str) -> ModuleType:
    """Import a script of ``tables/`` or ``figures/`` as what it is."""
    spec = importlib.util.spec_from_file_location(artifact.replace("/", "_"), ROOT / f"{artifact}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def table(name: str, results: Results) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    made = script(f"tables/{name}").make(results)
    return made.shown, made.data, " ".join([made.caption, *made.notes])


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_an_artifact_repeats_from_its_declared_runs_alone_and_renders_without_records(
    artifact: str, results: Results, study: Study, tmp_path: Path
) -> None:
    module, name = script(artifact), Path(artifact).name
    declared = {run.key for run in runs_of(study, artifact)}
    alone = Results(study, {key: record for key, record in results.records.items() if key in declared})
    for attempt, found in (("once", results), ("again", alone), ("empty", Results(study, {}))):
        (tmp_path / attempt).mkdir()
        if artifact.startswith("figures"):
            save_figure(module.draw(found), tmp_path / attempt / name)
        else:
            save_table(module.make(found), tmp_path / attempt / name)
    files = sorted((tmp_path / "once").iterdir())
    assert len(files) >= 3
    for path in files:
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
        assert (tmp_path / "empty" / path.name).stat().st_size > 0


def test_the_size_sweep_holds_the_means_worked_out_by_hand(results: Results) -> None:
    shown, data, _ = table("size_sweep", results)
    assert len(data) == 2 * 4
    assert set(data["score"]) == {5.0}
    assert set(data["runs"]) == {2}
    assert list(shown["Network"])[:4] == ["Vanilla CNN", "ResNet-14", "ResNet-20", "ResNet-38"]


def test_a2d_stands_against_the_best_manual_size(results: Results) -> None:
    _, data, _ = table("a2d_vs_manual", results)
    by_agent = data[data["task"] == "minatar-breakout"].set_index("agent")["score"]
    assert by_agent["A2D"] == 15.0
    assert by_agent["Vanilla NAS"] == 5.0
    assert by_agent["Random architecture"] == 5.0


def test_what_has_not_run_is_shown_as_missing(results: Results) -> None:
    shown, _, text = table("search_methods", results)
    bilevel = shown[shown["Search"] == "Bi-level NAS"]
    assert len(bilevel) == 2
    assert set(bilevel["Searched score"]) == {"—"}
    assert set(bilevel["Searches"]) == {"0 of 2"}
    assert "marks what has none" in text


def test_the_spread_is_the_standard_deviation_over_seeds(results: Results) -> None:
    _, data, _ = table("search_methods", results)
    vanilla = data[(data["search"] == "vanilla") & (data["recipe"] == "paper")]
    assert vanilla["searched_spread"].tolist() == pytest.approx([2**0.5, 2**0.5])


def test_a_diverged_run_is_marked_and_its_score_stays(results: Results) -> None:
    shown, data, text = table("distillation", results)
    critic = shown["Taught by"] == "Critic only"
    assert set(shown.loc[critic, "Runs"]) == {"2 of 2 (†2 diverged)"}
    assert set(data.loc[critic.to_numpy(), "score"]) == {5.0}
    assert "diverged" in text


def test_two_seeds_are_too_thin_for_any_verdict(results: Results) -> None:
    _, data, _ = table("claims", results)
    assert list(data["claim"]) == ["C1", "C2", "C3", "C4", "C5"]
    assert set(data["verdict"]) == {"inconclusive"}


def test_latex_is_escaped() -> None:
    assert latex("50 % of a_b & $5 #1 {x} – ★") == r"50 \% of a\_b \& \$5 \#1 \{x\} -- $\star$"


def test_numbers_as_people_read_them() -> None:
    assert [number(value) for value in (0.0, 12.345, -0.5, 1234.5, float("nan"))] == [
        "0", "12.3", "−0.500", "1,234", "—",
    ]  # fmt: skip
    assert [scaled(value) for value in (5_956_096, 240, 1e9)] == ["5.96 M", "240", "1.00 G"]
    assert bounds(Interval(5.0, 4.0, 6.0)) == "5.00 [4.00, 6.00]"
    assert bounds(Interval(5.0, 5.0, 5.0), certain=False) == "5.00"


class Sources(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "link")
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_whole_offline(results: Results, study: Study, tmp_path: Path) -> None:
    for artifact in ARTIFACTS:
        module, path = script(artifact), tmp_path / artifact
        path.parent.mkdir(exist_ok=True)
        if artifact.startswith("figures"):
            save_figure(module.draw(results), path)
        else:
            save_table(module.make(results), path)
    page = render_page(results, tmp_path / "tables", tmp_path / "figures")
    sources = Sources()
    sources.feed(page)
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources.fetched)
    assert sum(source.startswith("data:") for source in sources.fetched) >= len(FIGURES)
    missing = next(run for run in study.runs.values() if run.method == "search-bilevel")
    for text in ("a2d plan --scale laptop --missing", missing.path, "the loss is nan", "000000000000"):
        assert text in page


def test_every_artifact_belongs_to_an_experiment(study: Study) -> None:
    shown = {artifact for name in study.experiments for artifact in artifacts_of(study, name)}
    assert shown | {"tables/claims"} == set(ARTIFACTS)


def test_a_script_runs_as_the_workflow_runs_it(results: Results, tmp_path: Path) -> None:
    write_results(results, tmp_path / "results")
    command = [sys.executable, str(ROOT / "tables" / "size_sweep.py"), "--scale", "laptop", "--root", str(ROOT)]
    command += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "out")]
    subprocess.run(command, check=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""})
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".csv", ".md", ".tex", ".html"}


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_a_diverged_run_without_a_score_is_shown_as_such(artifact: str, results: Results, tmp_path: Path) -> None:
    lost, module = without_score(results), script(artifact)
    if artifact.startswith("figures/"):
        save_figure(module.draw(lost), tmp_path / "figure")
        caption = (tmp_path / "figure.txt").read_text(encoding="utf-8")
        shown = any(run.method == DIVERGED for run in runs_of(lost.study, artifact))
        assert "diverged" in caption or "missing" in caption or not shown, caption
    else:
        save_table(module.make(lost), tmp_path / "table")
    if artifact == "tables/distillation":
        text = (tmp_path / "table.md").read_text(encoding="utf-8")
        assert "0 of 2 (†2 diverged)" in text and "had none, as no test episode gave a number" in text
