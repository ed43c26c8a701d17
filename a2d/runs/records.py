"""A record says everything about one finished run: one JSON file, written once."""

from __future__ import annotations

import gc
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from a2d.errors import A2DError
from a2d.runs.provenance import Provenance
from a2d.runs.sealed import read_sealed, write_sealed
from a2d.search.trial import Trial
from a2d.specs.architecture import Architecture
from a2d.specs.data import Frozen, describe_validation_error, later
from a2d.specs.run import RunSpec, key_of

RECORD = "record.json"  # of a single run, in its folder
RECORD_NAME = re.compile(r"seed\d+-(?P<key>[0-9a-f]{8})\.json")


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class CurvePoint:
    """Mean unclipped return of the last (at most 100) training episodes after ``step`` steps.

    A study reads a million of them: with slots they take a tenth of a model's memory, and no time
    to allocate it.
    """

    step: int
    mean_return: float | None


class Evaluation(Frozen):
    """Unclipped return and length of every test episode. For a search: of the strongest path."""

    seed: int
    returns: list[float]
    lengths: list[int]


class Network(Frozen):
    """Costs of the agent that acts, for one observation."""

    design: str | Architecture
    flops: int
    parameters: int
    latency_median_ms: float
    latency_p99_ms: float


class Timing(Frozen):
    """Seconds, environment steps per second of training, and MiB at the peak."""

    wall_s: float
    training_s: float
    steps_per_second: float
    peak_memory_mib: float


class SearchOutcome(Frozen):
    """The derived architecture, and what explains it: alpha (cells, operators), or trials."""

    architecture: Architecture
    alpha: list[list[float]] | None
    skips: int
    gradient_t: list[list[float]] | None = later(
        None, "of the task's gradient of alpha: mean / (deviation / sqrt(updates)) of every entry"
    )
    operator_flops: list[list[float]] | None = later(
        None, "for one observation, (cells, operators)"
    )
    entropy: list[float] | None = later(
        None, "of softmax(alpha) at every point of the curve, by the uniform distribution's"
    )
    trials: tuple[Trial, ...] = later((), "candidates that were tried, in order")


class Record(Frozen):
    """One run. ``status`` 'diverged' keeps the curve and the evaluation of the last good state.

    ``evaluation`` is None where a diverged run's test episodes gave no numbers either.
    """

    format: Literal[1] = 1
    key: str
    status: Literal["finished", "diverged"]
    reason: str | None = None
    steps_done: int
    spec: RunSpec
    evaluation: Evaluation | None
    curve: list[CurvePoint]
    loss_terms: dict[str, float | None]
    network: Network
    search: SearchOutcome | None = None
    timing: Timing
    provenance: Provenance
    resumed_from: tuple[
        Provenance, ...
    ] = ()  # the processes before, where the run was stopped and resumed

    @model_validator(mode="after")
    def check_evaluation(self) -> Record:
        if self.evaluation is None and self.status != "diverged":
            raise ValueError("a run that has not diverged needs an evaluation")
        return self

    @property
    def score(self) -> float:
        """Mean return of the test episodes; NaN without any."""
        if self.evaluation is None:
            return math.nan
        return math.fsum(self.evaluation.returns) / len(self.evaluation.returns)


def write_record(path: Path, record: Record) -> None:
    """Write the record with its checksum, atomically."""
    write_sealed(path, record.model_dump(mode="json"))


def find_records(folder: Path) -> list[Path]:
    """Return the paths of all records below ``folder``, sorted."""
    return sorted(
        path for path in folder.rglob("seed*.json") if not path.name.endswith(".arch.json")
    )


@contextmanager
def without_collector() -> Iterator[None]:
    """Hold Python's cycle collector, which would visit thousands of records again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def check_record(path: Path) -> dict[str, Any]:
    """Return a record's data, not yet validated, of a file that is whole and in its place.

    Raises:
        A2DError: it is no JSON, its checksum is not its content's, or its name holds another run's
            key.
    """
    data = read_sealed(path, "a record", "delete it, and the run is repeated")
    named = RECORD_NAME.fullmatch(path.name)
    if named and not str(data.get("key")).startswith(named["key"]):
        raise A2DError(
            f"{path}: is the record of another run, {data.get('key')}; "
            "delete it, and the run is repeated"
        )
    return data


def read_record(path: Path) -> Record:
    """Read and verify a record.

    Raises:
        A2DError: it cannot be read, was edited by hand, is another run's, or its key is not that of
            its own spec under today's semantics (it is stale).
    """
    data = check_record(path)
    try:
        record = Record.model_validate(data)
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error
    if record.key != key_of(record.spec):
        raise A2DError(
            f"{path}: key {record.key} is not its spec's key {key_of(record.spec)}; it is stale"
        )
    return record
