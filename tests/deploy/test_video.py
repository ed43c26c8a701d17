"""Videos: what the environment renders, or what the agent sees, in a file that a decoder reads."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import gymnasium
import imageio_ffmpeg
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from a2d.deploy.video import paint_image, record_video
from a2d.errors import A2DError
from tests.commands import refusal
from tests.saved_agents import save_random_agent
from tests.users_tasks import card, register, shipped


class Lamp(gymnasium.Env[Any, Any]):
    """Renders a picture whose red says how far the episode of nine steps is."""

    observation_space = Box(-1.0, 1.0, (2,), np.float32)
    action_space = Discrete(2)

    def __init__(self, render_mode: str | None = None, broken: bool = False) -> None:
        self.render_mode, self.broken = render_mode, broken

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.taken = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        self.taken += 1
        return np.zeros(2, np.float32), 1.0, self.taken == 9, False, {}

    def render(self) -> Any:
        if self.broken:
            raise RuntimeError("no display")
        picture = np.zeros((400, 601, 3), np.uint8)
        picture[:, :, 0] = 25 * self.taken
        return picture


Lamp.metadata = {"render_modes": ["rgb_array"], "render_fps": 7}


def film(path: Path) -> tuple[str, np.ndarray[Any, Any]]:
    """Decode a video by ffmpeg; return what it says of it, and the frames."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24"]
    done = subprocess.run([*command, "-"], capture_output=True, check=True)
    said = done.stderr.decode()
    size = re.search(r"Video: rawvideo.* (\d+)x(\d+)", said)
    assert size is not None, said
    frames = np.frombuffer(done.stdout, np.uint8)
    return said, frames.reshape(-1, int(size[2]), int(size[1]), 3)


def test_a_users_environment_is_filmed_as_it_renders(tmp_path: Path) -> None:
    with register("Lamp-v0", Lamp):
        save_random_agent(tmp_path / "agent", card(id="Lamp-v0"), "mlp8")
        played = record_video(tmp_path / "agent", tmp_path / "out.mp4", 2, 99, 0, mode=True)
        cut = record_video(tmp_path / "agent", tmp_path / "cut.mp4", 2, 12, 0, mode=True)
    assert played.returns == [9.0, 9.0] and cut.returns == [9.0, 3.0]
    said, frames = film(tmp_path / "out.mp4")
    assert " 7 fps" in said and frames.shape == (played.frames, 400, 600, 3)
    reds = frames[:, 200, 300, 0].astype(int)
    assert np.abs(reds[:10] - 25 * np.arange(10)).max() < 12, "compressed, but the same"


@pytest.mark.parametrize("task", ["tiny-catch", "minatar-breakout"])
def test_a_task_that_renders_nothing_is_drawn_as_the_agent_sees_it(
    task: str, tmp_path: Path
) -> None:
    save_random_agent(tmp_path / "agent", shipped(task, max_episode_steps=30), "vanilla")
    played = record_video(tmp_path / "agent", tmp_path / "out.mp4", 1, 99, 0, mode=False)
    _, frames = film(tmp_path / "out.mp4")
    assert len(frames) == played.frames > 5 and frames.max() > 100
    assert min(frames.shape[1:3]) >= 320


def test_every_layer_of_an_image_has_its_colour() -> None:
    image = np.zeros((4, 2, 5), np.float32)
    for layer in range(4):
        image[layer, 0, layer] = 1.0
    image[1, 0, 3] = 1.0  # below the last one
    picture = paint_image(image)
    assert len({tuple(pixel) for pixel in picture[0, :4]}) == 4
    assert picture[1].max() == 0 and picture[0, 4].max() == 0
    photo = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)
    assert np.array_equal(paint_image(photo)[1, 2], photo[:, 1, 2])


def test_what_cannot_be_drawn_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_random_agent(tmp_path / "agent", shipped("tiny-reach"), "mlp8")
    words = ["play", tmp_path / "agent", "--video", tmp_path / "out.mp4"]
    assert "its environment draws nothing" in refusal(words, monkeypatch, capsys)
    words[-1] = tmp_path / "out.avi"
    assert "ends in .mp4" in refusal(words, monkeypatch, capsys)
    with register("Lamp-v0", Lamp):
        broken = card(id="Lamp-v0", options={"broken": True})
        save_random_agent(tmp_path / "broken", broken, "mlp8")
        with pytest.raises(A2DError, match=r"mine: cannot be drawn: no display$"):
            record_video(tmp_path / "broken", tmp_path / "out.mp4", 1, 99, 0, mode=True)
    assert not (tmp_path / "out.mp4").exists()
