"""The answer: read from the runs' records, measured where a record does not say, and written."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import a2d
from a2d.deploy.export import export_agent
from a2d.deploy.latency import measure_networks
from a2d.distill.crew import LOG
from a2d.distill.plan import RUNS, Plan
from a2d.distill.request import Setting, teacher_flops
from a2d.distill.runs import card_path, teacher_folder
from a2d.distill.verdict import (
    Estimate,
    Interval,
    Kind,
    Row,
    chance_of,
    cheaper_and_as_good,
    estimate,
    interval,
    kept,
    sentence,
)
from a2d.files import write_atomically
from a2d.networks.costs import count_parameters
from a2d.networks.imported import ImportedAgent
from a2d.networks.interface import build_agent
from a2d.reading.rendering.style import network_name
from a2d.runs.agent_files import load_description
from a2d.runs.latencies import Latencies, NetworkLatency, design_text
from a2d.runs.records import RECORD, Record, read_record
from a2d.runs.request import read_card
from a2d.runs.saved_agents import evaluate_saved_agent, load_any_teacher, teacher_returns
from a2d.runs.scores import Score
from a2d.specs.architecture import Architecture
from a2d.specs.data import Frozen
from a2d.specs.teacher import ImportedTeacher

RESULT = "result.json"
FRESH_EPISODES = 30


class Delivered(Frozen):
    """An agent that leaves: the best of its row's seeds, measured anew on other episodes."""

    run: str
    agent: str
    policy: str
    fresh: Interval


class Answer(Frozen):
    """Everything that the report says. Latencies are medians on this processor."""

    version: str
    task: str
    plan: Plan
    chance: Interval | None
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]
    delivered: tuple[Delivered, ...]
    processor: str


def make_answer(plan: Plan, setting: Setting, out: Path, chance: Score) -> Answer:
    """Read all runs of a finished plan, measure latencies, and let the best agents leave.

    Nothing else should run meanwhile.

    Raises:
        A2DError: a record or an agent cannot be read.
    """
    card = read_card(card_path(plan, out))
    evidence = Evidence.read(plan, out, chance)
    designs = sorted(evidence.designs(), key=str)
    latencies = measure_networks((card, design) for design in designs)
    rows = [evidence.teacher_row(setting, latencies)]
    rows += [evidence.row(name, setting, latencies) for name in plan.rows()]
    by_name = {row.name: row for row in rows}
    found = [row for row in rows if row.kind == "a2d"]
    manual = [row for row in rows if row.kind == "manual"]
    better = {each.name: each for row in found for each in cheaper_and_as_good(row, manual)}
    return Answer(
        version=a2d.__version__,
        task=card.title,
        plan=plan,
        chance=None if evidence.chance is None else interval(evidence.chance),
        rows=tuple(rows),
        sentences=tuple(
            sentence(row, by_name[row.name.replace("a2d", "random")], manual) for row in found
        ),
        delivered=tuple(
            _deliver(plan, row, out) for row in [*found, *better.values()] if any_score(row)
        ),
        processor=latencies.processor,
    )


@dataclass(frozen=True)
class Evidence:
    """What all runs have left.

    Attributes:
        records: of the students, by row.
        returns: of the teacher's test episodes.
        design: the teacher's network, if it is one of ours.
        chance: the random policy's score, if it is known.
    """

    records: dict[str, list[Record]]
    returns: Sequence[float]
    design: str | Architecture | None
    chance: Estimate | None

    @staticmethod
    def read(plan: Plan, out: Path, chance: Score) -> Evidence:
        """Read it from the folder of a finished plan."""
        folder = teacher_folder(plan, out)
        _, spec = load_any_teacher(folder)
        design = None
        if not isinstance(spec, ImportedTeacher):
            design = load_description(folder).design
        return Evidence(
            records={
                row: [read_record(out / RUNS / job.name / RECORD) for job in jobs]
                for row, jobs in plan.rows().items()
            },
            returns=teacher_returns(folder),
            design=design,
            chance=chance_of(chance),
        )

    def designs(self) -> set[str | Architecture]:
        """Return all networks, each once."""
        found = {record.network.design for records in self.records.values() for record in records}
        return found if self.design is None else {*found, self.design}

    def teacher_row(self, setting: Setting, latencies: Latencies) -> Row:
        """Return the teacher's row."""
        known = estimate([self.returns])
        flops, parameters = teacher_flops(setting), None
        if self.design is not None:
            parameters = count_parameters(build_agent(self.design, setting.interface))
        elif setting.teacher is not None and isinstance(setting.teacher[0], ImportedAgent):
            parameters = sum(each.numel() for each in setting.teacher[0].parameters()) or None
        measured = [] if self.design is None else [_latency(latencies, self.design)]
        title = "Teacher" if self.design is None else f"Teacher, {_title(self.design)}"
        return Row(
            name="teacher",
            title=title,
            kind="teacher",
            seeds=(),
            scores=(math.fsum(self.returns) / len(self.returns),),
            score=None if known is None else interval(known),
            kept=None,
            flops=flops,
            share=None if flops is None else 1.0,
            parameters=parameters,
            eager_ms=_mean(each.eager.median_ms for each in measured),
            deployed_ms=_mean(each.deployed.median_ms for each in measured),
        )

    def row(self, name: str, setting: Setting, latencies: Latencies) -> Row:
        """Return the row of some students."""
        records = self.records[name]
        tested = [record.evaluation for record in records]
        known = None
        if all(tested):
            known = estimate([each.returns for each in tested if each is not None])
        teacher = estimate([self.returns])
        share = None
        if known is not None and teacher is not None and self.chance is not None:
            share = kept(known, teacher, self.chance)
        flops, whole = _mean(record.network.flops for record in records), teacher_flops(setting)
        measured = [_latency(latencies, record.network.design) for record in records]
        return Row(
            name=name,
            title=_row_title(name),
            kind=_kind(name),
            seeds=tuple(record.spec.seed for record in records),
            scores=tuple(None if each is None else _mean(each.returns) for each in tested),
            score=None if known is None else interval(known),
            kept=share,
            flops=flops,
            share=None if whole is None or flops is None else flops / whole,
            parameters=_mean(record.network.parameters for record in records),
            eager_ms=_mean(each.eager.median_ms for each in measured),
            deployed_ms=_mean(each.deployed.median_ms for each in measured),
            diverged=sum(record.status == "diverged" for record in records),
        )


def any_score(row: Row) -> bool:
    """Whether one of its seeds has a score."""
    return any(score is not None for score in row.scores)


def _deliver(plan: Plan, row: Row, out: Path) -> Delivered:
    """Let the best seed's agent leave, and measure it on episodes that have not chosen it."""
    scored = [(score, seed) for score, seed in zip(row.scores, row.seeds, strict=True)]
    seed = max((score, -seed) for score, seed in scored if score is not None)[1] * -1
    place = out / f"agent{row.name.removeprefix('a2d')}"
    if row.kind != "a2d":
        place = out / f"agent-{row.name}"
    if place.exists():
        shutil.rmtree(place)
    ignored = shutil.ignore_patterns(LOG, ".*")
    run = f"{row.name}-seed{seed}"
    shutil.copytree(out / RUNS / run, place, ignore=ignored)
    policy = place / "policy.onnx"
    export_agent(place, policy)
    # No run has this seed.
    other = plan.request.seed + 2 + plan.request.seeds
    fresh = estimate([evaluate_saved_agent(place, FRESH_EPISODES, other)])
    assert fresh is not None
    return Delivered(
        run=run,
        agent=place.name,
        policy=f"{place.name}/{policy.name}",
        fresh=interval(fresh),
    )


def write_answer(out: Path, answer: Answer) -> None:
    """Write it as JSON, atomically."""
    text = answer.model_dump_json(indent=1) + "\n"
    write_atomically(out / RESULT, lambda path: path.write_text(text, encoding="utf-8"))


def _latency(latencies: Latencies, design: str | Architecture) -> NetworkLatency:
    wanted = design_text(design)
    return next(each for each in latencies.networks if design_text(each.design) == wanted)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return math.fsum(known) / len(known) if known else None


def _kind(name: str) -> Kind:
    if name.startswith("a2d"):
        return "a2d"
    return "random" if name.startswith("random") else "manual"


def _row_title(name: str) -> str:
    """Return a row's name for people: 'A2D', 'Random, same cost', 'ResNet-14'; of a front, '2'."""
    kind, _, point = name.partition("-")
    titles = {"a2d": "A2D", "random": "Random, same cost"}
    if kind not in titles:
        return network_name(name)
    return f"{titles[kind]} {point}".strip()


def _title(design: str | Architecture) -> str:
    return network_name(design) if isinstance(design, str) else "searched"
