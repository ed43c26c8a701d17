"""Imports between the library's folders flow downwards, and reading needs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT

BASE = ["errors", "files", "seeds", "console"]
ORDER = [
    "cli",
    "distill",
    "study",
    "deploy",
    "runs",
    "search",
    "algorithms",
    "networks",
    "environments",
    "specs",
]
BELOW = {folder: {*ORDER[place:], *BASE} for place, folder in enumerate(ORDER)}
BELOW |= {module: set(BASE) for module in BASE}
BELOW["cli"] |= {"reading", "benchmark"}
BELOW["distill"].add("reading")
BELOW["__init__"] = {"deploy"}  # imported by the function that needs it
BELOW["benchmark"] = {"benchmark", "search", *BASE}
BELOW["study"].add("benchmark")
BELOW["reading"] = {"reading", "study", "benchmark", "specs", *BASE}
# All that reading uses of the runs.
RECORDS = {"a2d.runs.records", "a2d.runs.latencies", "a2d.runs.sealed"}
MODULES = sorted((ROOT / "a2d").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the library's modules that a module imports, functions' imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "a2d":
            found |= {f"a2d.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {module for module in found if module.startswith("a2d.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_from_its_own_folder_and_those_below(path: Path) -> None:
    folder = path.relative_to(ROOT / "a2d").parts[0].removesuffix(".py")
    modules = imported(path)
    if folder == "reading":
        modules -= RECORDS
    below = BELOW.get(folder, set())
    assert [name for name in sorted(modules) if name.split(".")[1] not in below] == []


def test_plans_results_and_claims_start_without_torch() -> None:
    code = (
        "import sys, a2d.reading.results, a2d.reading.claims, a2d.study.plan; "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_no_test_module_has_the_name_of_one_of_pythons_own() -> None:
    """The folders of tests are on the path, which processes that tests start inherit."""
    names = {path.stem for path in (ROOT / "tests").rglob("*.py")}
    assert names & sys.stdlib_module_names == set()
