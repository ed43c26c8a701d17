"""Plans: who is trained for how long, what waits for what, and how long it all takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from a2d.distill.plan import Job, Plan, Steps, lay_out, read_plan, wall_seconds, write_plan
from a2d.distill.quantities import read_count, read_duration
from a2d.distill.request import DistillRequest
from a2d.distill.sources import Sources
from a2d.errors import A2DError

STEPS = Steps.of(1000, 160)


def request(**fields: Any) -> DistillRequest:
    return DistillRequest(task="/own/mine.yaml", steps=1000, **fields)


def names(jobs: tuple[Job, ...]) -> list[str]:
    return [job.name for job in jobs]


def test_steps_are_whole_updates_and_controls_have_the_searchs_too() -> None:
    assert STEPS == (4000, 320, 1120)
    assert STEPS.control == 1440


def test_every_seed_has_what_is_searched_and_its_controls() -> None:
    jobs = lay_out(request(seeds=2), "mlp64", ("mlp8",), STEPS)
    assert names(jobs) == [
        "teacher", "search",
        "a2d-seed2", "random-seed2", "mlp8-seed2",
        "a2d-seed3", "random-seed3", "mlp8-seed3",
    ]  # fmt: skip
    assert [job.steps for job in jobs[:5]] == [4000, 320, 1120, 1440, 1440]
    assert len({job.seed for job in jobs}) == 4, "teacher, search and students share none"
    assert [job.after for job in jobs[:5]] == [
        (), ("teacher",), ("search",), ("search",), ("teacher",),
    ]  # fmt: skip


def test_a_given_teacher_is_not_trained_and_latency_is_measured_alone() -> None:
    jobs = lay_out(request(seeds=1, teacher="/t"), None, ("mlp8",), STEPS)
    assert names(jobs)[0] == "search" and jobs[-1].after == ()
    jobs = lay_out(request(seeds=1, max_ms=1.0), "mlp64", ("mlp8",), STEPS)
    assert jobs[-1].name == "mlp8-seed2" and jobs[-1].after == ("search",)
    jobs = lay_out(request(seeds=1, max_ms=1.0, points=2), "mlp64", ("mlp8",), STEPS)
    after = {job.name: job.after for job in jobs}
    assert after["search-2"] == ("search-1",), "one search at a time"
    assert after["a2d-1-seed2"] == after["mlp8-seed2"] == ("search-2",), "and no student yet"


def test_a_front_has_a_search_and_students_for_every_point() -> None:
    jobs = lay_out(request(seeds=1, points=2), "mlp64", ("mlp8",), STEPS)
    assert names(jobs) == [
        "teacher", "search-1", "search-2",
        "a2d-1-seed2", "random-1-seed2", "a2d-2-seed2", "random-2-seed2", "mlp8-seed2",
    ]  # fmt: skip
    assert {job.search for job in jobs if job.row == "random-2"} == {"search-2"}


def test_jobs_wait_for_each_other_and_for_a_core() -> None:
    jobs = lay_out(request(seeds=2), "mlp64", (), STEPS)
    left = {"teacher": 10.0, "search": 4.0} | dict.fromkeys(names(jobs)[2:], 3.0)
    assert wall_seconds(jobs, left, 1) == 10 + 4 + 4 * 3
    assert wall_seconds(jobs, left, 2) == 10 + 4 + 2 * 3
    assert wall_seconds(jobs, left, 9) == 10 + 4 + 3
    assert wall_seconds(jobs, {"a2d-seed3": 5.0}, 2) == 5, "what has ended takes no time"


def test_a_plan_is_read_as_it_was_written_and_a_broken_one_is_named(tmp_path: Path) -> None:
    jobs = lay_out(request(), "mlp64", ("mlp8",), STEPS)
    plan = Plan(request=request(), task={"id": "a"}, sources=Sources(), points=(), jobs=jobs)
    assert read_plan(tmp_path) is None
    write_plan(tmp_path, plan)
    assert read_plan(tmp_path) == plan
    (tmp_path / "plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(A2DError, match=r"plan\.json: cannot be read as a plan; name another"):
        read_plan(tmp_path)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30min", 1800), ("1.5h", 5400)])
def test_times_are_read(text: str, seconds: float) -> None:
    assert read_duration("--budget", text) == seconds


@pytest.mark.parametrize(("text", "count"), [("50000", 50_000), ("250k", 250_000), ("1.5M", 1.5e6)])
def test_counts_are_read(text: str, count: float) -> None:
    assert read_count("--steps", text) == count


@pytest.mark.parametrize("text", ["", "-1M", "1 parsec", "many", "0", "1,5M"])
def test_other_amounts_are_refused_by_the_options_name(text: str) -> None:
    with pytest.raises(A2DError, match=r"^--max-flops .*: should be a number such as"):
        read_count("--max-flops", text)
