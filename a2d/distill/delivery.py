"""The agents that leave: each in a folder with a graph, and measured once on other episodes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from a2d.console import say
from a2d.deploy.export import export_agent
from a2d.distill.crew import LOG
from a2d.distill.verdict import Interval, estimate, interval
from a2d.errors import A2DError
from a2d.runs.agent_checks import check_agent_files, read_description
from a2d.runs.saved_agents import evaluate_saved_agent
from a2d.specs.data import Frozen

POLICY = "policy.onnx"
FRESH_EPISODES = 30


class Delivered(Frozen):
    """An agent that leaves: the best of its row's seeds, measured anew on other episodes."""

    run: str
    agent: str
    policy: str
    fresh: Interval


def deliver(run: Path, place: Path, seed: int, earlier: Sequence[Delivered]) -> Delivered:
    """Let a run's agent leave. One that has left already stays, with what was put beside it.

    Args:
        run: the folder of the run.
        place: the folder to leave for.
        seed: of the episodes that measure it.
        earlier: what has been delivered before.

    Raises:
        A2DError: the agent is damaged, or its graph does not compute what it does.
    """
    check_agent_files(run)
    known = [each for each in earlier if (each.run, each.agent) == (run.name, place.name)]
    if _weights(place) != _weights(run):
        put(run, place)
        known = []
    if not _exported(place):
        export_agent(place, place / POLICY)
    if known:
        return known[0]
    say(f"{place}: plays other episodes")
    fresh = estimate([evaluate_saved_agent(place, FRESH_EPISODES, seed)])
    assert fresh is not None
    policy = f"{place.name}/{POLICY}"
    return Delivered(run=run.name, agent=place.name, policy=policy, fresh=interval(fresh))


def _weights(folder: Path) -> object:
    """Return the checksum of an agent's weights; None where there is no intact agent."""
    try:
        check_agent_files(folder)
        return read_description(folder)["weights_sha256"]
    except A2DError:
        return None


def _exported(place: Path) -> bool:
    """Whether an agent's folder has its graph; the file beside that, written last, says so."""
    policy = place / POLICY
    try:
        said = json.loads(policy.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    described = said.get("weights_sha256") if isinstance(said, dict) else None
    return policy.is_file() and described == _weights(place)


def put(run: Path, place: Path) -> None:
    """Copy a run's agent to a place, where a kill leaves what was before, or the whole copy."""
    copy, former = (place.with_name(f".{place.name}.{name}") for name in ("copy", "former"))
    for left in (copy, former):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns(LOG, ".*"))
    if place.exists():
        place.rename(former)
    copy.rename(place)
    shutil.rmtree(former, ignore_errors=True)
