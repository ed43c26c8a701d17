"""Tables: numbers as CSV, and the same for people as Markdown, LaTeX (booktabs) and an HTML fragment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

import pandas as pd

from a2d.files import write_atomically
from a2d.rendering.text import ABSENT, latex, markdown
from a2d.results import Results, Summary

LONG = 40  # rows above which LaTeX may break the table over pages
SHORT = 24  # characters of a cell that HTML keeps on one line
STAR = "★"
Row = tuple[Mapping[str, str], Mapping[str, object]]  # what is shown, and plain numbers
INTERVALS = (
    "Scores are means over seeds of the mean unclipped return of the test episodes, with 95 % bootstrap intervals "
    "over seeds in brackets; a single run has none. Few seeds make intervals too narrow."
)


@dataclass(frozen=True)
class Table:
    """One table: ``shown`` holds what people read, ``data`` the plain numbers of the CSV."""

    caption: str
    shown: pd.DataFrame  # of strings
    data: pd.DataFrame
    notes: tuple[str, ...] = ()


def build(caption: str, rows: Iterable[Row], *notes: str) -> Table:
    """Make a table of rows. Empty notes are left out."""
    pairs = list(rows)
    shown = pd.DataFrame([pair[0] for pair in pairs]).fillna(ABSENT)
    return Table(caption, shown, pd.DataFrame([pair[1] for pair in pairs]), tuple(note for note in notes if note))


def summary_data(summary: Summary) -> dict[str, object]:
    """Return a group's scores as plain numbers for the CSV; the bounds are empty for a single run."""
    score = summary.score
    certain = score if summary.certain else None
    return {
        "score": None if score is None else score.estimate,
        "low": None if certain is None else certain.low,
        "high": None if certain is None else certain.high,
        "runs": summary.recorded,
        "planned": summary.planned,
        "diverged": summary.diverged,
    }


def shortfall(results: Results, rows: pd.DataFrame) -> str:
    """Return a note on what of these planned runs is absent or diverged, '' if nothing is."""
    absent = int(rows["score"].isna().sum())
    diverged = int((rows["state"] == "diverged").sum())
    notes = []
    if absent:
        notes.append(f"{len(rows) - absent} of {len(rows)} runs have a score; `{ABSENT}` marks what has none.")
    if diverged:
        lost = int((rows["score"].isna() & (rows["state"] == "diverged")).sum())
        without = f" {lost} of them had none, as no test episode gave a number." if lost else ""
        notes.append(f"† {diverged} of these runs diverged; the score of the last good state counts.{without}")
    return " ".join(notes)


def save_table(table: Table, path: Path) -> None:
    """Write ``path`` with the suffixes .csv, .md, .tex and .html."""
    texts = {
        ".csv": table.data.to_csv(index=False, lineterminator="\n"),
        ".md": as_markdown(table),
        ".tex": as_latex(table, path.name),
        ".html": as_html(table),
    }
    for suffix, text in texts.items():
        write_atomically(path.with_suffix(suffix), partial(_write, text))


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def as_markdown(table: Table) -> str:
    """Return caption, table and notes."""
    body = table.shown.map(markdown).to_markdown(index=False, disable_numparse=True)
    notes = "\n".join(f"\n{note}" for note in table.notes)
    return f"**{table.caption}**\n\n{body}\n{notes}\n"


def as_latex(table: Table, label: str) -> str:
    """Return a table environment with booktabs rules; long ones are a longtable. Needs both packages."""
    shown = table.shown.map(latex)
    shown.columns = [latex(name) for name in shown.columns]
    caption = latex(" ".join([f"{table.caption}.", *(note.replace("`", "") for note in table.notes)]))
    body = shown.to_latex(
        index=False,
        escape=False,
        caption=caption,
        label=f"tab:{label}",
        column_format="l" * len(shown.columns),
        longtable=len(shown) > LONG,
    )
    return f"% needs the packages booktabs{' and longtable' if len(shown) > LONG else ''}\n{body}"


def _unbroken(text: str) -> str:
    """Keep a short cell, an interval above all, on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}") if len(text) <= SHORT else text


def as_html(table: Table) -> str:
    """Return a figure element that the page embeds."""
    body = table.shown.map(_unbroken).to_html(index=False, border=0, classes="data", na_rep=ABSENT)
    notes = " ".join(escape(note.replace("`", "")) for note in table.notes)
    return f"<figure>\n<figcaption><b>{escape(table.caption)}.</b> {notes}</figcaption>\n{body}\n</figure>\n"
