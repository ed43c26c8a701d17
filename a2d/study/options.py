"""What a person asks of the workflow with ``--config``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from a2d.errors import A2DError

DEFAULT_SCALE = "study"  # where none is named; README and the Makefile say so too

RIGHT = {
    "scale": f"the name of a scale, as in scale=smoke; without it, it is {DEFAULT_SCALE}",
    "fresh": "a folder to train everything into, as in fresh=fresh; "
    "without it, what is recorded counts",
    "only": "only=recorded; without it, what is missing is trained",
}


@dataclass(frozen=True)
class Options:
    """The answers.

    Args:
        scale: its name.
        root: the folder of the Snakefile, relative where Snakemake was started there.
        base: where results, runs and renderings lie.
        only_recorded: whether nothing is to be trained.
        plan: the command that lists what is missing.
        elsewhere: what to do where a folder cannot be written to.
    """

    scale: str
    root: Path
    base: Path
    only_recorded: bool
    plan: str
    elsewhere: str


def read_options(config: Mapping[str, object], checkout: Path) -> Options:
    """Check what ``--config`` says.

    Files lie in the checkout, wherever the workflow is started; a fresh repetition goes to a folder
    of its own below the current one, and leaves the recorded evidence alone.

    Raises:
        A2DError: an unknown key, or a value that is not one; it says what to write.
    """
    check_config(config, RIGHT)
    scale = str(config.get("scale", DEFAULT_SCALE))
    root = Path() if Path.cwd().samefile(checkout) else checkout
    base = _fresh(str(config["fresh"]), checkout) if "fresh" in config else root
    return Options(
        scale=scale,
        root=root,
        base=base,
        only_recorded="only" in config,
        plan=_plan(scale, base, root),
        elsewhere=_elsewhere(scale, "only" in config, checkout),
    )


def check_config(config: Mapping[str, object], right: Mapping[str, str]) -> None:
    """Check what ``--config`` says.

    Args:
        config: as Snakemake reads it.
        right: by each key that there is, what its value should be.

    Raises:
        A2DError: an unknown key, or a value that is not one; it says what to write.
    """
    for name, value in config.items():
        if name not in right:
            raise A2DError(f"--config {name}={value}: is not known; there are {', '.join(right)}")
        # A number or a truth value is no name; Snakemake reads 0, 1, True and nothing as such.
        if not isinstance(value, str) or not value or (name == "only" and value != "recorded"):
            shown = "" if value is None else value
            raise A2DError(f"--config {name}={shown}: should be {right[name]}")


def _fresh(name: str, checkout: Path) -> Path:
    """Return the folder of a fresh repetition.

    Raises:
        A2DError: recorded evidence lies there.
    """
    folder, results = Path(name).resolve(), (checkout / "results").resolve()
    if folder == checkout.resolve() or folder.is_relative_to(results):
        raise A2DError(
            f"--config fresh={name}: holds the recorded runs; "
            "name another folder, as in fresh=fresh"
        )
    return Path(name)


def _plan(scale: str, base: Path, root: Path) -> str:
    """Return the command that lists what is missing."""
    command = ["a2d", "plan", "--scale", scale, "--missing"]
    if root != Path():
        command += ["--root", str(root)]
    if base != Path():
        command += ["--results", str(base / "results")]
    return shlex.join(command)


def _elsewhere(scale: str, only_recorded: bool, checkout: Path) -> str:
    """Return what to do where the folders of this workflow cannot be written to."""
    if only_recorded:
        return "Copy the checkout to a folder of yours"
    command = ["snakemake", "-s", str(checkout / "Snakefile"), "--cores", "all"]
    command += ["--config", f"scale={scale}", "fresh=fresh"]
    return f"In a folder of yours: {shlex.join(command)}"
