"""Every number of a table's CSV against its recount."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest

from a2d.reading.rendering.tables import save_table
from a2d.reading.results import Results
from tests.recount.bench import bench
from tests.recount.by_task import by_task
from tests.recount.goal import goal
from tests.recount.ledger import CLAIMS, ledger
from tests.recount.records import Recorded
from tests.recount.tables import TABLES as TABLES_OF_RECORDS
from tests.recount.tables import Rows, unlike
from tests.scripts import script

WORDS = {
    "network",
    "layers",
    "environment",
    "url",
    "read_off",
}  # columns without numbers, where they tell no rows apart
TABLES = {
    **TABLES_OF_RECORDS,
    "bench": (("task", "search"), bench),
    "by_task": (("claim", "part", "task", "verdict", "effect"), by_task),
    "goal": (("task",), goal),
}
LEDGER_WORDS = ("part", "verdict", "effect")
CLOSE = 1e-8  # relative: what two ways of computing a quantile or a root may differ by


def written(name: str, results: Results, folder: Path) -> pd.DataFrame:
    """Let a table's script write its files, and read its CSV."""
    save_table(script(f"tables/{name}").make(results), folder / name)
    return read_csv(folder / f"{name}.csv")


def read_csv(path: Path) -> pd.DataFrame:
    """Return a table's numbers; none where it has no rows."""
    if not path.read_text(encoding="utf-8").strip():
        return pd.DataFrame()
    return pd.read_csv(path)


@lru_cache
def _recounted(name: str, recorded: Recorded) -> Rows:
    """Return a table's rows, counted once for all that is compared with them."""
    return TABLES[name][1](recorded)


def compare_table(name: str, recorded: Recorded, csv: pd.DataFrame) -> int:
    """Compare all numbers of a table, and return how many there are."""
    keys, rows = TABLES[name][0], _recounted(name, recorded)
    found: list[tuple[str, ...]] = []
    for names in zip(*(csv.get(key, []) for key in keys), strict=True):
        found.append(unlike(tuple(map(str, names)), found))
    assert sorted(found) == sorted(rows), "other rows"
    numbers = [str(column) for column in csv if column not in {*keys, *WORDS}]
    for key, row in zip(found, csv.to_dict("records"), strict=True):
        assert set(rows[key]) == set(numbers), f"{key}: other columns"
        differences({column: row[column] for column in numbers}, rows[key], f"{name}: {key}")
    return len(numbers) * len(csv)


def compare_ledger(recorded: Recorded, csv: pd.DataFrame) -> int:
    """Compare all numbers and verdicts of the ledger, and return how many numbers there are."""
    assert set(csv["claim"]) == set(CLAIMS)
    cells = 0
    for claim, rows in ledger(recorded).items():
        found = csv[csv["claim"] == claim].drop(columns=["claim", "test"])
        assert len(found) == len(rows), f"{claim}: other parts"
        for row, recount in zip(found.to_dict("records"), rows, strict=True):
            place, said = f"{claim} {recount['part']}", {str(k): v for k, v in row.items()}
            for word in LEDGER_WORDS:
                assert _word(said.pop(word, "")) == _word(recount.pop(word, "")), place
            assert set(recount) <= set(said), f"{place}: other columns"
            differences(said, recount, place)
            cells += len(said)
    return cells


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def differences(row: Mapping[str, object], recount: Mapping[str, object], place: str) -> None:
    """Raise AssertionError where a number is another one, or where only one side has any."""
    for column, value in row.items():
        expected = _number(recount.get(column))
        close = pytest.approx(expected, rel=CLOSE, abs=1e-9, nan_ok=True)
        assert _number(value) == close, f"{place}, {column}"


def _number(value: object) -> float:
    """Return a number as the CSV has it: NaN where there is none, 1 for what is true."""
    if isinstance(value, str):  # a column that is empty in some rows
        return {"True": 1.0, "False": 0.0}[value]
    return math.nan if value is None else float(value)  # type: ignore[arg-type]
