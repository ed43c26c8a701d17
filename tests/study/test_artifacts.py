"""Tables and figures are found by their scripts, and a rendering's manifest says what it is of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from a2d.errors import A2DError
from a2d.reading.rendering.artifacts import experiments_of, runs_of
from a2d.reading.rendering.manifest import PAGE, describe, find_manifest, write_manifest
from a2d.runs.records import write_record
from a2d.study.artifacts import OTHER_TARGETS, find_artifacts
from a2d.study.study import Study, load_study
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.study_files import edit
from tests.synthetic import record_of

FIGURE = '"""A new figure.\n\nMore of it.\n"""\n\n'


def test_every_script_is_an_artifact_with_a_title() -> None:
    found = find_artifacts(ROOT)
    scripts = {f"{path.parent.name}/{path.stem}" for kind in ("figures", "tables")
               for path in (ROOT / kind).glob("*.py")}  # fmt: skip
    assert scripts and set(found) == scripts
    assert all(artifact.title and "\n" not in artifact.title for artifact in found.values())
    assert found["figures/pareto"].title == "Score against FLOPs of all agents"


def test_a_new_script_shows_the_runs_of_the_experiments_that_list_or_are_named_by_it(
    checkout: Path,
) -> None:
    text = FIGURE + 'SHOWS_ALSO = ("distillation",)\n'
    (checkout / "figures" / "my_figure.py").write_text(text, encoding="utf-8")
    edit(checkout, "experiments/recipes", ("artifacts", ["figures/my_figure"]))
    study = load_study("smoke", checkout)
    assert study.artifacts["figures/my_figure"].title == "A new figure"
    assert set(experiments_of(study, "figures/my_figure")) == {"recipes", "distillation"}
    shown = {run.key for run in runs_of(study, "figures/my_figure")}
    assert shown >= {*study.members["recipes"], *study.members["distillation"]}
    with pytest.raises(A2DError, match=r"'figures/parreto' is unknown; there are .*figures/pareto"):
        runs_of(study, "figures/parreto")


def test_what_shows_searches_shows_the_teacher_they_learnt_from() -> None:
    shown = runs_of(load_study("breakout", ROOT), "tables/search_methods")
    assert {"teacher", "search"} <= {run.stage for run in shown}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\n", "has no docstring; its first line is the artifact's title"),
        ("def broken(:\n", "cannot be read as a Python script"),
        (FIGURE + 'SHOWS_ALSO = "size_sweep"\n', r"SHOWS_ALSO should name experiments, as in \("),
        (FIGURE + "SHOWS_ALSO = tuple([1])\n", r"SHOWS_ALSO should name experiments, as in \("),
        (FIGURE + 'SHOWS_ALSO = ("sweep",)\n', "SHOWS_ALSO: 'sweep' is not one of .*size_sweep"),
        (FIGURE + 'SHOWS_ALL = "teacher"\n', r"SHOWS_ALL should name stages, as in \("),
        (FIGURE + 'SHOWS_ALL = ("pooling",)\n', "SHOWS_ALL: 'pooling' is not one of .*teacher"),
    ],
)
def test_a_script_that_says_too_little_is_refused_by_name(
    text: str, says: str, checkout: Path
) -> None:
    (checkout / "figures" / "my_figure.py").write_text(text, encoding="utf-8")
    with pytest.raises(A2DError, match=f"figures/my_figure.py: {says}"):
        load_study("smoke", checkout)


def test_a_script_may_not_have_the_name_of_a_rule(checkout: Path) -> None:
    rules = re.findall(
        r"^(?:use )?rule (?:\w+ as )?(\w+)(?::| with:)",
        "".join(path.read_text(encoding="utf-8") for path in
                [checkout / "Snakefile", *(checkout / "workflow" / "rules").glob("*.smk")]),
        flags=re.MULTILINE,
    )  # fmt: skip
    assert set(rules) == set(OTHER_TARGETS)
    (checkout / "tables" / "page.py").write_text(FIGURE, encoding="utf-8")
    with pytest.raises(A2DError, match=r"tables/page.py: the workflow has another target"):
        load_study("smoke", checkout)


@pytest.fixture
def study(checkout: Path) -> Study:
    found = load_study("smoke", checkout)
    for run in found.runs.values():
        write_record(checkout / "results" / run.path, record_of(run, 1.0))
    return found


def manifest(checkout: Path, artifact: str) -> tuple[Path, str]:
    """Return the manifest that is wanted now, and what it holds, as a new process would."""
    study = load_study("smoke", checkout)
    files = Workspace(checkout / "results", checkout / "runs")
    describe_afresh()
    return find_manifest(study, files, checkout, artifact), describe(
        study, files, checkout, artifact
    )


def describe_afresh() -> None:
    from a2d.reading.rendering import manifest as module

    module._line.cache_clear()  # checksums are remembered for the life of a process


def test_a_manifest_is_wanted_anew_when_what_is_shown_differs_and_only_then(
    checkout: Path, study: Study
) -> None:
    sweep = next(run for run in study.runs.values() if run.method == "manual-mlp8")
    search = next(run for run in study.runs.values() if run.method == "search-joint")
    record = checkout / "results" / sweep.path
    first, text = manifest(checkout, "tables/size_sweep")
    assert first.name == "1.txt" and not first.exists() and f"  {record.name}\n" in text
    write_manifest(first, text)
    assert manifest(checkout, "tables/size_sweep")[0] == first, "nothing has changed"
    write_record(checkout / "results" / search.path, record_of(search, 3.0))
    edit(checkout, "experiments/distillation", ("question", "Another?"))
    second, text = manifest(checkout, "tables/size_sweep")
    assert second.name == "2.txt", "definitions say what is shown"
    write_manifest(second, text)
    assert [path.name for path in second.parent.iterdir()] == ["2.txt"], "one is enough"
    changes: list[Callable[[], object]] = [
        lambda: write_record(record, record_of(sweep, 9.0)),
        record.unlink,
        lambda: shutil.copy(ROOT / "tables" / "claims.py", checkout / "tables" / "size_sweep.py"),
    ]
    for number, change in enumerate(changes, start=3):
        change()
        path, text = manifest(checkout, "tables/size_sweep")
        assert path.name == f"{number}.txt"
        write_manifest(path, text)


def imported_by_renderings() -> set[str]:
    """Return the package's files that are loaded by a process that renders everything."""
    names = [*find_artifacts(ROOT), "a2d/reading/rendering/page"]
    modules = [name.replace("/", ".") for name in names]
    program = (
        "import importlib, sys\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.partition('.')[0] == 'a2d': print(module.__file__)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return {Path(line).relative_to(ROOT / "a2d").as_posix() for line in said.splitlines()}


def test_renderings_depend_on_all_code_that_reads_records_and_the_page_on_all_records(
    checkout: Path, study: Study
) -> None:
    templates = {f"reading/rendering/templates/{name}" for name in ("page.html", "style.css")}
    for artifact in ("figures/pareto", PAGE):
        names = [line.split("  ")[1] for line in manifest(checkout, artifact)[1].splitlines()]
        assert {*imported_by_renderings(), *templates, "tiny-catch.yaml"} <= set(names)
    assert {Path(run.path).name for run in study.runs.values()} <= set(names)
