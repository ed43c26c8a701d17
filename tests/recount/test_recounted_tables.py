"""Every number of every table of the recorded scales, and of the ledger, from the raw records."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest

from a2d.reading.rendering.artifacts import runs_of
from a2d.reading.results import Results, load_results
from a2d.study.study import load_study
from tests.checkout import ROOT
from tests.recount import arms
from tests.recount.compare import TABLES, compare_ledger, compare_table, read_csv, written
from tests.recount.permutation import PERMUTATIONS, interaction
from tests.recount.records import Recorded, read_recorded

RESULTS = ROOT / "results"
SMALL = ["laptop", "breakout"]
SCALES = [*SMALL, "study", "bench_searches"]  # whose records and tables the repository holds
DECIDED_BY_CHANCE = re.compile(r"Size × task: p = (\d\.\d+)")


RECOUNT = ROOT / "tests" / "recount"
SHARED = {"compare", "made_up"}  # modules that use both sides


@lru_cache
def both(scale: str) -> tuple[Results, Recorded]:
    return load_results(load_study(scale, ROOT), RESULTS), read_recorded(scale, ROOT, RESULTS)


def test_the_recount_uses_nothing_of_the_library() -> None:
    modules = [path for path in RECOUNT.glob("*.py") if not path.stem.startswith("test_")]
    own = [path for path in modules if path.stem not in SHARED]
    text = "\n".join(path.read_text(encoding="utf-8") for path in own)
    assert len(own) > len(SHARED)
    assert not re.search(r"^\s*(from|import) a2d|synthetic", text, re.MULTILINE)


def test_every_table_is_recounted() -> None:
    scripts = {path.stem for path in (ROOT / "tables").glob("*.py")}
    assert scripts == {*TABLES, "claims"}


@pytest.mark.parametrize("scale", SCALES)
def test_every_record_is_of_a_planned_run(scale: str) -> None:
    shipped, recorded = both(scale)
    known = recorded.runs["state"] != "missing"
    assert known.sum() == len(shipped.records)
    assert len(recorded.runs) == len(shipped.study.runs)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", TABLES)
def test_every_number_of_a_table(scale: str, name: str, tmp_path: Path) -> None:
    shipped, recorded = both(scale)
    if runs_of(shipped.study, f"tables/{name}"):  # or it would have no rows
        compare_table(name, recorded, written(name, shipped, tmp_path))


@pytest.mark.parametrize("scale", SCALES)
def test_every_number_of_the_ledger(scale: str, tmp_path: Path) -> None:
    shipped, recorded = both(scale)
    compare_ledger(recorded, written("claims", shipped, tmp_path))


@pytest.mark.parametrize("scale", SCALES)
def test_tables_of_the_repository(scale: str) -> None:
    """The renderings that are kept say what the records say, too."""
    recorded = both(scale)[1]
    folder = ROOT / "tables" / scale
    for name in TABLES:
        path = folder / f"{name}.csv"
        if path.exists():  # not of experiments that the scale leaves out
            compare_table(name, recorded, read_csv(path))
    compare_ledger(recorded, read_csv(folder / "claims.csv"))


@pytest.mark.parametrize("scale", SMALL)
def test_small_scales_decide_nothing(scale: str) -> None:
    ledger = pd.read_csv(ROOT / "tables" / scale / "claims.csv")
    assert set(ledger["verdict"]) == {"inconclusive"}


def test_the_interaction_that_the_ledger_prints(tmp_path: Path) -> None:
    """It is no column of the CSV; two permutation tests differ by their draws."""
    shipped, recorded = both("laptop")
    written("claims", shipped, tmp_path)
    said = DECIDED_BY_CHANCE.search((tmp_path / "claims.md").read_text(encoding="utf-8"))
    assert said is not None
    scores = arms.Compared(recorded, arms.sweep(recorded)).normalised("sizes")
    chance = interaction(scores)
    error = (chance * (1 - chance) * (1 / PERMUTATIONS + 1 / 999)) ** 0.5
    assert float(said[1]) == pytest.approx(chance, abs=4 * error)
