"""Renderings follow their records, and one workflow waits for another."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from a2d.runs.records import write_record
from a2d.study.study import load_study
from tests.dag import ask, dry_run, trained
from tests.synthetic import pretend_recorded, record_of


def test_a_second_workflow_waits_its_turn(checkout: Path) -> None:
    records = pretend_recorded(checkout, "smoke")
    runs = checkout / "runs"
    runs.mkdir()
    target = next(iter(records.values()))
    (checkout / target).unlink()
    arguments = ["--cores", "1", "--config", "scale=smoke"]
    with (runs / ".workflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, text = ask(checkout, *arguments, "--", target)
        assert status != 0 and "another workflow trains into" in text
        assert not (checkout / target).exists()
        other = next(path for path in records.values() if path != target)
        status, text = ask(checkout, *arguments, "only=recorded", "--", other)
        assert status == 0, text
        assert trained(dry_run(checkout, "--config", "scale=smoke", "--", target))


def test_a_rendering_is_made_again_when_other_records_are_in_place(checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    study = load_study("smoke", checkout)
    arguments = ["--config", "scale=smoke", "only=recorded", "--", "size_sweep"]

    def render() -> str:
        status, text = ask(checkout, "--cores", "1", *arguments)
        assert status == 0, text
        return (checkout / "tables" / "smoke" / "size_sweep.md").read_text(encoding="utf-8")

    shown = render()
    assert dry_run(checkout, *arguments) == []
    gone, changed = (
        run for run in study.runs.values() if run.method in ("manual-mlp8", "manual-mlp16")
    )
    (checkout / "results" / gone.path).unlink()
    assert {job["rule"] for job in dry_run(checkout, *arguments)} >= {"render_tables_size_sweep"}
    fewer = render()
    assert fewer != shown
    assert dry_run(checkout, *arguments) == []
    path = checkout / "results" / changed.path
    write_record(path, record_of(changed, 7.5))
    os.utime(path, (10**9, 10**9))
    assert render() != fewer
    assert dry_run(checkout, *arguments) == []


def test_a_rendering_of_what_there_is_hides_no_missing_run(checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    (path,) = (checkout / "results/smoke/tiny-reach/manual-mlp8").glob("*.json")
    path.unlink()
    status, text = ask(
        checkout, "--cores", "2", "--config", "scale=smoke", "only=recorded", "--", "size_sweep"
    )
    assert status == 0, text
    jobs = dry_run(checkout, "--config", "scale=smoke", "--", "size_sweep")
    assert trained(jobs) == {path.relative_to(checkout).as_posix()}


MY_FIGURE = '''
"""My own figure.

How many runs have a record.
"""

from a2d.reading.rendering import figures
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.figures import Drawing


def draw(results):
    figure, (ax,) = figures.panels(1)
    ax.bar(["recorded"], [len(results.records)])
    return Drawing(figure, "My caption: a bar.")


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
'''


@pytest.mark.slow
def test_a_new_figure_is_a_script_and_its_name_in_an_experiment(checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    (checkout / "figures" / "my_figure.py").write_text(MY_FIGURE.lstrip(), encoding="utf-8")
    path = checkout / "workflow" / "experiments" / "size_sweep.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("artifacts: [", "artifacts: [figures/my_figure, "))
    arguments = ["--cores", "2", "--config", "scale=smoke", "only=recorded", "--"]
    would = {job["rule"] for job in dry_run(checkout, *arguments[2:], "my_figure")}
    assert would == {"render_figures_my_figure", "my_figure"}
    status, text = ask(checkout, *arguments, "all")
    assert status == 0, text
    assert {path.suffix for path in (checkout / "figures" / "smoke").glob("my_figure.*")} == {
        ".png",
        ".pdf",
        ".txt",
    }
    page = (checkout / "report" / "smoke.html").read_text(encoding="utf-8")
    assert page.count("<b>My own figure.</b> My caption: a bar.") == 1
