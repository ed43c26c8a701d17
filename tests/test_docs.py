"""The documents: their links lead somewhere, and the modules and files that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from a2d.study.options import DEFAULT_SCALE
from tests.checkout import ROOT

DOCUMENTS = [
    path for folder in (".", "docs", "config", "workflow") for path in ROOT.glob(f"{folder}/*.md")
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:a2d|benchmarks|docs|figures|tables|tests|workflow)/[\w./-]+)`")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    lost = [link for link in links if not (path.parent / link.partition("#")[0]).exists()]
    assert lost == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(path: Path) -> None:
    named = FILE.findall(path.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_prose_is_at_most_a_hundred_columns_wide(path: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    wide = [line for line in prose.splitlines() if len(line) > 100 and line[0] not in "|![<"]
    assert [line for line in wide if " " in line] == []


def test_the_readme_leads_to_every_document() -> None:
    linked = LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert {f"docs/{path.name}" for path in ROOT.glob("docs/*.md")} <= set(linked)


def test_the_map_names_every_module_of_the_library() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    families = {f"{name}_family" for name in ("atari", "gymnasium", "minatar")} | {"tiny"}
    modules = {
        path.stem
        for path in (ROOT / "a2d").glob("*/*.py")
        if path.stem not in {"__init__", *families}
    }
    assert [name for name in sorted(modules) if f"`{name}`" not in text] == []


def test_documents_name_the_scale_that_is_rendered_where_none_is_named() -> None:
    said = {
        "README.md": f"# the {DEFAULT_SCALE} scale (what `make all` does)",
        "Makefile": f"at {DEFAULT_SCALE} scale unless SCALE names another",
        "Snakefile": f"everything of the {DEFAULT_SCALE} scale",
        "config/README.md": f"| `scale` | `{DEFAULT_SCALE}` |",
    }
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in said}
    assert [name for name, words in said.items() if words not in texts[name]] == []
