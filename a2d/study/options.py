"""What a person asks of the workflow with ``--config``."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from a2d.errors import A2DError

RIGHT = {
    "scale": "the name of a scale, as in scale=smoke; without it, it is laptop",
    "fresh": "a folder to train everything into, as in fresh=fresh; without it, what is recorded counts",
    "only": "only=recorded; without it, what is missing is trained",
}


@dataclass(frozen=True)
class Options:
    """The scale, where its files lie, and whether nothing is to be trained."""

    scale: str
    base: Path
    only_recorded: bool
    plan: str  # the command that lists what is missing
    elsewhere: str  # what to do where the folder cannot be written to


def read_options(config: Mapping[str, object], checkout: Path) -> Options:
    """Check what ``--config`` says.

    Files lie in the checkout, wherever the workflow is started; a fresh repetition goes to a folder
    of its own below the current one, and leaves the recorded evidence alone.

    Raises:
        A2DError: an unknown key, or a value that is not one; it says what to write.
    """
    for name, value in config.items():
        if name not in RIGHT:
            raise A2DError(f"--config {name}={value}: is not known; there are {', '.join(RIGHT)}")
        # A number or a truth value is no name; Snakemake reads 0, 1, True and nothing at all as
        # such.
        if not isinstance(value, str) or not value or (name == "only" and value != "recorded"):
            raise A2DError(
                f"--config {name}={'' if value is None else value}: should be {RIGHT[name]}"
            )
    scale = str(config.get("scale", "laptop"))
    here = Path.cwd().samefile(checkout)
    base = (
        _fresh(str(config["fresh"]), checkout)
        if "fresh" in config
        else Path()
        if here
        else checkout
    )
    command = [
        "a2d",
        "plan",
        "--scale",
        scale,
        "--missing",
        *([] if here else ["--root", str(checkout)]),
    ]
    command += [] if base == Path() else ["--results", str(base / "results")]
    snakefile = shlex.quote(str(checkout / "Snakefile"))
    started = f"In a folder of yours: snakemake -s {snakefile} --cores all --config scale={scale} fresh=fresh"
    elsewhere = "Copy the checkout to a folder of yours" if "only" in config else started
    return Options(scale, base, "only" in config, shlex.join(command), elsewhere)


def _fresh(name: str, checkout: Path) -> Path:
    """Return the folder of a fresh repetition. Raise A2DError where recorded evidence lies there."""
    folder, results = Path(name).resolve(), (checkout / "results").resolve()
    if folder == checkout.resolve() or folder.is_relative_to(results):
        raise A2DError(
            f"--config fresh={name}: holds the recorded runs; name another folder, as in fresh=fresh"
        )
    return Path(name)


def unwritable(*folders: Path) -> Iterator[tuple[Path, str]]:
    """Yield each folder, made if it is not there, in which no file can be made, and the system's reason."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            yield folder, error.strerror or str(error)
