"""Every table, figure and page, rendered by its own script from records with known scores."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from a2d.reading.claims import judge_all
from a2d.reading.decisions.contrasts import Interval
from a2d.reading.rendering import cautions, command
from a2d.reading.rendering.agents import rows_of, ways_to_search
from a2d.reading.rendering.artifacts import experiments_of, runs_of
from a2d.reading.rendering.cautions import twins
from a2d.reading.rendering.figures import save_figure
from a2d.reading.rendering.style import agent_name, search_look, search_name
from a2d.reading.rendering.tables import save_table
from a2d.reading.rendering.text import bounds, latex, number, scaled
from a2d.reading.results import Results, where
from a2d.study.artifacts import JUDGING, LEDGER, find_artifacts
from a2d.study.definitions import load_experiments, load_methods
from a2d.study.study import Run, Study, load_study
from tests.checkout import ROOT
from tests.scripts import script
from tests.synthetic import DIVERGED, make_study, results_of, write_results

ARTIFACTS = list(find_artifacts(ROOT))


def without_score(results: Results) -> Results:
    """The same, but no diverged run gave numbers in its test episodes."""
    records = {
        key: record.model_copy(update={"evaluation": None})
        if record.status == "diverged"
        else record
        for key, record in results.records.items()
    }
    return Results(results.study, records)


def table(name: str, results: Results) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    made = script(f"tables/{name}").make(results)
    return made.shown, made.data, " ".join([made.caption, *made.notes])


def test_the_size_sweep_holds_the_means_worked_out_by_hand(results: Results) -> None:
    shown, data, _ = table("size_sweep", results)
    assert len(data) == 2 * 4
    assert set(data["score"]) == {5.0}
    assert set(data["runs"]) == {2}
    assert list(shown["Network"])[:4] == ["Vanilla CNN ★", "ResNet-14", "ResNet-20", "ResNet-38"]


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


def test_two_scores_are_shown_themselves_and_no_spread(results: Results) -> None:
    shown, _, _ = table("search_methods", results)
    assert set(shown["Searched spread"]) == {"—"}
    figure = script("figures/search_stability").draw(results).figure
    texts = {text.get_text() for ax in figure.axes for text in ax.texts}
    assert "test scores 4.00, 6.00" in texts and not any("sd of" in text for text in texts)


def test_the_verdicts_figure_has_all_that_runs_bear_on(results: Results, study: Study) -> None:
    """A claim of no experiment of this scale is there too where its runs have an effect."""
    figure = script("figures/claims").draw(results).figure
    titles = " ".join(label.get_text() for label in figure.axes[0].get_yticklabels())
    decided = [each for each in judge_all(results) if each.decision is not None]
    claims = {claim.claim for each in study.experiments.values() for claim in each.claims}
    assert decided and all(f"{each.claim.claim} {each.verdict}" in titles for each in decided)
    assert all(f"{claim} inconclusive" in titles for claim in claims)
    assert any(text.get_text().startswith("not decided: ") for text in figure.axes[0].texts)


def test_a_diverged_run_is_marked_and_its_score_stays(results: Results) -> None:
    shown, data, text = table("distillation", results)
    critic = shown["Taught by"] == "Critic only"
    assert set(shown.loc[critic, "Runs"]) == {"2 of 2 (†2 diverged)"}
    assert set(data.loc[critic.to_numpy(), "score"]) == {5.0}
    assert "diverged" in text


def test_two_seeds_are_too_thin_for_any_verdict(results: Results) -> None:
    _, data, _ = table("claims", results)
    assert list(data.loc[data["part"] == "", "claim"]) == ["C1", "C2", "C3", "C4", "C5", "C6"]
    assert set(data["verdict"]) == {"inconclusive"}
    assert data[["low", "high", "power"]].isna().all(axis=None)


def test_latex_is_escaped() -> None:
    assert latex("50 % of a_b & $5 #1 {x} – ★") == r"50 \% of a\_b \& \$5 \#1 \{x\} -- $\star$"


def test_numbers_as_people_read_them() -> None:
    assert [number(value) for value in (0.0, 12.345, -0.5, 1234.5, float("nan"))] == [
        "0", "12.3", "−0.500", "1,234", "—",
    ]  # fmt: skip
    assert [scaled(value) for value in (5_956_096, 240, 1e9)] == ["5.96 M", "240", "1.00 G"]
    assert bounds(Interval(5.0, 4.0, 6.0)) == "5.00 [4.00, 6.00]"
    assert bounds(Interval(5.0, -math.inf, math.inf)) == "5.00"


def test_two_seeds_are_two_dots_and_three_have_an_interval(
    results: Results, tmp_path: Path
) -> None:
    shown, data, text = table("size_sweep", results)
    assert set(shown["Test score"]) == {"5.00 (4.00, 6.00)"}
    assert data[["low", "high"]].isna().all(axis=None) and "two seeds have no interval" in text
    three = make_study(tmp_path, ("minatar-breakout",), 3, ("size_sweep", "distillation"))
    scores = {10: 4.0, 11: 6.0, 12: 8.0, 100: 4.0}
    more = results_of(three, lambda run: scores[run.spec.seed])
    # Student's t for two degrees of freedom, 4.303, times 2 / √3.
    assert set(table("size_sweep", more)[0]["Test score"]) == {"6.00 [1.03, 11.0]"}
    for found, bars in ((results, 0), (more, 3)):
        panel = script("figures/optimal_size").draw(found).figure.axes[0]
        spans = [
            line
            for line in panel.lines
            if len(line.get_xdata()) == 2 and len(set(line.get_xdata())) == 1
        ]
        assert sum(line.get_linestyle() == "-" for line in spans) == bars
    assert "two dots, have no interval" in script("figures/distillation").draw(results).caption
    assert "[" not in " ".join(table("claims", results)[0].to_numpy().ravel()), (
        "no interval of two seeds in words either"
    )


def test_a_network_has_one_latency_the_lowest_that_was_recorded(results: Results) -> None:
    records = dict(results.records)
    alike = [
        key
        for key, run in results.study.runs.items()
        if run.method in ("manual-resnet14", DIVERGED)
    ]
    alike = [key for key in alike if results.study.runs[key].spec.task.name == "minatar-breakout"]
    for key, latency in zip(alike, (0.695, 0.5, 0.6, 0.324), strict=True):
        costs = {"latency_median_ms": latency, "latency_p99_ms": 9.0}
        network = records[key].network.model_copy(update=costs)
        records[key] = records[key].model_copy(update={"network": network})
    slower = {key for key in records if records[key].network.design == "resnet14"} - set(alike)
    records = {key: record for key, record in records.items() if key not in slower}
    shown, data, text = table("network_structures", Results(results.study, records))
    row = (data["task"] == "minatar-breakout") & (data["network"] == "ResNet-14")
    assert data.loc[row, "latency_ms"].tolist() == [0.324]
    assert (
        "99th percentile [ms]" not in shown
        and "lowest over all records of the same network" in text
    )


def test_the_same_network_trained_alike_is_named_as_one_result(results: Results) -> None:
    """The made-up architectures of actor-only and joint searches are the same for the same seed."""
    rows = results.runs
    alike = rows[
        rows["method"].isin(["derived-actor-none", "derived-joint-none"]) & (rows["seed"] == 10)
    ]
    alike = alike[alike["task"] == "minatar-breakout"]
    said = twins(results, alike)
    assert (
        "MinAtar Breakout, seed 10: derived-joint-none and derived-actor-none (score 4.00)" in said
    )
    assert said.split(": ", 1)[1].rstrip(".") in table("search_methods", results)[2]
    assert (
        said.split(": ", 1)[1].split(";")[0].rstrip(".")
        in script("figures/architectures").draw(results).caption
    )
    assert twins(results, alike.iloc[:1]) == ""
    taught = rows[
        rows["method"].isin(["derived-joint-none", "derived-joint-joint"]) & (rows["seed"] == 10)
    ]
    assert twins(results, taught) == "", "the same network, but not trained alike"


def test_a_caption_names_a_few_twins_and_counts_the_others(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For two seeds of two games joint search derives what actor-only does, or random ones are."""
    monkeypatch.setattr(cautions, "NAMED", 2)
    said = twins(results, results.runs[results.runs["stage"] == "derive"])
    assert said.count("(score ") == 2
    assert said.endswith("and 6 groups more, whose records have one design each.")


@pytest.mark.parametrize("scale", ["laptop", "bench_searches", "study"])
def test_every_way_to_search_has_a_look_of_its_own(scale: str) -> None:
    searches = Results(load_study(scale, ROOT), {}).labelled
    ways = ways_to_search(searches[searches["stage"] == "search"], load_methods(ROOT))
    looks = {(look.color, look.marker) for look in (search_look(*way) for way in ways)}
    assert len(looks) == len(ways) >= 7


def test_tables_have_rows_for_what_a_task_has_alone(every_kind: Results) -> None:
    """The paper's recipe and A2D+ are searched on the first two tasks of a study."""
    for name in ("search_methods", "search_signal"):
        shown, data, _ = table(name, every_kind)
        planned = where(rows_of(every_kind, f"tables/{name}"), stage="search")
        ways = planned[["task", "search", "recipe"]].drop_duplicates()
        assert len(shown) == len(ways)
        assert set(map(tuple, data[["task", "search", "recipe"]].to_numpy())) == set(
            ways.itertuples(index=False, name=None)
        )


def test_captions_say_how_methods_differ(results: Results) -> None:
    for text in (
        table("search_methods", results)[2],
        script("figures/search_stability").draw(results).caption,
    ):
        assert "half the updates" in text and "0.02 (20 times 0.001)" in text
    for text in (
        table("a2d_vs_manual", results)[2],
        script("figures/pareto").draw(results).caption,
    ):
        assert "cells by at most 10 %" in text
    assert "One multiply-accumulate is two FLOPs" in table("network_structures", results)[2]


@pytest.mark.parametrize(
    ("scale", "named"),
    [
        ("laptop", "the search 'A2D (joint)' by the recipe 'paper's recipe'"),
        ("study", "the search 'Imitation A2D' by the recipe 'shortcut'"),
    ],
)
def test_the_ledger_says_what_it_calls_a2d(scale: str, named: str) -> None:
    results = Results(load_study(scale, ROOT), {})
    for name in ("claims", "a2d_vs_manual"):
        assert f"What the claims call A2D: {named}" in table(name, results)[2]


def test_the_ledger_shows_every_part_of_a_test(study: Study) -> None:
    """Between the ends, seed 11 chooses ResNet-14 for seed 10, which chooses ResNet-20 for it."""
    scores = {
        "vanilla": (9.0, 1.0),
        "resnet14": (1.0, 9.0),
        "resnet20": (6.0, 5.0),
        "resnet38": (5.0, 5.0),
    }

    def fooled(run: Run) -> float:
        if run.method.startswith("manual"):
            return scores[run.factors["network"]][run.spec.seed - 10]
        return 25.0

    shown, data, _ = table("claims", results_of(study, fooled))
    lead = data.set_index("part")["estimate"]["the best size between the ends over the smallest"]
    cards = [card.random_score for card in study.tasks.values()]
    units = [25 - card.value for card in cards if card is not None]
    # (1 − 9) and (5 − 1) over the smallest, on two tasks whose teachers have 25.
    assert lead == pytest.approx(((1 - 9) + (5 - 1)) / 2 * (1 / units[0] + 1 / units[1]) / 2)
    first = shown[shown["Claim"] == "C1"].iloc[0]
    assert "ResNet-20 on MinAtar Breakout" in first["Why"] and "thin: 2 of 5 seeds" in first["Why"]
    assert first["Seeds × tasks"] == "2 × 2"


def test_a_caption_says_what_marks_the_tasks_on_which_settings_were_chosen(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scale = results.study.scale.model_copy(update={"tuned": ("minatar-breakout",)})
    study = dataclasses.replace(results.study, scale=scale)
    monkeypatch.setattr(command, "load_study", lambda *_: study)
    monkeypatch.setattr(command, "load_results", lambda *_: Results(study, results.records))
    monkeypatch.setattr(sys, "argv", ["x", "--root", str(ROOT), "--out", str(tmp_path)])
    command.figure_command("figures/pareto.py", script("figures/pareto").draw, "")
    command.table_command("tables/size_sweep.py", script("tables/size_sweep").make, "")
    for name in ("pareto.txt", "size_sweep.md"):
        text = " ".join((tmp_path / name).read_text(encoding="utf-8").split())
        assert "‡ Settings were chosen on this task" in text
    assert "MinAtar Breakout ‡" in (tmp_path / "size_sweep.md").read_text(encoding="utf-8")


def test_every_artifact_belongs_to_an_experiment(study: Study) -> None:
    experiments = load_experiments(ROOT).values()
    listed = {path for experiment in experiments for path in experiment.artifacts}
    assert listed | set(JUDGING) == set(ARTIFACTS)
    assert experiments_of(study, LEDGER) == list(study.experiments)
    assert runs_of(study, LEDGER) == list(study.runs.values())


def test_a_script_runs_as_the_workflow_runs_it(results: Results, tmp_path: Path) -> None:
    write_results(results, tmp_path / "results")
    command = [
        sys.executable,
        str(ROOT / "tables" / "size_sweep.py"),
        "--scale",
        "laptop",
        "--root",
        str(ROOT),
    ]
    command += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "out")]
    subprocess.run(command, check=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""})
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {
        ".csv",
        ".md",
        ".tex",
        ".html",
    }


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_a_diverged_run_without_a_score_is_shown_as_such(
    artifact: str, results: Results, tmp_path: Path
) -> None:
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
        assert (
            "0 of 2 (†2 diverged)" in text and "had none, as no test episode gave a number" in text
        )


def test_a_joint_search_keeps_its_name_under_a_recipe_that_is_no_method() -> None:
    methods = load_methods(ROOT)
    title = methods.recipes["shortcut"].title
    assert search_name(methods, "joint", "shortcut") == f"A2D (joint), recipe {title}"
    assert agent_name(methods, "joint", "shortcut", "joint") == (
        f"A2D (joint), recipe {title}, distilled training"
    )
    assert search_name(methods, "joint", "plus") == "A2D+"
