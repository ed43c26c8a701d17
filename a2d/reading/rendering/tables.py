"""Tables: numbers as CSV, and for people as Markdown, LaTeX (see ``latex``) and HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from a2d.files import write_text
from a2d.reading.decisions.contrasts import Contrast, Interval, over_seeds
from a2d.reading.rendering.cautions import T_INTERVALS
from a2d.reading.rendering.latex import as_latex
from a2d.reading.rendering.text import ABSENT, markdown, numeric
from a2d.reading.results import Summary, summarize

SHORT, LONG = 24, 80  # characters up to which a cell stays on one line, and from which it is wide
UNFOLDED = 100  # rows up to which a page shows a table that nobody has asked for
STAR = "★"
Row = tuple[Mapping[str, str], Mapping[str, object]]  # what is shown, and plain numbers
INTERVALS = (
    "Scores are means over seeds of the mean unclipped return of the test episodes. From three "
    f"seeds on, with {T_INTERVALS} in brackets; two seeds have no interval, and both scores stand "
    "in parentheses."
)
EMPTY = "No rows: this study has no such runs yet, or plans none."


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
    return Table(
        caption,
        shown,
        pd.DataFrame([pair[1] for pair in pairs]),
        tuple(note for note in notes if note),
    )


def lead(name: str, ours: pd.DataFrame, theirs: pd.DataFrame) -> Interval | None:
    """Return the difference of two groups' mean scores; None if either has no record."""
    columns = [[[score] for score in summarize(rows).scores] for rows in (ours, theirs)]
    if not all(len(column) for column in columns):
        return None
    return over_seeds(name, columns[0], columns[1])


def summary_data(summary: Summary) -> dict[str, object]:
    """Return a group's scores as plain numbers for the CSV; few runs have no bounds."""
    score = low = high = None
    if summary.score is not None:
        score = summary.score.estimate
        if summary.score.known:
            low, high = summary.score.low, summary.score.high
    return {
        "score": score,
        "low": low,
        "high": high,
        "runs": summary.recorded,
        "planned": summary.planned,
        "diverged": summary.diverged,
    }


def effect_data(effect: Contrast | None) -> dict[str, object]:
    """Return an effect as plain numbers; ratios as factors, nothing for bounds there are not."""
    if effect is None:
        return dict.fromkeys(("effect", "estimate", "low", "high", "power", "margin", "ratio"))
    values = {"estimate": effect.estimate, "margin": effect.margin}
    if effect.known:
        values |= {"low": effect.low, "high": effect.high}
    if effect.ratio:
        values = {name: math.exp(value) for name, value in values.items()}
    if effect.known:
        values["power"] = effect.power
    return {"effect": effect.name, **values, "ratio": effect.ratio}


def shortfall(rows: pd.DataFrame) -> str:
    """Return a note on what of these planned runs is absent or diverged, '' if nothing is."""
    absent = int(rows["score"].isna().sum())
    diverged = int((rows["state"] == "diverged").sum())
    notes = []
    if absent:
        recorded = f"{len(rows) - absent} of {len(rows)}"
        notes.append(f"{recorded} runs have a score; `{ABSENT}` marks what has none.")
    if diverged:
        lost = int((rows["score"].isna() & (rows["state"] == "diverged")).sum())
        notes.append(
            f"† {diverged} of these runs diverged; the score of the last good state counts."
        )
        if lost:
            notes.append(f"{lost} of them had none, as no test episode gave a number.")
    return " ".join(notes)


def save_table(table: Table, path: Path) -> None:
    """Write ``path`` with the suffixes .csv, .md, .tex and .html."""
    texts = {
        ".csv": table.data.to_csv(index=False, lineterminator="\n"),
        ".md": as_markdown(table),
        ".tex": as_latex(
            table.shown, " ".join([f"{table.caption}.", *table.notes]), path.name, EMPTY
        ),
        ".html": as_html(table),
    }
    for suffix, text in texts.items():
        write_text(path.with_suffix(suffix), text)


def as_markdown(table: Table) -> str:
    """Return caption, table and notes."""
    sides = [("left", "right")[numeric(table.shown[name])] for name in table.shown]
    body = EMPTY
    if len(table.shown):
        body = table.shown.map(markdown).to_markdown(
            index=False, disable_numparse=True, colalign=sides
        )
    notes = "\n".join(f"\n{note}" for note in table.notes)
    return f"**{table.caption}**\n\n{body}\n{notes}\n"


def _html_row(tag: str, cells: Iterable[str], numbers: Iterable[bool]) -> str:
    """Return a row; its cells' classes are for numbers, short cells and long ones."""
    parts = []
    for cell, is_number in zip(cells, numbers, strict=True):
        kinds = []
        if is_number:
            kinds.append("num")
        if len(cell) > LONG:
            kinds.append("long")
        elif len(cell) <= SHORT and tag == "td":
            kinds.append("short")
        start = tag
        if kinds:
            start += f' class="{" ".join(kinds)}"'
        parts.append(f"<{start}>{escape(cell)}</{tag}>")
    return f"<tr>{''.join(parts)}</tr>"


def as_html(table: Table) -> str:
    """Return a figure element that the page embeds.

    What is wide scrolls in a box of its own; what is very long is folded.
    """
    shown = table.shown
    numbers = [numeric(shown[name]) for name in shown]
    rows = [_html_row("td", row, numbers) for row in shown.itertuples(index=False, name=None)]
    head = _html_row("th", shown.columns, numbers)
    body = "\n".join(
        [f'<table class="data">\n<thead>{head}</thead>\n<tbody>', *rows, "</tbody>\n</table>"]
    )
    body = f'<div class="scroll">\n{body}\n</div>'
    if len(rows) > UNFOLDED:
        body = f"<details>\n<summary>{len(rows)} rows</summary>\n{body}\n</details>"
    if not rows:
        body = f"<p>{EMPTY}</p>"
    notes = " ".join(escape(note.replace("`", "")) for note in table.notes)
    caption = f"<figcaption><b>{escape(table.caption)}.</b> {notes}</figcaption>"
    return f"<figure>\n{caption}\n{body}\n</figure>\n"
