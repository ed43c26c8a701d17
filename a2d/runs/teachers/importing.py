"""Makes teachers of files and callables: tried on the task, measured, and refused if weak."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from a2d.environments import BatchedEnvironment, open_environment
from a2d.errors import A2DError
from a2d.files import checksum
from a2d.networks.imported import ImportedAgent, Policy
from a2d.networks.interface import interface_of
from a2d.runs.evaluation import evaluate
from a2d.runs.guards import weak_teacher
from a2d.runs.request import Imported, read_card
from a2d.runs.scores import Score, random_score, score_of
from a2d.runs.teachers.store import describe, open_policy, save_imported, source_of
from a2d.seeds import seed_global_streams, stream_seed
from a2d.specs.task import TaskCard
from a2d.specs.teacher import ImportedTeacher

EPISODES, ENVIRONMENTS = 30, 10
FINGERPRINT_STEPS = 20  # of random play: a callable is known by its answers there


def import_teacher(
    path: Path,
    task: Path,
    out: Path,
    normalizer: Path | None = None,
    accept_weak: bool = False,
) -> tuple[ImportedTeacher, Score]:
    """Make a teacher of a file, in the folder ``out``; return it, and the random policy's score.

    Args:
        path: a zip of stable-baselines3, or an ONNX graph.
        task: the card that it plays.
        out: a new folder.
        normalizer: an npz of a VecNormalize's statistics, for a zip.
        accept_weak: import a teacher that may be no better than a random policy, too.

    Raises:
        A2DError: a file cannot be used, does not fit the task, or its score is a random policy's.
    """
    card = read_card(task)
    for file in (path, normalizer):
        if file is not None and not file.is_file():
            raise A2DError(f"{file}: there is no such file")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise A2DError(f"{out}: exists already; --out names a new folder")
    source, known = source_of(path), checksum(path)
    with _opened(card) as environments:
        interface = interface_of(environments, card.normalize_observations)
        policy = open_policy(source, path, normalizer, interface)
        action = environments.native.action
        agent = ImportedAgent(policy, interface, action, card.reward_scale)
        values = _try(agent, environments, str(path))
        returns = _measure(agent, environments)
    spec = ImportedTeacher(
        source=source, task=card, checksum=known, values=values, returns=tuple(returns),
        discount=getattr(policy, "discount", None),
        normalizer=None if normalizer is None else checksum(normalizer),
    )  # fmt: skip
    chance = random_score(card)
    error = weak_teacher(path, score_of(returns), chance)
    if error is not None and not accept_weak:
        raise error
    save_imported(out, describe(spec, interface, action), path, normalizer)
    return spec, chance


def teacher_from(policy: Policy, task: Path) -> Imported:
    """Make a teacher of any callable, for ``RunRequest(teacher=...)``.

    It lives as long as this process, and is known by its answers to observations of a short random
    play, as it has no file.

    Args:
        policy: maps observations, vectors (N, D) or images (N, C, H, W) in a tensor, to ``logits``
            (N, A), or to ``mean`` and ``log_std`` (N, A) in the environment's units of actions; and
            to ``value`` (N,), if it has values. Answers may be arrays or tensors.
        task: the card that it plays.

    Raises:
        A2DError: its answers do not fit the task.
    """
    card = read_card(task)
    with _opened(card) as environments:
        interface = interface_of(environments, card.normalize_observations)
        action = environments.native.action
        agent = ImportedAgent(policy, interface, action, card.reward_scale)
        values = _try(agent, environments, "the callable")
        known = _fingerprint(agent, environments)
        returns = _measure(agent, environments)
    spec = ImportedTeacher(
        source="callable", task=card, checksum=known, values=values, returns=tuple(returns)
    )
    return Imported(agent, spec)


@contextmanager
def _opened(card: TaskCard) -> Iterator[BatchedEnvironment]:
    seed = stream_seed(0, "imported teacher")
    seed_global_streams(seed)
    with open_environment(card, ENVIRONMENTS, seed) as environments:
        yield environments


@torch.no_grad()
def _try(agent: ImportedAgent, environments: BatchedEnvironment, name: str) -> bool:
    """Ask a teacher once; return whether it has values.

    Raises:
        A2DError: its answers do not fit the task, or are not finite.
    """
    observation = torch.from_numpy(environments.reset()[0])
    try:
        outputs, values = agent.heads(agent.preprocess(observation))
    except A2DError as error:
        raise A2DError(f"{name}: {error}") from error
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        shape = tuple(observation.shape)
        raise A2DError(f"{name}: fails on the task's observations {shape}: {reason}") from error
    if not outputs.isfinite().all():
        raise A2DError(f"{name}: its answers to the task's observations are not finite")
    return bool(values.isfinite().all())


def _measure(agent: ImportedAgent, environments: BatchedEnvironment) -> list[float]:
    """Return the returns of the test episodes."""
    seed = stream_seed(0, "imported teacher")
    return evaluate(agent.eval(), environments, EPISODES, seed).returns


@torch.no_grad()
def _fingerprint(agent: ImportedAgent, environments: BatchedEnvironment) -> str:
    """Return a hash of a teacher's answers during a short random play."""
    found = hashlib.sha256()
    environments.action_space.seed(0)
    observation, _ = environments.reset(seed=stream_seed(0, "fingerprint"))
    for _ in range(FINGERPRINT_STEPS):
        for answer in agent.heads(agent.preprocess(torch.from_numpy(observation))):
            found.update(answer.cpu().contiguous().numpy().tobytes())
        observation, _, terminated, truncated, _ = environments.step(
            environments.action_space.sample()
        )
        if (terminated | truncated).any():
            environments.reset(options={"reset_mask": terminated | truncated})
    return found.hexdigest()
