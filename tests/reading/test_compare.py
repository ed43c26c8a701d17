"""Fresh records against recorded ones: every verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from a2d.cli import app
from a2d.reading.compare import compare_folders, compare_records
from a2d.runs.provenance import collect_provenance
from a2d.runs.records import Evaluation, Network, Record, SearchOutcome, Timing, write_record
from a2d.specs.architecture import Architecture, CellSpace
from a2d.specs.run import ManualAgent, TrainSpec, key_of
from a2d.specs.task import load_card
from tests.checkout import ENVS

CARD = load_card(ENVS / "tiny-catch.yaml")


def network_of(*operators: str, latency: float = 1.0) -> Network:
    """A searched network, or a manual one where no operators are named."""
    cells = CellSpace(cells=len(operators)) if operators else None
    design = Architecture(space="convolution", cells=cells, operators=operators) if cells else "x"
    return Network(
        design=design, flops=1, parameters=1, latency_median_ms=latency, latency_p99_ms=latency
    )


def record_of(
    returns: list[float], seed: int = 0, latency: float = 1.0, steps: int = 3200, **fields: Any
) -> Record:
    spec = TrainSpec(task=CARD, steps=steps, seed=seed, agent=ManualAgent(network="vanilla"))
    values: dict[str, Any] = {
        "key": key_of(spec), "status": "finished", "steps_done": 3200, "spec": spec,
        "curve": [], "loss_terms": {},
        "evaluation": Evaluation(seed=0, returns=returns, lengths=[35] * len(returns)),
        "network": network_of(latency=latency),
        "timing": Timing(wall_s=latency, training_s=1.0, steps_per_second=1.0, peak_memory_mib=1.0),
        "provenance": collect_provenance(1),
    }  # fmt: skip
    return Record(**values | fields)


def noisy(mean: float, seed: int, count: int = 30) -> list[float]:
    return np.random.default_rng(seed).normal(mean, 1.0, count).tolist()


def test_timing_latency_and_provenance_are_not_compared() -> None:
    provenance = collect_provenance(1).model_copy(update={"commit": "another", "threads": 8})
    pair = record_of([1.0, 2.0]), record_of([1.0, 2.0], latency=9.0, provenance=provenance)
    assert compare_records(*pair) == "identical"


@pytest.mark.parametrize(
    "change",
    [
        {"steps_done": 1},
        {"loss_terms": {"value": 1.0}},
        {"curve": [{"step": 1, "mean_return": 0.0}]},
    ],
)
def test_equal_scores_of_other_runs_are_not_identical(change: dict[str, Any]) -> None:
    assert (
        compare_records(record_of([1.0, 2.0]), record_of([1.0, 2.0], **change))
        == "same within noise"
    )


def test_noise_and_differences() -> None:
    a, near, far = record_of(noisy(0, 1)), record_of(noisy(0, 2)), record_of(noisy(3, 3))
    assert compare_records(a, near) == compare_records(near, a) == "same within noise"
    assert compare_records(a, far) == compare_records(far, a) == "different"
    assert compare_records(a, record_of(noisy(0, 4, count=10))) == "same within noise"
    assert compare_records(record_of([1.0, 1.0]), record_of([1.0, 1.01])) == "same within noise"
    assert compare_records(record_of([1.0, 1.0]), record_of([1.01, 1.01])) == "different", (
        "no noise, no excuse"
    )


def test_another_status_is_different_whatever_the_score() -> None:
    diverged = record_of(noisy(0, 1), status="diverged", reason="loss nan")
    assert compare_records(record_of(noisy(0, 1)), diverged) == "different"


def test_folders_are_paired_by_path(tmp_path: Path) -> None:
    fresh, recorded = tmp_path / "fresh", tmp_path / "recorded"
    for folder, name, record in (
        (fresh, "a/seed0-1.json", record_of([1.0, 2.0])),
        (recorded, "a/seed0-1.json", record_of([1.0, 2.0], latency=3.0)),
        (fresh, "b/seed0-2.json", record_of([5.0, 5.0])),
        (recorded, "b/seed0-2.json", record_of([1.0, 1.0])),
        (fresh, "b/seed1-3.json", record_of([3.0], seed=1)),
        (recorded, "c/seed2-4.json", record_of([4.0], seed=2)),
    ):
        write_record(folder / name, record)
    found = {
        item.path: (item.verdict, item.fresh, item.recorded)
        for item in compare_folders(fresh, recorded)
    }
    assert found == {
        "a/seed0-1.json": ("identical", 1.5, 1.5),
        "b/seed0-2.json": ("different", 5.0, 1.0),
        "b/seed1-3.json": ("only fresh", 3.0, None),
        "c/seed2-4.json": ("only recorded", None, 4.0),
    }


def test_runs_of_another_spec_are_found_in_their_place_and_said_to_be_so(tmp_path: Path) -> None:
    fresh, recorded = tmp_path / "fresh", tmp_path / "recorded"
    same, longer = record_of([1.0, 2.0]), record_of([1.0, 2.0], steps=6400)
    for folder, method, record in (
        (fresh, "m", longer), (recorded, "m", same), (fresh, "n", same), (recorded, "n", same)
    ):  # fmt: skip
        write_record(folder / method / f"seed0-{record.key[:8]}.json", record)
    found = [(item.verdict, item.detail) for item in compare_folders(fresh, recorded)]
    assert found == [("another run", "steps: 6400 against 3200"), ("identical", "")]


def test_two_single_runs_are_compared_wherever_they_lie(tmp_path: Path) -> None:
    write_record(tmp_path / "one" / "record.json", record_of([1.0, 2.0], seed=1))
    write_record(tmp_path / "two" / "deeper" / "record.json", record_of([1.0, 2.0]))
    (found,) = compare_folders(tmp_path / "one", tmp_path / "two")
    assert (found.verdict, found.detail) == ("another run", "seed: 1 against 0")
    shown = CliRunner().invoke(app, ["compare", str(tmp_path / "one"), str(tmp_path / "two")])
    assert shown.exit_code == 1 and "not the same was asked" in shown.output


def test_empty_folders_and_damaged_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_folders(tmp_path, tmp_path) == []
    (tmp_path / "seed0-1.json").write_text("{", encoding="utf-8")
    assert [(item.path, item.verdict) for item in compare_folders(tmp_path, tmp_path)] == [
        ("seed0-1.json", "damaged")
    ]
    assert "seed0-1.json: cannot be read as a record" in capsys.readouterr().err


SEARCHED = ("conv3", "skip", "inverted3_e5")


def test_what_only_later_records_say_of_a_search_is_compared_where_both_say_it() -> None:
    architecture = Architecture(
        space="convolution", cells=CellSpace(cells=3), operators=("skip", "skip", "conv3")
    )

    def searched(**said: Any) -> Record:
        found = SearchOutcome(architecture=architecture, alpha=None, skips=2, **said)
        return record_of([1.0, 2.0], search=found)

    early, late = searched(), searched(gradient_t=[[1.0]])
    assert compare_records(late, early) == compare_records(early, late) == "identical"
    assert compare_records(late, searched(gradient_t=[[1.0]])) == "identical"
    assert compare_records(late, searched(gradient_t=[[1.5]])) == "same within noise"


def test_another_architecture_is_never_the_same_within_noise() -> None:
    """Equal episodes of two networks are no repetition; one operator is enough."""
    fresh = record_of(noisy(0, 1), network=network_of("conv3", "conv5", "inverted3_e5"))
    recorded = record_of(noisy(0, 1), network=network_of(*SEARCHED))
    assert (
        compare_records(fresh, recorded)
        == compare_records(recorded, fresh)
        == "another architecture"
    )
    same = record_of(noisy(0, 1), network=network_of(*SEARCHED, latency=9.0))
    assert compare_records(same, recorded) == "identical"
    wider = network_of(*SEARCHED).model_copy(
        update={
            "design": Architecture(
                space="convolution", cells=CellSpace(cells=3, width=8), operators=SEARCHED
            )
        }
    )
    assert (
        compare_records(record_of(noisy(0, 1), network=wider), recorded) == "another architecture"
    )


def test_runs_that_were_not_asked_the_same_are_another_run_and_the_keys_are_named(
    tmp_path: Path,
) -> None:
    fresh, recorded = tmp_path / "fresh", tmp_path / "recorded"
    for folder, steps, seed in ((fresh, 3200, 0), (recorded, 6400, 1)):
        write_record(folder / "record.json", record_of([1.0, 2.0], seed=seed, steps=steps))
    (found,) = compare_folders(fresh, recorded)
    assert found.verdict == "another run"
    assert "steps: 3200 against 6400" in found.detail and "seed: 0 against 1" in found.detail
    assert compare_records(record_of([1.0, 2.0]), record_of([1.0, 2.0])) == "identical"


def test_the_command_names_the_cells_that_differ_and_fails(tmp_path: Path) -> None:
    fresh, recorded = tmp_path / "fresh", tmp_path / "recorded"
    for folder, operators in ((fresh, ("conv3", "conv5", "inverted3_e5")), (recorded, SEARCHED)):
        write_record(folder / "record.json", record_of([1.0, 2.0], network=network_of(*operators)))
    found = CliRunner().invoke(app, ["compare", str(fresh), str(recorded)])
    assert found.exit_code == 1
    assert "another architecture" in found.output and "cell 2: conv5 against skip" in found.output
    assert "1 another architecture" in found.output.splitlines()[-1]
    same = CliRunner().invoke(app, ["compare", str(fresh), str(fresh)])
    assert same.exit_code == 0 and "1 identical" in same.output
    shown = " ".join(CliRunner().invoke(app, ["compare", "--help"]).output.split())
    assert "'another run'" in shown and "Exit status" in shown
