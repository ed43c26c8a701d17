"""Turns what ``make bench`` measured into the table of ``docs/speed.md``.

``python -m benchmarks.speed_table .benchmarks/speed.json`` keeps the numbers, with hardware and
versions, in ``benchmarks/speed.json`` and writes the table; without a file it writes the table
again.
"""

from __future__ import annotations

import json
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path
from typing import Any

from a2d.files import write_atomically
from a2d.runs.process import THREADS
from a2d.runs.provenance import collect_provenance

HERE = Path(__file__).parent
KEPT = HERE / "speed.json"
PAGE = HERE.parent / "docs" / "speed.md"
BEGIN, END = "<!-- make bench writes from here -->\n", "<!-- to here -->\n"
HEADER = [
    "| what | measured | compared with | result | target |",
    "| --- | --- | --- | --- | --- |",
]

SB3_TARGETS = {
    ("minatar-breakout", "vanilla"): "≥ 3×",
    ("minatar-breakout", "resnet14"): "≥ 1.6×",
    ("minatar-breakout", "resnet20"): "≥ 1.6×",
    ("minatar-breakout", "resnet14_w8"): "≥ 2.5×",
    ("minatar-breakout", "resnet8_w8"): "≥ 2.5×",
    ("minatar-breakout", "resnet8_w4"): "≥ 2.5×",
    ("atari-pong", "vanilla"): "≥ 1.8×",
    ("atari-pong", "resnet14"): "≥ 1.8×",
}

Numbers = dict[str, Any]


def _speeds(numbers: Numbers) -> tuple[str, str]:
    steps = numbers["steps_per_update"]
    return (
        f"{steps / numbers['seconds']:,.0f} steps/s",
        f"{steps / numbers['reference_seconds']:,.0f} steps/s",
    )


def _training(n: Numbers) -> list[str]:
    mine, other = _speeds(n)
    target = SB3_TARGETS.get((n["task"], n["network"]), "")
    return [
        f"training, {n['task']}, {n['network']}",
        mine,
        f"stable-baselines3, {other}",
        f"{n['ratio']:.2f}×",
        target,
    ]


def _search(n: Numbers) -> list[str]:
    mine, other = _speeds(n)
    target = {(6, 2): "≥ 0.6×"}.get((n["cells"], n["paths"]), "")
    what = f"search, {n['cells']} cells, K = {n['paths']}"
    return [what, mine, f"training ResNet-14, {other}", f"{n['ratio']:.2f}×", target]


def _roofline(n: Numbers) -> list[str]:
    mine, best = (
        f"{n[prefix + 'gflops']:.0f} GFLOP/s, {n[prefix + 'steps_per_second']:,.0f} steps/s"
        for prefix in ("", "best_")
    )
    target = {"vanilla": ""}.get(n["network"], "≥ 80 %")
    return [
        f"an update, {n['network']}",
        mine,
        f"its products in isolation, {best}",
        f"{n['ratio']:.0%}",
        target,
    ]


def _stepping(n: Numbers) -> list[str]:
    return [f"environments alone, {n['task']}", f"{n['steps_per_second']:,.0f} steps/s", "", "", ""]


def _study(what: str, target: str) -> Any:
    return lambda n: [f"{what} {n['runs']:,} runs", f"{n['seconds']:.1f} s", "", "", target]


def _memory(n: Numbers) -> list[str]:
    return [
        f"peak memory of a MinAtar run, {n['network']}",
        f"{n['peak_memory_mib']:.0f} MiB",
        "",
        "",
        "≤ 700 MB",
    ]


ROWS: dict[str, Any] = {
    "test_training_against_stable_baselines3": _training,
    "test_search_against_training": _search,
    "test_update_against_roofline": _roofline,
    "test_stepping": _stepping,
    "test_planning_with_snakemake": _study("a dry run of Snakemake,", "≤ 30 s"),
    "test_reading_results": _study("reading the records of", "≤ 5 s"),
    "test_planning_what_is_recorded": _study("`a2d plan` over the records of", "≤ 5 s"),
    "test_memory_of_a_run": _memory,
}


def keep(report: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of pytest-benchmark's report that the table shows, and their source."""
    measured = [
        {"benchmark": item["name"].partition("[")[0], **item["extra_info"]}
        for item in report["benchmarks"]
    ]
    provenance = collect_provenance(THREADS).model_dump(exclude={"modified", "threads"})
    provenance["versions"]["stable-baselines3"] = version("stable-baselines3")
    return {"date": report["datetime"][:10], "provenance": provenance, "measured": measured}


def render(kept: dict[str, Any]) -> str:
    """Return the table with the line that says where it was measured."""
    rows = [ROWS[numbers["benchmark"]](numbers) for numbers in kept["measured"]]
    lines = [*HEADER, *("| " + " | ".join(row) + " |" for row in rows)]
    source = kept["provenance"]
    versions = ", ".join(f"{name} {number}" for name, number in source["versions"].items())
    machine = f"{source['processor']}, one core of {source['cores']}"
    where = textwrap.wrap(f"Measured on {kept['date']}, {machine}, {versions}.", 100)
    return "\n".join([*lines, "", *where]) + "\n"


def insert(page: str, table: str) -> str:
    """Return the page with the table between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main(arguments: list[str]) -> None:
    """Keep a report's numbers, if one is given, and write the table."""
    if arguments:
        report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        text = json.dumps(keep(report), indent=1, ensure_ascii=False) + "\n"
        write_atomically(KEPT, lambda path: path.write_text(text, encoding="utf-8"))
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    page = insert(PAGE.read_text(encoding="utf-8"), render(kept))
    write_atomically(PAGE, lambda path: path.write_text(page, encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
