"""From a request to a plan: what is checked, measured and fitted into the budget beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from a2d.distill.estimate import Estimate
from a2d.distill.limits import DEFAULT_SHARE, Point, flops_points, latency_points
from a2d.distill.plan import Plan, Steps, lay_out, wall_seconds
from a2d.distill.request import DistillRequest, Setting, settle, teacher_flops
from a2d.distill.sources import prepare
from a2d.errors import A2DError
from a2d.runs.request import read_card
from a2d.specs.settings import ALGORITHMS, read_settings, sections_of
from a2d.specs.task import TaskCard

USED = 0.75  # of a budget; the rest is for latencies, the report, and what was not foreseen
LEAST_UPDATES = 10  # of a student, or it has learnt nothing


def make_plan(request: DistillRequest, out: Path, cores: int) -> Plan:
    """Check a request, measure how fast its runs are, and lay them out.

    Args:
        request: as asked.
        out: the folder of all runs.
        cores: how many run side by side.

    Raises:
        A2DError: a value is wrong, no network is within the limits, or the budget is too small.
    """
    card, sources = read_card(Path(request.task)), prepare(request, out)
    given = None if request.teacher is None else sources.folder(request, out)
    setting = settle(request, given)
    each = _steps_per_update(request, setting)
    teacher = setting.defaults.teacher if given is None else None
    manual = tuple(dict.fromkeys([setting.defaults.smallest, setting.defaults.usual]))
    points = _points(request, setting, card)

    def plan(steps: int) -> Plan:
        jobs = lay_out(request, teacher, manual, Steps.of(steps, each))
        return Plan(
            request=request, task=card.identity(), sources=sources, points=points, jobs=jobs
        )

    estimate = Estimate(plan(each * LEAST_UPDATES), setting, card, out)
    found = plan(request.steps or _fitting(request, estimate, plan, cores, each))
    timed = [job.model_copy(update={"seconds": estimate.seconds(job)}) for job in found.jobs]
    return found.model_copy(update={"jobs": tuple(timed)})


def _steps_per_update(request: DistillRequest, setting: Setting) -> int:
    """Return the environment steps of an update; raise A2DError where a student has too few."""
    settings = read_settings(setting.settings, sections_of(setting.algorithm))
    algorithm = ALGORITHMS[setting.algorithm]
    each = algorithm.model_validate(settings.get(setting.algorithm, {})).steps_per_update
    if request.steps is not None and request.steps < LEAST_UPDATES * each:
        raise A2DError(
            f"--steps {request.steps:,}: a student has {LEAST_UPDATES} updates at least, "
            f"{LEAST_UPDATES * each:,} steps; fewer environments by --set make smaller updates"
        )
    return each


def _points(request: DistillRequest, setting: Setting, card: TaskCard) -> tuple[Point, ...]:
    cells = setting.defaults.cells
    if request.max_ms is not None:
        return latency_points(card, cells, request.max_ms, request.points)
    limit: float | None = request.max_flops
    if limit is None:
        # Of a teacher that is no network: as if it had been trained here.
        flops = teacher_flops(setting) or teacher_flops(setting._replace(teacher=None))
        assert flops is not None
        limit = DEFAULT_SHARE * flops
    return flops_points(setting.interface, cells, limit, request.points)


def _fitting(
    request: DistillRequest,
    estimate: Estimate,
    plan: Callable[[int], Plan],
    cores: int,
    each: int,
) -> int:
    """Return the most steps of a student with which everything fits into the budget."""
    assert request.budget_s is not None

    def wall(steps: int) -> float:
        jobs = plan(steps).jobs
        return wall_seconds(jobs, {job.name: estimate.seconds(job) for job in jobs}, cores)

    low, high = LEAST_UPDATES, LEAST_UPDATES
    if wall(low * each) > USED * request.budget_s:
        raise A2DError(
            f"--budget: even {low * each:,} steps of every student take about "
            f"{wall(low * each) / USED / 60:.0f} min; give more time, fewer --seeds, or --steps"
        )
    while wall(high * each) <= USED * request.budget_s:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if wall(middle * each) <= USED * request.budget_s:
            low = middle
        else:
            high = middle
    return low * each
