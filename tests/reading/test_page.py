"""The page that shows every table and figure of a scale."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from a2d.reading.rendering.figures import save_figure
from a2d.reading.rendering.page import STRUCTURES, render_page
from a2d.reading.rendering.tables import save_table
from a2d.reading.results import Results
from a2d.study.artifacts import JUDGING, find_artifacts
from a2d.study.study import Study
from tests.checkout import ROOT
from tests.scripts import script

ARTIFACTS = list(find_artifacts(ROOT))
FIGURES = [artifact for artifact in ARTIFACTS if artifact.startswith("figures")]
STRUCTURE_IDS = [artifact.replace("/", "-") for artifact in STRUCTURES]


class Sources(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "link")
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.fixture(scope="module")
def page(results: Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    for artifact in ARTIFACTS:
        module, path = script(artifact), folder / artifact
        path.parent.mkdir(exist_ok=True)
        if artifact.startswith("figures"):
            save_figure(module.draw(results), path)
        else:
            save_table(module.make(results), path)
    return render_page(results, folder / "tables", folder / "figures")


def listed(study: Study) -> set[str]:
    return {path for experiment in study.experiments.values() for path in experiment.artifacts}


def test_the_page_is_whole_offline(page: str, study: Study) -> None:
    sources = Sources()
    sources.feed(page)
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources.fetched)
    drawn = [name for name in FIGURES if name in listed(study) | set(JUDGING)]
    assert sum(source.startswith("data:") for source in sources.fetched) == len(drawn)
    missing = next(run for run in study.runs.values() if run.method == "search-bilevel")
    for text in (
        "a2d plan --scale laptop --missing",
        missing.path,
        "the loss is nan",
        "000000000000",
    ):
        assert text in page
    assert {source[1:] for source in sources.fetched if source.startswith("#")} <= set(sources.ids)


def test_the_page_shows_everything_once_and_scores_before_structures(
    page: str, study: Study
) -> None:
    sources = Sources()
    sources.feed(page)
    shown = [artifact.replace("/", "-") for artifact in listed(study)]
    assert sorted(name for name in sources.ids if name in shown) == sorted(shown), (
        "each artifact once"
    )
    last = max(sources.ids.index(name) for name in shown if name not in STRUCTURE_IDS)
    assert all(sources.ids.index(name) > last for name in STRUCTURE_IDS)
    assert (
        page.index("The ledger") < page.index("<th>Verdict</th>") < page.index("<th>Statement</th>")
    )
    for artifact in listed(study) & set(FIGURES):
        assert f"<b>{Path(artifact).name}.</b>" not in page, "a title, not a file's name"
        assert f"<b>{study.artifacts[artifact].title}.</b>" in page


def test_the_page_fits_a_phone_and_numbers_stand_on_the_right(page: str) -> None:
    """What is wide scrolls in a box of its own, and links can break between any two of them."""
    assert "flex-wrap: wrap" in page and ".scroll { overflow-x: auto; " in page
    assert page.count("<table") == page.count('<div class="scroll">\n<table')
    assert page.count("<img") == page.count('<div class="scroll"><img')
    assert '<th class="num">FLOPs</th>' in page and "<th>Layers</th>" in page
    assert '<td class="num short">5.00 (4.00, 6.00)</td>' in page
