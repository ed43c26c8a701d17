"""The tables and figures that there are: every script in ``tables/`` and ``figures/`` is one.

An experiment lists the artifacts that show its runs. A script may name further experiments whose
runs it shows, as in ``SHOWS_ALSO = ("size_sweep",)``, and stages of which it shows whatever any
experiment plans, as in ``SHOWS_ALL = ("teacher",)``. Scripts are read here, not imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from a2d.errors import A2DError
from a2d.study.definitions import Experiment
from a2d.study.expansion import STAGES

# What the scripts of each folder write.
SUFFIXES = {"figures": (".png", ".pdf", ".txt"), "tables": (".csv", ".md", ".tex", ".html")}
# What the workflow's own rules are called.
OTHER_TARGETS = (
    "all", "page", "set_aside", "train_teacher", "publish_teacher", "train_manual", "search",
    "train_derived",
)  # fmt: skip
LEDGER = "tables/claims"
# Belong to every experiment: a claim's test may read any run.
JUDGING = ("figures/claims", LEDGER, "tables/by_task")


@dataclass(frozen=True)
class Artifact:
    """One table or figure.

    Args:
        name: its script without suffix, as in ``figures/pareto``.
        title: the first line of the script's docstring.
        shows_also: experiments whose runs it shows beside those of the experiments that list it.
        shows_all: stages of which it shows every planned run, whatever experiment plans it.
    """

    name: str
    title: str
    shows_also: tuple[str, ...] = ()
    shows_all: tuple[str, ...] = ()

    def files(self, base: Path, scale: str) -> list[Path]:
        """Return the files that the script renders of a scale, below ``base``."""
        kind, name = self.name.split("/")
        return [base / kind / scale / f"{name}{suffix}" for suffix in SUFFIXES[kind]]


def find_artifacts(root: Path) -> dict[str, Artifact]:
    """Return the artifacts of a checkout by name, figures first.

    Raises:
        A2DError: a script cannot be read, has no docstring, or names an experiment that is not
            there.
    """
    scripts = [path for kind in SUFFIXES for path in sorted((root / kind).glob("[!_]*.py"))]
    known = {path.stem for path in (root / "workflow" / "experiments").glob("*.yaml")}
    artifacts = [_read_script(path, known) for path in scripts]
    return {artifact.name: artifact for artifact in artifacts}


def check_listed(
    experiments: Mapping[str, Experiment], artifacts: Iterable[str], root: Path
) -> None:
    """Raise A2DError where an experiment lists an artifact for which there is no script.

    It names those of the same folder.
    """
    known = sorted(artifacts)
    for name, experiment in experiments.items():
        for artifact in experiment.artifacts:
            if artifact not in known:
                path = root / "workflow" / "experiments" / f"{name}.yaml"
                folder = artifact.partition("/")[0]
                there = [other for other in known if other.startswith(f"{folder}/")] or known
                raise A2DError(
                    f"{path}: artifacts: {artifact!r} has no script; there are {', '.join(there)}"
                )


def _read_script(path: Path, experiments: Iterable[str]) -> Artifact:
    if path.stem in OTHER_TARGETS:
        raise A2DError(f"{path}: the workflow has another target of this name; rename the script")
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise A2DError(f"{path}: cannot be read as a Python script: {error}") from error
    docstring = ast.get_docstring(module)
    if not docstring:
        raise A2DError(f"{path}: has no docstring; its first line is the artifact's title")
    title = docstring.partition("\n")[0].strip().removesuffix(".")
    return Artifact(
        f"{path.parent.name}/{path.stem}",
        title,
        _names(module, path, "SHOWS_ALSO", "experiments", experiments),
        _names(module, path, "SHOWS_ALL", "stages", STAGES),
    )


def _names(
    module: ast.Module, path: Path, variable: str, what: str, known: Iterable[str]
) -> tuple[str, ...]:
    """Return the names that a script assigns to a variable; none where it does not."""
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == variable:
                return _literal(value, f"{path}: {variable}", what, sorted(known))
    return ()


def _literal(value: ast.expr, place: str, what: str, known: list[str]) -> tuple[str, ...]:
    hint = f'{place} should name {what}, as in ("{next(iter(known), "")}",)'
    try:
        names = ast.literal_eval(value)
    except ValueError as error:
        raise A2DError(hint) from error
    if not isinstance(names, tuple):
        raise A2DError(hint)
    for name in names:
        if name not in known:
            raise A2DError(f"{place}: {name!r} is not one of {', '.join(known)}")
    return names
