"""One job of a plan: what it asks for, and doing it in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from a2d.deploy.latency import measure_costs
from a2d.distill.limits import MS_MARGIN, Point, least_ms
from a2d.distill.plan import Job, Plan, read_plan
from a2d.distill.request import SEARCHER, Setting, settle
from a2d.distill.sources import RUNS
from a2d.errors import A2DError
from a2d.runs.folder import describe_divergence, search_architecture, train_agent
from a2d.runs.records import RECORD, Record, read_record
from a2d.runs.request import RunRequest, SearchRequest
from a2d.search.matched import random_design
from a2d.search.trial import Trial
from a2d.specs.architecture import Architecture, load_architecture, write_architecture
from a2d.specs.run import SearchSpec

CHOSEN = "chosen.json"  # in a search's folder: its best architecture that is within the limit


def finished(out: Path, job: Job) -> bool:
    """Whether a job has left all that others need of it."""
    folder = out / RUNS / job.name
    return (folder / RECORD).is_file() and (job.kind != "search" or (folder / CHOSEN).is_file())


def run_request(plan: Plan, setting: Setting, job: Job, out: Path) -> RunRequest | SearchRequest:
    """Return what a job asks of the library."""
    common: dict[str, Any] = {
        "task": plan.sources.card(plan.request, out),
        "out": out / RUNS / job.name,
        "steps": job.steps,
        "seed": job.seed,
        "algorithm": setting.algorithm,
        "settings": setting.settings,
        "accept_weak_teacher": True,  # a weak one has been refused before
    }
    if job.kind == "teacher":
        return RunRequest(**common)
    common["teacher"] = plan.sources.folder(plan.request, out)
    if job.kind == "student":
        return RunRequest(**common, distill=plan.request.distill)
    point = plan.point(job.name)
    options = {
        "space": point.space.model_dump(),
        "largest_cost": point.largest_cost,
        "costs": point.table,
    }
    if setting.search_mode == "actor":
        options["scored_head"] = "actor"
    common["settings"] += setting.search_settings
    return SearchRequest(
        **common, distill=setting.search_mode, searcher=SEARCHER, recipe="plus", options=options
    )


def settled(plan: Plan, out: Path) -> Setting:
    """Return what a plan's request comes to."""
    if plan.request.teacher is None:
        return settle(plan.request, None)
    return settle(plan.request, plan.sources.folder(plan.request, out))


def perform(out: Path, name: str) -> None:
    """Do one job of the plan in a folder; what is finished is not repeated.

    Raises:
        A2DError: the run is refused, a search diverges, or finds nothing within its limit.
    """
    plan = read_plan(out)
    assert plan is not None  # it is written before any job starts
    job, setting = plan.job(name), settled(plan, out)
    request = run_request(plan, setting, job, out)
    if isinstance(request, SearchRequest):
        record = search_architecture(request)
        if record.status == "diverged":
            raise A2DError(f"{name}: {describe_divergence(record)}")
        write_architecture(request.out / CHOSEN, _within(plan.point(name), record))
        return
    train_agent(request, _design(job, setting, out))


def _design(job: Job, setting: Setting, out: Path) -> str | Architecture:
    """Return the network that a job trains."""
    if job.network is not None:
        return job.network
    assert job.search is not None
    folder = out / RUNS / job.search
    chosen = load_architecture(folder / CHOSEN)
    if not job.random:
        return chosen
    spec = read_record(folder / RECORD).spec
    assert isinstance(spec, SearchSpec)
    operators = spec.search.operators(spec.space)
    return random_design(chosen, operators, setting.interface, job.seed, table=spec.search.costs)


def _within(point: Point, record: Record) -> Architecture:
    """Return the best trial's architecture that costs no more than the limit when measured.

    FLOPs are exact, so that any trial's are within the limit. Of milliseconds the search knows only
    the sum of what operators cost one by one. A machine is disturbed at times, so that the upper
    quartile counts.
    """
    assert record.search is not None
    best = record.search.architecture
    if point.table is None:
        if record.network.flops > point.amount:
            raise A2DError(
                f"the search found {record.network.flops:,} FLOPs, above {point.amount:,.0f}: this "
                "is a fault of a2d; please report it with plan.json"
            )
        return best
    measured = []
    for operators in _ranked(best.operators, record.search.trials):
        design = best.model_copy(update={"operators": operators})
        latency = measure_costs(record.spec.task, design).deployed.high_ms
        if latency <= point.amount:
            return design
        measured.append(latency)
    fastest = min(measured)
    raise A2DError(
        f"none of {len(measured)} candidates is surely within {point.amount / MS_MARGIN:.4g} ms; "
        f"the fastest was measured at {fastest:.4g} ms: give {least_ms(fastest)} or more"
    )


def _ranked(best: tuple[str, ...], trials: tuple[Trial, ...]) -> Iterator[tuple[str, ...]]:
    """Yield each architecture's operators once, those of the highest score first."""
    ordered = sorted(trials, key=lambda trial: -trial.rank)
    yield from dict.fromkeys([best, *(trial.operators for trial in ordered)])
