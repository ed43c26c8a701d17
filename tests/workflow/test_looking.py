"""What the workflow says when it is only asked, or asked for what it cannot do."""

from __future__ import annotations

import fcntl
import re
from pathlib import Path

import pytest

from a2d.study.study import load_study
from tests.dag import ask, contents
from tests.synthetic import pretend_recorded


def test_an_unknown_scale_is_one_message(checkout: Path) -> None:
    status, text = ask(checkout, "-n", "--config", "scale=smok")
    assert status != 0 and "Traceback" not in text
    assert "smok" in text and "laptop" in text


LOOKING = [
    ["-n", "--config", "scale=smoke"],
    ["--lint"],
    ["--list-rules"],
    ["--summary", "--config", "scale=smoke"],
    ["--rulegraph", "--config", "scale=smoke"],
    ["--report", "../report.html", "--config", "scale=smoke"],
]


@pytest.mark.parametrize("arguments", LOOKING, ids=lambda arguments: arguments[0])
def test_looking_changes_nothing_on_disk_and_waits_for_no_workflow(
    arguments: list[str], checkout: Path
) -> None:
    """Though records are missing and damaged, and another workflow is at work."""
    records = list(pretend_recorded(checkout, "smoke").values())
    (checkout / records[0]).write_text("{", encoding="utf-8")
    (checkout / records[-1]).unlink()
    (checkout / "runs").mkdir()
    with (checkout / "runs" / ".workflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = contents(checkout)
        status, text = ask(checkout, *arguments)
    assert contents(checkout) == before
    assert (status == 0 or arguments == ["--lint"]) and "another workflow" not in text, text


def test_what_would_run_is_a_line_a_job(checkout: Path) -> None:
    status, text = ask(checkout, "-n", "--cores", "1", "--config", "scale=smoke")
    lines = [line.partition(" ")[2] for line in text.splitlines()]
    study = load_study("smoke", checkout)
    assert status == 0 and len(text) <= 8000
    assert lines.count("search joint, Catch, seed 0") == lines.count("render figures/pareto") == 1
    searches = [line for line in lines if line.startswith("search ")]
    assert len(searches) == sum(run.stage == "search" for run in study.runs.values())
    assert "input:" not in text and "reason" not in text.lower()
    details = ask(checkout, "-n", "-p", "--cores", "1", "--config", "scale=smoke")[1]
    assert (
        "reason: Missing output files" in details
        and "a2d run smoke/tiny-catch/search-joint/" in details
    )


def test_every_target_says_what_it_makes(checkout: Path) -> None:
    status, text = ask(checkout, "--list-rules")
    listed = [line for line in text.splitlines() if not line.startswith("Using")]
    assert status == 0 and len(listed) > 30
    assert [line for line in listed if not re.fullmatch(r"\w+ \([A-Z].+\.\)", line)] == []


def test_snakemakes_linter_finds_only_what_the_snakefile_answers(checkout: Path) -> None:
    found = set(re.findall(r"^    \* (.*)", ask(checkout, "--lint")[1], flags=re.MULTILINE))
    assert found == {"Specify a conda environment or container for each rule.:"}
    assert "names a conda environment or a container" in (checkout / "Snakefile").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("fresh=1", "fresh=1: should be a folder to train everything into, as in fresh=fresh"),
        (
            "scale=workflow/scales/smoke.yaml",
            "write smoke; the scales there: bench_searches, breakout",
        ),
        ("frsh=x", "frsh=x: is not known; there are scale, fresh, only"),
    ],
)
def test_what_config_cannot_mean_is_refused_in_a_line(
    config: str, says: str, checkout: Path
) -> None:
    status, text = ask(checkout, "-n", "--config", config)
    assert status != 0 and "Traceback" not in text
    assert says in text.splitlines()[-1]
