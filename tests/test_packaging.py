"""One set of dependencies in four places: pyproject, constraints, conda and the Makefile."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import a2d
from tests.checkout import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
ON_DEMAND = ("slurm",)  # pinned, but installed by `make test-cluster` alone
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

# What PyTorch's builds for accelerators add to the CPU build that constraints.txt pins.
ACCELERATOR_PACKAGES = ("cuda-", "nvidia-", "triton", "pytorch-triton")


def requirements(lines: list[str]) -> list[Requirement]:
    return [Requirement(line) for line in lines]


def direct_requirements() -> list[Requirement]:
    """Return pyproject's requirements with the extras that `make` installs, less this package."""
    extras = (wishes for name, wishes in EXTRAS.items() if name not in ON_DEMAND)
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [wanted for wanted in requirements(lines) if canonicalize_name(wanted.name) != "a2d"]


def pins() -> dict[str, str]:
    """Return constraints.txt as a mapping; each line must pin one package exactly."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith("#"):
            continue
        name, separator, version = line.partition("==")
        assert separator, line
        assert str(Version(version)) == version, line
        assert Version(version).local is None, f"{line}: a local build exists on one index only"
        assert canonicalize_name(name) not in found, line
        found[canonicalize_name(name)] = version
    return found


PINS = pins()


def installed_closure() -> Iterator[tuple[str, Version, str]]:
    """Yield all that a2d and its extras need here: name, version, and what needs it."""
    todo = [(wanted, "pyproject.toml") for wanted in direct_requirements()]
    seen = set()
    while todo:
        wanted, asker = todo.pop()
        here = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if here in seen:
            continue
        seen.add(here)
        package = distribution(wanted.name)
        yield here[0], Version(package.version), asker
        todo.extend(
            (needed, wanted.name)
            for needed in requirements(package.requires or [])
            if needed.marker is None
            or any(needed.marker.evaluate({"extra": e}) for e in ("", *wanted.extras))
        )


def imported_modules(folder: Path) -> set[str]:
    """Return the top-level modules of other packages that a folder imports."""
    modules = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    return modules - set(sys.stdlib_module_names) - {"a2d", "tables", "figures"}


def conda_pip_lines() -> list[str]:
    lines: Any = next(item["pip"] for item in CONDA["dependencies"] if isinstance(item, dict))
    return list(lines)


@pytest.mark.parametrize("wanted", direct_requirements(), ids=str)
def test_every_direct_dependency_is_pinned_within_its_range(wanted: Requirement) -> None:
    assert wanted.specifier.contains(PINS[canonicalize_name(wanted.name)])


@pytest.mark.parametrize("name", ["torch", "mujoco"])
def test_what_shifts_results_is_pinned_by_the_package_itself(name: str) -> None:
    (wanted,) = [item for item in requirements(PROJECT["dependencies"]) if item.name == name]
    assert str(wanted.specifier) == f"=={PINS[name]}"


def test_constraints_cover_every_package_of_this_environment() -> None:
    unpinned, different = [], []
    for name, version, asker in installed_closure():
        if name not in PINS:
            unpinned.append(f"{name}, needed by {asker}")
        elif PINS[name] != version.public:
            different.append(f"{name} is {version}, pinned {PINS[name]}")
    assert not different
    assert [line for line in unpinned if not line.startswith(ACCELERATOR_PACKAGES)] == []


def test_what_is_installed_on_demand_is_pinned_too() -> None:
    assert set(ON_DEMAND) < set(EXTRAS)
    for wanted in requirements([line for name in ON_DEMAND for line in EXTRAS[name]]):
        assert wanted.specifier.contains(PINS[canonicalize_name(wanted.name)])


@pytest.mark.parametrize("folder", ["a2d", "tables", "figures"])
def test_every_import_is_a_declared_dependency(folder: str) -> None:
    # Of extras, commands say what to install where they miss it.
    optional = ("searchers", "tensorboard", "video")
    lines = [*PROJECT["dependencies"], *(line for name in optional for line in EXTRAS[name])]
    declared = {canonicalize_name(wanted.name) for wanted in requirements(lines)}
    brought_by = packages_distributions()
    for module in imported_modules(ROOT / folder):
        assert declared & {canonicalize_name(name) for name in brought_by[module]}, module


def test_conda_installs_what_make_installs() -> None:
    found = re.search(r"^EXTRAS := (.+)$", MAKEFILE, re.MULTILINE)
    assert found is not None
    assert set(found[1].split(",")) <= set(EXTRAS)
    assert f"--editable .[{found[1]}]" in conda_pip_lines()
    assert "--constraint constraints.txt" in conda_pip_lines()


def test_conda_pins_nothing_differently() -> None:
    options = ("--constraint", "--editable")
    named = [line for line in conda_pip_lines() if not line.startswith(options)]
    named += [item.replace("=", "==") for item in CONDA["dependencies"] if isinstance(item, str)]
    for wanted in requirements(named):
        if wanted.name not in ("python", "pip"):
            assert str(wanted.specifier) == f"=={PINS[canonicalize_name(wanted.name)]}"


def test_one_oldest_python_everywhere() -> None:
    (conda,) = [item for item in CONDA["dependencies"] if str(item).startswith("python=")]
    oldest = conda.removeprefix("python=")
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(f">={oldest}")
    assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    assert f"sys.version_info < ({oldest.replace('.', ', ')})" in MAKEFILE


def test_one_version_and_licence_everywhere() -> None:
    assert CITATION["version"] == a2d.__version__
    assert distribution("a2d").version == a2d.__version__
    assert CITATION["license"] == PROJECT["license"] == "GPL-3.0-or-later"
    head = (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]
    assert re.search(r"GNU GENERAL PUBLIC LICENSE\s+Version 3", head)


@pytest.mark.parametrize("name", sorted({wanted.name for wanted in direct_requirements()}))
def test_every_direct_dependency_has_its_licence_told(name: str) -> None:
    rows = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    listed = [
        cell.strip()
        for cells in re.findall(r"^\| ([^|]+) \|", rows, re.MULTILINE)
        for cell in cells.split(",")
    ]
    assert listed.count(name) == 1


@pytest.fixture
def makefile_alone(tmp_path: Path) -> Path:
    """A folder of an awkward name that holds what `make` reads."""
    folder = tmp_path / "awkward näme"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@needs_make
def test_plain_make_only_lists_the_targets(makefile_alone: Path) -> None:
    before = sorted(makefile_alone.iterdir())
    answer = make(makefile_alone)
    assert answer.returncode == 0
    for target in re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE):
        assert re.search(rf"^make {target} +\S", answer.stdout, re.MULTILINE)
    assert sorted(makefile_alone.iterdir()) == before


@needs_make
@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", None], ids=["too-old", "absent"])
def test_an_unfit_python_is_named(makefile_alone: Path, script: str | None) -> None:
    interpreter = makefile_alone / "python3.10"
    if script is not None:
        interpreter.write_text(script)
        interpreter.chmod(0o755)
    answer = make(makefile_alone, "all", f"PYTHON={interpreter}")
    assert answer.returncode != 0
    assert "a2d needs Python 3.11 or newer" in answer.stderr
    assert str(interpreter) in answer.stderr
    assert not (makefile_alone / ".venv").exists()


@needs_make
@pytest.mark.parametrize(
    ("home", "made_again"),
    [(None, True), ("/elsewhere", True), ("here", False)],
    ids=["none", "moved", "own"],
)
def test_an_environment_is_made_again_only_where_it_is_not_this_folders(
    makefile_alone: Path, home: str | None, made_again: bool
) -> None:
    environment = makefile_alone / ".venv"
    environment.mkdir()
    if home is not None:
        (environment / ".installed").write_text(
            str(makefile_alone.resolve() if home == "here" else home)
        )
    answer = make(
        makefile_alone,
        "install",
        "--dry-run",
        "--old-file=pyproject.toml",
        "--old-file=constraints.txt",
    )
    assert answer.returncode == 0
    assert ("pip install" in answer.stdout) == made_again
