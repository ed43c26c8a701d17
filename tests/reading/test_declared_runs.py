"""What each table and figure is rendered from: the runs that it waits for, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from a2d.reading.rendering.artifacts import runs_of
from a2d.reading.rendering.figures import save_figure
from a2d.reading.rendering.tables import save_table
from a2d.reading.results import Results
from a2d.study.artifacts import find_artifacts
from a2d.study.study import Study
from tests.checkout import ROOT
from tests.reading.conftest import score
from tests.scripts import script
from tests.synthetic import make_study, results_of

ARTIFACTS = list(find_artifacts(ROOT))
# What a user's own scale may have; of each something was shown before it was recorded.
CHOICES = [
    ("size_sweep",),
    ("recipes", "size_sweep"),
    ("distillation", "search_methods"),
    ("distillation", "equal_steps"),
    ("equal_steps", "pooling"),
    ("pooling", "search_methods"),
]


def declared(artifact: str, results: Results) -> Results:
    """Return what there is of the runs that an artifact waits for."""
    keys = {run.key for run in runs_of(results.study, artifact)}
    records = {key: record for key, record in results.records.items() if key in keys}
    return Results(results.study, records)


def content(artifact: str, results: Results) -> list[str]:
    """Return what a table or figure says and draws, without the seconds that writing it takes."""
    if artifact.startswith("tables"):
        made = script(artifact).make(results)
        return [made.shown.to_csv(), made.data.to_csv(), made.caption, *made.notes]
    drawing = script(artifact).draw(results)
    found = [drawing.caption, str(drawing.figure.get_size_inches().tolist())]
    for ax in drawing.figure.axes:
        found += [text.get_text() for text in ax.get_yticklabels()]
    return found + [drawn(artist) for artist in drawing.figure.findobj()]


def drawn(artist: Artist) -> str:
    """Return what one artist shows, and where."""
    shown: list[Any] = []
    match artist:
        case Text():
            shown = [artist.get_text(), artist.get_position(), artist.get_color()]
        case Line2D():
            shown = [artist.get_xydata(), artist.get_color(), artist.get_marker()]
        case Collection():
            shown = [path.vertices for path in artist.get_paths()]
            shown += [artist.get_offsets(), artist.get_facecolor()]
        case Patch():
            shown = [artist.get_path().vertices, artist.get_patch_transform().get_matrix()]
            shown.append(artist.get_facecolor())
    shown = [part.tolist() if isinstance(part, np.ndarray) else part for part in shown]
    return f"{type(artist).__name__} {shown}"


def render(artifact: str, results: Results, folder: Path) -> dict[str, bytes]:
    """Return the files of an artifact by name."""
    module, name = script(artifact), Path(artifact).name
    folder.mkdir()
    if artifact.startswith("figures"):
        save_figure(module.draw(results), folder / name)
    else:
        save_table(module.make(results), folder / name)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("experiments", CHOICES)
def test_an_artifact_waits_for_all_that_it_shows(
    experiments: tuple[str, ...], tmp_path: Path
) -> None:
    tasks = ("minatar-breakout", "minatar-asterix")
    results = results_of(make_study(tmp_path, tasks, 1, experiments), score)
    for artifact in ARTIFACTS:
        if runs_of(results.study, artifact):
            found = content(artifact, declared(artifact, results))
            assert content(artifact, results) == found, artifact


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_an_artifact_shows_its_declared_runs_alone(artifact: str, every_kind: Results) -> None:
    shown = content(artifact, every_kind)
    assert shown == content(artifact, declared(artifact, every_kind))


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_an_artifact_repeats_to_the_byte(artifact: str, results: Results, tmp_path: Path) -> None:
    once = render(artifact, results, tmp_path / "once")
    assert len(once) >= 3
    assert once == render(artifact, declared(artifact, results), tmp_path / "again")


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_an_artifact_renders_without_records(artifact: str, study: Study, tmp_path: Path) -> None:
    assert all(render(artifact, Results(study, {}), tmp_path / "empty").values())
