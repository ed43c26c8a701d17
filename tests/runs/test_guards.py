"""Guards: a teacher that is no better than chance, a search that decided nothing."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch

from a2d.errors import A2DError
from a2d.networks.costs import count_flops
from a2d.networks.interface import Interface, build_agent
from a2d.runs.folder import train_agent
from a2d.runs.guards import dearest_flops, describe_alpha, forgotten, weak_teacher
from a2d.runs.records import CurvePoint, read_record
from a2d.runs.request import RunRequest
from a2d.runs.saved_agents import teacher_returns
from a2d.runs.scores import Score, random_score, score_of
from a2d.specs.architecture import Architecture, CellSpace
from a2d.specs.run import SearchSpec
from a2d.specs.task import load_card
from tests.checkout import ENVS, ROOT

CATCH = ENVS / "tiny-catch.yaml"


CHANCE = Score(10.0, 0.0, "the card's")


@pytest.mark.parametrize(("best", "noted"), [(24.9, False), (25.1, True), (None, False)])
def test_a_teacher_that_led_by_half_as_much_again_has_forgotten(
    best: float | None, noted: bool
) -> None:
    """Its test leads by 9, at most by 10: its training must have led by more than 15."""
    curve = [CurvePoint(100, 12.0), CurvePoint(200, best), CurvePoint(300, 19.0)]
    note = forgotten(curve, Score(19.0, 1.0, "95 %"), CHANCE)
    assert (note is not None) == noted
    assert note is None or "mean return of 25.10 after 200 steps" in note


def test_what_is_below_chance_or_unknown_was_never_known() -> None:
    curve = [CurvePoint(100, 9.0)]
    assert forgotten(curve, Score(2.0, 1.0, "95 %"), CHANCE) is None
    assert forgotten(curve, Score(2.0, 1.0, "95 %"), Score(math.nan, 0.0, "unknown")) is None
    assert forgotten([], Score(19.0, 1.0, "95 %"), CHANCE) is None


def test_of_the_teachers_of_the_study_one_has_forgotten() -> None:
    noted = []
    for path in sorted((ROOT / "results" / "study").glob("*/teacher-*/*.json")):
        record = read_record(path)
        assert record.evaluation is not None
        score = score_of(record.evaluation.returns)
        if forgotten(record.curve, score, random_score(record.spec.task)):
            noted.append(path.parent.parent.name)
    assert noted == ["mujoco-inverted_double_pendulum"]


@pytest.mark.parametrize(
    ("taught", "refused"), [((2.0, 0.5), False), ((2.0, 1.0), True), ((0.0, 0.1), True)]
)
def test_a_teacher_is_refused_where_its_interval_reaches_chance(
    taught: tuple[float, float], refused: bool
) -> None:
    error = weak_teacher("there", Score(*taught, "95 %"), Score(0.5, 0.5, "95 %"))
    assert (error is not None) == refused
    assert error is None or "--accept-weak-teacher" in str(error)


def test_a_weak_teacher_is_refused_before_there_is_a_folder_and_may_be_accepted(
    tmp_path: Path,
) -> None:
    teacher = tmp_path / "teacher"
    train_agent(RunRequest(CATCH, teacher, 40, environments=4), "vanilla")
    (teacher / "record.json").unlink()
    assert len(teacher_returns(teacher)) == 30, "they are played"
    new = tmp_path / "new"
    asked = RunRequest(CATCH, new, 40, environments=4, teacher=teacher, distill="actor")
    with pytest.raises(A2DError, match=r"teacher: scores -.* random policy's -3.75 \(the card's\)"):
        train_agent(asked, "vanilla")
    assert not new.exists()
    accepted = RunRequest(**{**vars(asked), "accept_weak_teacher": True})
    assert train_agent(accepted, "vanilla").spec.teacher is not None


def test_alpha_is_judged_by_its_largest_probabilities() -> None:
    uniform = [[0.0] * 9] * 2
    lines = describe_alpha(uniform)
    assert "each cell is 0.11 0.11 (undecided: 0.11)" in lines[0] and "close to uniform" in lines[1]
    decided = [[math.log(8.0), *[0.0] * 8]] * 2  # 8 of 16
    (line,) = describe_alpha(decided)
    assert "0.50 0.50" in line


@pytest.mark.parametrize(("task", "shape"), [("tiny-catch", (2, 8, 8)), ("tiny-reach", (4,))])
def test_the_dearest_network_is_that_of_all(task: str, shape: tuple[int, ...]) -> None:
    cells = CellSpace(cells=2, width=4)
    spec = SearchSpec(
        task=load_card(ENVS / f"{task}.yaml"), steps=320, seed=0, search={"space": cells}
    )
    interface = Interface(
        observation_shape=shape, bytes_observed=False, actions=3, continuous=False, normalized=False
    )
    with torch.no_grad():
        every = [
            count_flops(
                build_agent(
                    Architecture(space=spec.space, cells=cells, operators=chosen), interface
                ),
                interface.blank(),
            )
            for chosen in itertools.product(spec.search.operators(spec.space), repeat=2)
        ]
    assert dearest_flops(spec, interface) == max(every)
