r"""Tables in LaTeX that fit the text's width: columns share \linewidth by their contents."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pandas as pd

from a2d.reading.rendering.text import latex, numeric

TEXT_WIDTH = 345.0  # points, of an article at 10 pt: the narrowest text that a table has to fit
SIZES = (
    ("footnotesize", 4.5),
    ("scriptsize", 4.2),
    ("tiny", 3.6),
)  # and points of a character, with some room
GAP = 4.0  # points between two columns
FULL = 60  # characters of a cell beyond which a column asks for no more
PAGE = 45  # lines above which a table may be broken over pages


def as_latex(shown: pd.DataFrame, caption: str, label: str, empty: str) -> str:
    """Return a table environment, a longtable if it is long; ``empty`` is the text without rows."""
    caption = latex(caption.replace("`", ""))
    if not len(shown):
        return _table(rf"\caption{{{caption}}}\label{{tab:{label}}}", latex(empty))
    size, widths = _layout(shown)
    columns = _columns(shown, widths)
    head = " & ".join(latex(name) for name in shown.columns) + r" \\"
    rows = [
        " & ".join(map(_cell, row)) + r" \\" for row in shown.itertuples(index=False, name=None)
    ]
    title = rf"\caption{{{caption}}}\label{{tab:{label}}}"
    if _lines(shown, widths) > PAGE:
        return _long(title, size, columns, head, rows)
    parts = [
        rf"\{size}\setlength{{\tabcolsep}}{{{GAP / 2}pt}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
    ]
    parts += [head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"]
    return _table(title, "\n".join(parts))


def _table(title: str, body: str) -> str:
    needs = "% needs the packages array and booktabs"
    return "\n".join([needs, r"\begin{table}", title, r"\centering", body, r"\end{table}", ""])


def _long(title: str, size: str, columns: str, head: str, rows: list[str]) -> str:
    lengths = rf"\setlength{{\tabcolsep}}{{{GAP / 2}pt}}\setlength{{\LTcapwidth}}{{\linewidth}}"
    top = [r"\toprule", head, r"\midrule"]
    parts = ["% needs the packages array, booktabs and longtable", rf"{{\{size}{lengths}"]
    parts += [
        rf"\begin{{longtable}}{{{columns}}}",
        rf"{title}\\",
        *top,
        r"\endfirsthead",
        *top,
        r"\endhead",
    ]
    return "\n".join([*parts, r"\bottomrule", r"\endfoot", *rows, r"\end{longtable}}", ""])


def _cell(text: str) -> str:
    """Escape a cell, and keep a number and its unit on one line."""
    return re.sub(r"(\d) ([kMG])\b", r"\1~\2", latex(text))


def _wide(text: str) -> float:
    """Return a text's length in characters; capitals are wider than the rest."""
    return len(text) + 0.5 * sum(map(str.isupper, text))


def _least(cells: Sequence[str]) -> float:
    """Return the width of a column's longest part that cannot be broken, in characters."""
    parts = (
        part for cell in cells for part in re.split(r"(?<![\d.]) |(?<=\d) (?![kMG]\b)|(?<=-)", cell)
    )
    return max(3.0, *map(_wide, parts))


def _layout(shown: pd.DataFrame) -> tuple[str, list[float]]:
    """Return the largest font size in which every word fits, and columns' widths in characters."""
    columns = [[name, *shown[name]] for name in shown]
    least = [_least(cells) for cells in columns]
    wish = [
        max(0.0, min(FULL, max(map(_wide, cells))) - few)
        for cells, few in zip(columns, least, strict=True)
    ]
    room = TEXT_WIDTH - GAP * (len(columns) - 1)
    size, wide = next((each for each in SIZES if sum(least) * each[1] <= room), SIZES[-1])
    spare = max(0.0, room / wide - sum(least)) / max(sum(wish), 1.0)
    return size, [few + spare * more for few, more in zip(least, wish, strict=True)]


def _columns(shown: pd.DataFrame, widths: list[float]) -> str:
    gap, whole = GAP * (len(widths) - 1) / len(widths), sum(widths)
    parts = []
    for name, width in zip(shown, widths, strict=True):
        side = r"\raggedright\hspace{0pt}"
        if numeric(shown[name]):
            side = r"\raggedleft"
        share = math.floor(1e4 * width / whole) / 1e4
        parts.append(
            rf">{{{side}\arraybackslash}}p{{\dimexpr{share:.4f}\linewidth-{gap:.2f}pt\relax}}"
        )
    return "@{}" + "".join(parts) + "@{}"


def _lines(shown: pd.DataFrame, widths: list[float]) -> int:
    """Estimate the lines that the rows take."""
    rows = shown.itertuples(index=False, name=None)
    return sum(
        max(math.ceil(len(cell) / width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
