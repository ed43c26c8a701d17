"""A video of a trained agent: what its environment renders, or what the agent itself sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from gymnasium.vector import VectorEnv
from matplotlib import colormaps

from a2d.environments import open_environment
from a2d.environments.gymnasium_family import GymnasiumBatch
from a2d.environments.vector import Array, BatchedEnvironment
from a2d.errors import A2DError
from a2d.files import write_atomically
from a2d.networks.agent import Agent
from a2d.runs.agent_files import load_agent
from a2d.runs.evaluation import Choice, choose
from a2d.runs.file_kinds import expect
from a2d.seeds import seed_global_streams, stream_seed
from a2d.specs.task import TaskCard

Frame = npt.NDArray[np.uint8]  # (H, W, 3)
Paint = Callable[[Array], Frame]  # from the observation, (C, H, W) or (D,)
RENDERED = {"render_mode": "rgb_array"}
FRAMES_PER_SECOND = {"atari": 15, "minatar": 10}  # agent steps; Atari's skips 4 of 60 frames
LEAST_SIDE = 320  # pixels; smaller pictures are enlarged
SEVERAL = "turbo"  # Matplotlib's colours of an image's channels


class Played(NamedTuple):
    """Returns of the episodes, and how many frames were written."""

    returns: list[float]
    frames: int


def record_video(
    folder: Path, out: Path, episodes: int, steps: int, seed: int, mode: bool
) -> Played:
    """Play episodes with the agent in ``folder`` and write an MP4 file.

    Args:
        folder: of the agent.
        out: the file, ``.mp4``.
        episodes: one after the other.
        steps: of them all, at most; an episode that is cut there has the return so far.
        seed: of the environment and of the drawn actions.
        mode: take the most likely actions, in place of drawn ones.

    Raises:
        A2DError: the package for it is missing, or the task cannot be drawn.
    """
    if out.suffix != ".mp4" or out.is_dir():
        raise A2DError(f"--video {out}: should be the name of a file that ends in .mp4")
    if find_spec("imageio_ffmpeg") is None:
        raise A2DError("--video: needs the package imageio-ffmpeg; pip install 'a2d[video]'")
    agent, description = load_agent(expect(folder, "agent"))
    card = _rendered(description.spec.task, seed)
    seed = stream_seed(seed, "video")
    seed_global_streams(seed)
    returns: list[float] = []
    with open_environment(card, 1, seed) as environment:
        paint = _painter(card, environment)
        act = _chooser(agent.eval(), seed, mode)
        shots = _play(act, environment, paint, episodes, steps, returns)
        speed = FRAMES_PER_SECOND.get(card.family, _speed(environment))
        count = 0

        def write(path: Path) -> None:
            nonlocal count
            count = _write(path, shots, speed)

        write_atomically(out, write)
    return Played(returns, count)


def _rendered(card: TaskCard, seed: int) -> TaskCard:
    """Return the card with rendering switched on, if its environment offers that."""
    if "DISPLAY" not in os.environ:
        os.environ.setdefault("MUJOCO_GL", "egl")  # before MuJoCo is imported
    seed_global_streams(seed)
    with open_environment(card, 1, seed) as environment:
        if not isinstance(environment, GymnasiumBatch):
            return card
        if "rgb_array" not in environment.envs[0].metadata.get("render_modes", ()):
            return card
    return card.model_copy(update={"options": {**card.options, **RENDERED}})


def _painter(card: TaskCard, environment: BatchedEnvironment) -> Paint:
    """Return how a frame is made: by the environment, or else of the agent's image."""
    if isinstance(environment, GymnasiumBatch) and card.options.get("render_mode") == "rgb_array":
        rendered = environment.envs[0]
        return lambda observation: _render(card, rendered.render)
    if card.observation == "pixels":
        if card.family == "atari":
            return lambda observation: _grey(observation[-1])  # the newest of the stacked frames
        return paint_image
    raise A2DError(
        f"{card.name}: its environment draws nothing, and vectors are no picture; give it "
        "'rgb_array' in metadata['render_modes'], and a render() that returns (H, W, 3) bytes"
    )


def _render(card: TaskCard, render: Callable[[], object]) -> Frame:
    try:
        frame = np.asarray(render())
    except Exception as error:  # of the environment, or of what draws for it
        first = (str(error) or type(error).__name__).splitlines()[0]
        hint = ""
        if card.family == "mujoco":
            hint = (
                "; MuJoCo draws by OpenGL: without a display set MUJOCO_GL to egl or osmesa, and "
                "install its library (on Debian: libegl1, or libosmesa6)"
            )
        raise A2DError(f"{card.name}: cannot be drawn: {first}{hint}") from error
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise A2DError(f"{card.name}: render() should return (H, W, 3), returned {frame.shape}")
    return frame.astype(np.uint8)


def paint_image(observation: Array) -> Frame:
    """Draw an image (C, H, W) of bytes or of floats in 0..1.

    Three channels of bytes are red, green and blue, and one is grey. Others are layers: each has a
    colour of its own, and where several are set, the last one shows, as in MinAtar's own display.
    """
    if observation.shape[0] == 3 and observation.dtype == np.uint8:
        return np.ascontiguousarray(observation.transpose(1, 2, 0))
    if observation.shape[0] == 1:
        return _grey(observation[0])
    layers = np.arange(1, len(observation) + 1)[:, None, None] * (observation > 0)
    colors = colormaps[SEVERAL](np.linspace(0.1, 0.9, len(observation)))[:, :3]
    palette = np.vstack([np.zeros((1, 3)), colors])
    picture: Frame = (255 * palette[layers.max(axis=0)]).astype(np.uint8)
    return picture


def _grey(image: Array) -> Frame:
    """Draw one channel, (H, W)."""
    if image.dtype != np.uint8:
        image = (255 * image).astype(np.uint8)
    return np.repeat(image[:, :, None], 3, axis=2)


def _chooser(agent: Agent, seed: int, mode: bool) -> Callable[[Array], Array]:
    """Return how the agent chooses the actions for a batch of observations."""
    generator = torch.Generator().manual_seed(seed)
    choice: Choice = "mode" if mode else "sampled"
    return lambda observation: choose(agent, observation, choice, generator)


def _play(
    act: Callable[[Array], Array],
    environment: VectorEnv,
    paint: Paint,
    episodes: int,
    steps: int,
    returns: list[float],
) -> Iterator[Frame]:
    """Yield the frames of the episodes, and append their returns."""
    observation, total = environment.reset()[0], 0.0
    yield paint(observation[0])
    for step in range(1, steps + 1):
        observation, reward, terminated, truncated, _ = environment.step(act(observation))
        total += float(reward[0])
        yield paint(observation[0])
        if terminated[0] or truncated[0] or step == steps:
            returns.append(total)
            if len(returns) == episodes:
                return
            observation, total = environment.reset()[0], 0.0


def _speed(environment: BatchedEnvironment) -> int:
    if not isinstance(environment, GymnasiumBatch):
        return FRAMES_PER_SECOND["minatar"]
    return int(environment.envs[0].metadata.get("render_fps", FRAMES_PER_SECOND["minatar"]))


def _write(path: Path, frames: Iterator[Frame], speed: int) -> int:
    """Write the frames, enlarged where they are small and with even sides; return their number."""
    from imageio_ffmpeg import write_frames

    first = _enlarge(next(frames))
    height, width, _ = first.shape
    writer = write_frames(
        str(path), (width, height), fps=speed, macro_block_size=2, output_params=["-f", "mp4"]
    )
    writer.send(None)
    try:
        writer.send(np.ascontiguousarray(first))
        count = 1
        for frame in frames:
            writer.send(np.ascontiguousarray(_enlarge(frame)))
            count += 1
    finally:
        writer.close()
    return count


def _enlarge(frame: Frame) -> Frame:
    """Repeat pixels until the shorter side is long enough, and cut odd sides by a pixel."""
    factor = max(1, -(-LEAST_SIDE // min(frame.shape[:2])))
    larger = frame.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = (side - side % 2 for side in larger.shape[:2])
    return larger[:height, :width]
