"""What the runs of a finished plan have left, row by row: scores, what is kept, and costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from a2d.deploy.latency import measure_networks
from a2d.distill.plan import Job, Plan, search_names
from a2d.distill.request import Setting, teacher_flops
from a2d.distill.sources import RUNS
from a2d.distill.verdict import (
    Estimate,
    Interval,
    Kind,
    Row,
    chance_of,
    estimate,
    interval,
    kept,
)
from a2d.networks.costs import count_parameters
from a2d.networks.imported import ImportedAgent
from a2d.networks.interface import build_agent
from a2d.reading.rendering.style import network_name
from a2d.runs.agent_files import load_description
from a2d.runs.latencies import Latencies, NetworkLatency, design_text
from a2d.runs.records import RECORD, CurvePoint, Record, read_record
from a2d.runs.request import read_card
from a2d.runs.saved_agents import teacher_curve, teacher_returns
from a2d.runs.scores import Score
from a2d.specs.architecture import Architecture
from a2d.specs.teacher import ImportedTeacher


@dataclass(frozen=True)
class Evidence:
    """What all runs have left.

    Attributes:
        plan: that is finished.
        setting: of its request.
        records: of the students, by row.
        returns: of the teacher's test episodes.
        curve: of the teacher's training, if its record is there.
        design: the teacher's network, if it is one of ours.
        flops: of the teacher's decision, if they can be counted.
        chance: the random policy's score, if it is known.
        latencies: of all networks.
    """

    plan: Plan
    setting: Setting
    records: dict[str, list[Record]]
    returns: Sequence[float]
    curve: Sequence[CurvePoint]
    design: str | Architecture | None
    flops: int | None
    chance: Estimate | None
    latencies: Latencies

    def rows(self) -> list[Row]:
        """Return all rows, the teacher's first."""
        return [self._teacher(), *(self._row(jobs) for jobs in self.plan.rows().values())]

    def _teacher(self) -> Row:
        known, parameters = estimate([self.returns]), None
        if self.design is not None:
            parameters = count_parameters(build_agent(self.design, self.setting.interface))
        elif self.setting.teacher is not None:
            agent = self.setting.teacher[0]
            assert isinstance(agent, ImportedAgent)
            parameters = sum(each.numel() for each in agent.parameters()) or None
        eager, deployed = self._latency([] if self.design is None else [self.design])
        return Row(
            name="teacher",
            title="Teacher" if self.design is None else f"Teacher, {_title(self.design)}",
            kind="teacher",
            seeds=(),
            scores=(_mean(self.returns),),
            score=None if known is None else interval(known),
            kept=None,
            flops=self.flops,
            share=None if self.flops is None else 1.0,
            parameters=parameters,
            eager_ms=eager,
            deployed_ms=deployed,
        )

    def _row(self, jobs: list[Job]) -> Row:
        job, records = jobs[0], self.records[jobs[0].row]
        tested = [record.evaluation for record in records]
        known = None
        if all(tested):
            known = estimate([each.returns for each in tested if each is not None])
        flops = _mean(record.network.flops for record in records)
        eager, deployed = self._latency([record.network.design for record in records])
        return Row(
            name=job.row,
            title=_row_title(job, self.plan),
            kind=_kind(job),
            search=job.search,
            seeds=tuple(record.spec.seed for record in records),
            scores=tuple(None if each is None else _mean(each.returns) for each in tested),
            score=None if known is None else interval(known),
            kept=self._kept(known),
            flops=flops,
            share=None if self.flops is None or flops is None else flops / self.flops,
            parameters=_mean(record.network.parameters for record in records),
            eager_ms=eager,
            deployed_ms=deployed,
            diverged=sum(record.status == "diverged" for record in records),
            found=self._found(job, records),
        )

    def _kept(self, known: Estimate | None) -> Interval | None:
        teacher = estimate([self.returns])
        if known is None or teacher is None or self.chance is None:
            return None
        return kept(known, teacher, self.chance)

    def _found(self, job: Job, records: list[Record]) -> int:
        """Return how many of random networks are the one that the search has found."""
        if not job.random:
            return 0
        searched = next(
            each[0].row
            for each in self.plan.rows().values()
            if each[0].search == job.search and not each[0].random
        )
        found = {record.network.design for record in self.records[searched]}
        return sum(record.network.design in found for record in records)

    def _latency(self, designs: Sequence[str | Architecture]) -> tuple[float | None, float | None]:
        """Return the networks' mean latency, eager and deployed."""
        measured = [_measured(self.latencies, design) for design in designs]
        eager = _mean(each.eager.median_ms for each in measured)
        return eager, _mean(each.deployed.median_ms for each in measured)


def read_evidence(plan: Plan, setting: Setting, out: Path, chance: Score) -> Evidence:
    """Read what the runs of a finished plan have left, and measure latencies.

    Raises:
        A2DError: a record or the teacher cannot be read.
    """
    folder = plan.sources.folder(plan.request, out)
    imported = setting.teacher is not None and isinstance(setting.teacher[1], ImportedTeacher)
    design = None if imported else load_description(folder).design
    records = {
        row: [read_record(out / RUNS / job.name / RECORD) for job in jobs]
        for row, jobs in plan.rows().items()
    }
    designs = {record.network.design for found in records.values() for record in found}
    designs |= set() if design is None else {design}
    card = read_card(plan.sources.card(plan.request, out))
    return Evidence(
        plan=plan,
        setting=setting,
        records=records,
        returns=teacher_returns(folder),
        curve=teacher_curve(folder),
        design=design,
        flops=teacher_flops(setting),
        chance=chance_of(chance),
        latencies=measure_networks((card, each) for each in sorted(designs, key=str)),
    )


def _measured(latencies: Latencies, design: str | Architecture) -> NetworkLatency:
    wanted = design_text(design)
    return next(each for each in latencies.networks if design_text(each.design) == wanted)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return math.fsum(known) / len(known) if known else None


def _kind(job: Job) -> Kind:
    if job.network is not None:
        return "manual"
    return "random" if job.random else "a2d"


def _row_title(job: Job, plan: Plan) -> str:
    """Return a row's name for people: 'A2D', 'Random, same cost', 'ResNet-14'; of a front, '2'."""
    if job.network is not None:
        return network_name(job.network)
    title, names = "Random, same cost" if job.random else "A2D", search_names(len(plan.points))
    assert job.search is not None
    return title if len(names) == 1 else f"{title} {names.index(job.search) + 1}"


def _title(design: str | Architecture) -> str:
    return network_name(design) if isinstance(design, str) else "searched"
