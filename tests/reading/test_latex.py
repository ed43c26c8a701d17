"""LaTeX tables fit the text: parsed always, and compiled where LaTeX is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from a2d.reading.rendering.latex import as_latex
from a2d.reading.rendering.tables import EMPTY
from a2d.reading.results import Results, load_results
from a2d.study.study import load_study
from tests.checkout import ROOT
from tests.scripts import script

DOCUMENT = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{array,booktabs,longtable}
\begin{document}
%s
\end{document}
"""
TOLERATED = 1.0  # points by which a word may stand out


@pytest.fixture(scope="module", params=["laptop", "breakout", "smoke"])
def results(request: pytest.FixtureRequest) -> Results:
    """Real records where there are any; the smoke scale has none."""
    return load_results(load_study(request.param, ROOT), ROOT / "results")


def texts(results: Results) -> dict[str, str]:
    found = {}
    for name in (Path(path).name for path in results.study.artifacts if path.startswith("tables")):
        table = script(f"tables/{name}").make(results)
        found[name] = as_latex(table.shown, " ".join([table.caption, *table.notes]), name, EMPTY)
    return found


def test_every_row_has_every_column_and_the_columns_fit_the_text(results: Results) -> None:
    for name, text in texts(results).items():
        assert text.count(r"\begin{") == text.count(r"\end{")
        shares = [
            float(share)
            for share in re.findall(r"p\{\\dimexpr([\d.]+)\\linewidth-[\d.]+pt\\relax\}", text)
        ]
        rows = [line for line in text.splitlines() if line.endswith(" \\\\")]
        if not shares:
            assert EMPTY in text and not rows and "tabular" not in text, name
            continue
        assert 0.97 < sum(shares) <= 1.0, name
        assert len(rows) > 1
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(shares)}, name


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="LaTeX is not installed; the test above parses"
)
def test_every_table_compiles_and_nothing_stands_out(results: Results, tmp_path: Path) -> None:
    for name, text in texts(results).items():
        (tmp_path / f"{name}.tex").write_text(DOCUMENT % text, encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
        log = (tmp_path / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        assert done.returncode == 0, log[-2000:]
        assert (
            max([0.0, *map(float, re.findall(r"Overfull .hbox \(([\d.]+)pt", log))]) <= TOLERATED
        ), f"{name}: {log}"
        assert "Float too large" not in log, name


def test_an_empty_table_says_so_and_special_characters_are_escaped() -> None:
    empty = as_latex(pd.DataFrame(), "50 % of a_b.", "x", "No rows & none planned.")
    assert (
        r"No rows \& none planned." in empty
        and r"50 \% of a\_b." in empty
        and "tabular" not in empty
    )
