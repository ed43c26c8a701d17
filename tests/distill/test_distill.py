"""One command from a task to an answer: what it leaves, and that it takes up what it has left."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from a2d.distill.answer import Answer
from a2d.distill.plan import read_plan
from a2d.distill.report import describe, write_report
from a2d.distill.request import DistillRequest, settle
from a2d.distill.runs import run_request, settled
from a2d.errors import A2DError
from a2d.runs.request import SearchRequest, search_spec
from a2d.runs.saved_agents import load_any_teacher
from a2d.specs.search import ImitationSettings
from a2d.specs.task import load_card
from a2d.specs.teacher import ImportedTeacher
from tests.commands import CATCH, a2d, refusal

QUICK = (
    "--steps", "800", "--seeds", "1", "--max-flops", "300k", "--accept-weak-teacher", "--set",
    "a2c.environments=4", "search.trials=3", "search.trial_updates=3", "evaluation.episodes=4",
    "evaluation.environments=2",
)  # fmt: skip
ROWS = ["teacher", "a2d", "random", "resnet8_w4", "vanilla"]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder with an answer, and what the command printed."""
    out = tmp_path_factory.mktemp("own") / "an answer"
    done = a2d("distill", "--task", CATCH, "--out", out, *QUICK)
    assert done.returncode == 0, done.stderr
    return out, done.stdout, done.stderr


def result(out: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return data


def recorded(out: Path, name: str) -> dict[str, Any]:
    path = out / "runs" / name / "record.json"
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def test_the_plan_comes_first_and_the_answer_last(answered: tuple[Path, str, str]) -> None:
    out, printed, errors = answered
    assert "a2d: 6 runs, 0 of them done; about " in errors
    assert "a2d:   random      940 steps, about" in errors
    assert errors.startswith("a2d: random policy: ")
    (sentence,) = result(out)["sentences"]
    assert sentence in printed
    assert str(out / "report.html") in printed.splitlines()[-1]


def test_scores_and_costs_are_those_of_the_records(answered: tuple[Path, str, str]) -> None:
    out, _, _ = answered
    rows = {row["name"]: row for row in result(out)["rows"]}
    assert list(rows) == ROWS
    teacher = recorded(out, "teacher")
    assert rows["teacher"]["flops"] == teacher["network"]["flops"]
    for name in ROWS[1:]:
        record = recorded(out, f"{name}-seed2")
        score = np.mean(record["evaluation"]["returns"])
        assert rows[name]["scores"] == pytest.approx([score])
        assert rows[name]["flops"] == record["network"]["flops"]
        share = record["network"]["flops"] / teacher["network"]["flops"]
        assert rows[name]["share"] == pytest.approx(share)
        assert rows[name]["deployed_ms"] > 0 and rows[name]["eager_ms"] > 0


def test_all_students_have_one_teacher_and_equal_steps(answered: tuple[Path, str, str]) -> None:
    out, _, _ = answered
    teacher = recorded(out, "teacher")["spec"]
    search = recorded(out, "search")
    for name in ROWS[1:]:
        spec = recorded(out, f"{name}-seed2")["spec"]
        assert spec["teacher"] == teacher
        searched = search["steps_done"] if name == "a2d" else 0
        assert spec["steps"] + searched == 940
    assert search["spec"]["search"]["kind"] == "imitation"


def test_the_searched_network_is_within_the_limit_and_trained(
    answered: tuple[Path, str, str],
) -> None:
    out, _, _ = answered
    found = recorded(out, "search")
    assert found["network"]["flops"] <= 300_000
    assert recorded(out, "a2d-seed2")["network"]["design"] == found["search"]["architecture"]
    random = recorded(out, "random-seed2")["network"]["design"]
    assert random["cells"] == found["search"]["architecture"]["cells"]


def test_the_agent_leaves_and_plays(answered: tuple[Path, str, str]) -> None:
    out, _, _ = answered
    data = result(out)
    left = data["delivered"][0]
    assert left["run"] == "a2d-seed2"
    played = a2d("evaluate", out / left["agent"], "--episodes", "10")
    assert played.returncode == 0 and played.stdout.startswith("mean return ")
    assert (out / left["policy"]).is_file() and (out / "agent" / "policy.json").is_file()
    weights = (out / "runs" / "a2d-seed2" / "agent.safetensors").read_bytes()
    assert (out / "agent" / "agent.safetensors").read_bytes() == weights


def test_the_page_stands_alone_and_says_the_same(answered: tuple[Path, str, str]) -> None:
    out, _, _ = answered
    page = (out / "report.html").read_text(encoding="utf-8")
    (sentence,) = result(out)["sentences"]
    assert sentence.replace("'", "&#39;").replace(" %", "\u00a0%") in page
    assert "data:image/png;base64," in page and "http" not in page


def test_the_same_command_repeats_nothing_and_another_one_is_refused(
    answered: tuple[Path, str, str],
) -> None:
    out, printed, _ = answered
    (out / "agent" / "video.mp4").touch()
    kept = [*out.glob("runs/*/record.json"), *(out / "agent").iterdir()]
    before, delivered = {path: path.stat().st_mtime_ns for path in kept}, result(out)["delivered"]
    done = a2d("distill", "--task", CATCH, "--out", out, *QUICK)
    assert "a2d: 6 runs, 6 of them done" in done.stderr and "plays other" not in done.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert result(out)["delivered"] == delivered
    assert done.stdout.splitlines()[-1] == printed.splitlines()[-1]
    other = a2d("distill", "--task", CATCH, "--out", out, *QUICK[:-1])
    assert "holds the runs of another request or another card; give the same" in other.stderr
    assert other.returncode == 1


def test_a_teacher_that_knows_nothing_ends_it(answered: tuple[Path, str, str]) -> None:
    out, _, _ = answered
    words = [word for word in QUICK if word != "--accept-weak-teacher"]
    teacher = out / "runs" / "teacher"
    done = a2d("distill", "--task", CATCH, "--out", out.parent / "b", "--teacher", teacher, *words)
    score = math.fsum(recorded(out, "teacher")["evaluation"]["returns"]) / 4
    assert f"{teacher}: scores {score:.2f}" in done.stderr.splitlines()[-1]
    assert "say --accept-weak-teacher" in done.stderr and done.returncode == 1
    assert not (out.parent / "b").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--budget", "1h", "--steps", "9k"], "give either --budget or --steps"),
        (["--max-ms", "1", "--max-flops", "9k"], "give either --max-flops or --max-ms"),
        (["--budget", "soon"], "--budget soon: should be a time such as 90s, 30min or 1.5h"),
        (["--max-flops", "few"], "--max-flops few: should be a number such as"),
        (["--set", "a2c.learning=1"], "--set a2c.learning: is not a known key"),
        (["--set", "ppo.clip=1"], "--set ppo.clip: is for --algorithm ppo"),
        (["--set", "search.largest_cost=1"], "--set search.largest_cost: follows from the limit"),
        (["--max-ms", "nan"], "--max-ms nan: should be milliseconds above 0"),
        (["--steps", "0.2"], "--steps 0.2: should be a number such as"),
    ],
)
def test_wrong_requests_are_refused_in_a_line_and_leave_nothing(
    words: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    text = refusal(["distill", "--task", CATCH, "--out", out, *words], monkeypatch, capsys)
    assert problem in text
    assert not out.exists()


def test_a_folder_with_other_files_is_no_place_for_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = tmp_path / "mine.yaml"
    card.write_bytes(Path(CATCH).read_bytes())
    text = refusal(["distill", "--task", card, "--out", tmp_path], monkeypatch, capsys)
    assert "holds other files; --out names a new folder" in text
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_limit_below_every_network_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = a2d("distill", "--task", CATCH, "--out", out, "--max-flops", "10", "--steps", "2k")
    assert "no network of the space costs at most 10 FLOPs; the cheapest" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("head", ["actor", "critic", "joint"])
def test_the_heads_asked_for_teach_every_student(
    head: Literal["actor", "critic", "joint"], answered: tuple[Path, str, str]
) -> None:
    out, _, _ = answered
    plan = read_plan(out)
    assert plan is not None and plan.request.distill == "actor"
    plan = plan.model_copy(update={"request": plan.request.model_copy(update={"distill": head})})
    asks = {job.name: run_request(plan, settled(plan, out), job, out) for job in plan.jobs}
    assert asks.pop("search").distill == "joint"
    assert {ask.distill for name, ask in asks.items() if name != "teacher"} == {head}


def test_the_search_learns_from_both_heads_and_students_from_the_actor(
    answered: tuple[Path, str, str],
) -> None:
    out, _, _ = answered
    search = recorded(out, "search")["spec"]
    assert (search["distillation"]["mode"], search["search"]["scored_head"]) == ("joint", "critic")
    for name in ROWS[1:]:
        assert recorded(out, f"{name}-seed2")["spec"]["distillation"]["mode"] == "actor"


def test_a_teacher_that_has_forgotten_is_said_in_the_answer(
    answered: tuple[Path, str, str], tmp_path: Path
) -> None:
    answer = Answer.model_validate_json((answered[0] / "result.json").read_text(encoding="utf-8"))
    page = answered[0] / "report.html"
    assert answer.forgotten is None and "Note:" not in page.read_text(encoding="utf-8")
    noted = answer.model_copy(update={"forgotten": "the teacher had more"})
    write_report(tmp_path, noted)
    assert "Note: the teacher had more." in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Note: the teacher had more." in describe(noted, tmp_path)


def test_a_head_that_a_teacher_lacks_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    card = load_card(Path(CATCH))
    given = ImportedTeacher(
        source="callable", task=card, checksum="0" * 64, values=False, returns=(1.0,)
    )
    monkeypatch.setattr("a2d.distill.request.load_any_teacher", lambda folder: (None, given))
    asked = DistillRequest(task=str(CATCH), steps=800)
    assert settle(asked, Path("given")).search_mode == "actor"
    with pytest.raises(A2DError, match="--distill: distillation mode 'joint': the teacher has no"):
        settle(asked.model_copy(update={"distill": "joint"}), Path("given"))


def test_a_head_that_does_not_teach_cannot_score_a_search(
    answered: tuple[Path, str, str],
) -> None:
    out, _, _ = answered
    plan = read_plan(out)
    assert plan is not None
    teacher = load_any_teacher(out / "runs" / "teacher")[1]
    setting = settled(plan, out)._replace(search_mode="actor", search_settings=())
    asked = run_request(plan, setting, plan.job("search"), out)
    assert isinstance(asked, SearchRequest)
    search = search_spec(asked, teacher).search
    assert isinstance(search, ImitationSettings) and search.scored_head == "actor"
    setting = setting._replace(search_settings=("search.scored_head=critic",))
    asked = run_request(plan, setting, plan.job("search"), out)
    assert isinstance(asked, SearchRequest)
    with pytest.raises(A2DError, match="imitation: its critic has to teach"):
        search_spec(asked, teacher)


def test_a_refused_teacher_may_still_be_accepted(answered: tuple[Path, str, str]) -> None:
    """The plan that a refusal leaves goes on with the same command and the option."""
    out, _, _ = answered
    words = [word for word in QUICK if word != "--accept-weak-teacher"]
    done = a2d("distill", "--task", CATCH, "--out", out, *words)
    assert "say --accept-weak-teacher" in done.stderr and "another request" not in done.stderr
