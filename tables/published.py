"""Published scores beside ours.

Each with its steps, its seeds and its source, and what keeps it from being compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from a2d.reading.published import Published, PublishedScore, Source, load_published
from a2d.reading.rendering.agents import BEST, EQUAL, Kind, a2d
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import network_name
from a2d.reading.rendering.tables import INTERVALS, Row, Table, build, shortfall, summary_data
from a2d.reading.rendering.text import ABSENT, number, runs, scaled, score
from a2d.reading.results import Results, best_size, summarize, where
from a2d.specs.run import DerivedAgent, TrainSpec

SHOWS_ALSO = ("size_sweep", "a2d_vs_manual")
SHOWS_ALL = ("teacher", "manual", "derive")

Agents = dict[str, pd.DataFrame]  # an agent's runs by its name
CHECKOUT = Path(__file__).parents[1]
OURS = "this study"
MEANING = (
    f"'{OURS}': one run a seed; the last of its agents is what the scale calls A2D. The best sizes "
    "are those of the highest mean shown here, which flatters them. 'Equal steps': trained for as "
    "many as a search and the training of its result together, which are the steps shown of A2D. "
    "Distilled agents learn from the teacher, whose steps come on top."
)
COMPARABLE = (
    "The rows of a task are no contest. Ours are scored by test episodes with sampled actions "
    "after training, on version 5 of MuJoCo's tasks and on MinAtar with all six actions, a tenth "
    "of them sticky. Others use other versions or ports, mostly many more steps, other networks "
    "and settings, and score otherwise, as is said of each source; a gap has many causes."
)
READ_OFF = "Read off a figure by eye, within about 5 %."


def _best(sweep: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the best size, or those of all sizes while none has a record."""
    best = best_size(sweep)
    return best if len(best) else sweep


def _ours(results: Results, searched: Kind | None, task: str) -> Agents:
    """Return our agents on a task; a name says the size where the agent has one."""
    kinds = {
        "Teacher": results.teacher(task),
        BEST: _best(results.manual(task)),
        EQUAL: _best(results.equal_steps(task)),
    }
    if searched is not None:
        kinds[searched.name] = where(searched.rows, task=task)
    return {_named(kind, rows): rows for kind, rows in kinds.items() if len(rows)}


def _named(kind: str, rows: pd.DataFrame) -> str:
    sizes = [network_name(network) for network in rows["network"].unique() if network]
    return ", ".join([kind, *sizes]) if len(sizes) == 1 else kind


def _steps(results: Results, rows: pd.DataFrame) -> int:
    """Return the steps of one of these runs, with those of the search whose result it trains."""
    spec = results.study.runs[rows["key"].iloc[0]].spec
    match spec:
        case TrainSpec(agent=DerivedAgent(search=search)):
            return spec.steps + search.steps
    return spec.steps


def _our_row(results: Results, task: str, name: str, rows: pd.DataFrame) -> Row:
    summary, steps = summarize(rows), _steps(results, rows)
    environment = results.study.tasks[task].id
    shown = {
        "Task": results.title(task),
        "Agent": name,
        "Score": score(summary),
        "Steps": scaled(steps),
        "Runs": runs(summary),
        "Environment": environment,
        "Source": OURS,
    }
    data: dict[str, object] = {"task": task, "agent": name, "source": OURS}
    data |= {"environment": environment, "steps": steps, "seeds": rows["seed"].nunique()}
    return shown, data | summary_data(summary)


def _published_score(source: Source, found: PublishedScore) -> str:
    if source.read_off:
        return f"{found.score:g} (read off)"
    if found.spread is None:
        return number(found.score)
    return f"{number(found.score)} ± {number(found.spread)}"


def _published_row(results: Results, source: Source, found: PublishedScore) -> Row:
    shown = {
        "Task": results.title(found.task),
        "Agent": found.agent,
        "Score": _published_score(source, found),
        "Steps": scaled(found.steps),
        "Runs": str(found.seeds or ABSENT),
        "Environment": found.environment,
        "Source": source.title,
    }
    data = {"source": source.title, "url": source.url, "read_off": source.read_off}
    return shown, found.model_dump() | data


def _rows(results: Results, ours: dict[str, Agents], published: Published) -> Iterator[Row]:
    for task, agents in ours.items():
        for name, rows in agents.items():
            yield _our_row(results, task, name, rows)
        for source, found in published.of(task):
            yield _published_row(results, source, found)


def _source_notes(results: Results, published: Published) -> Iterator[str]:
    """Yield for each source that is shown where it is and how its scores came about."""
    for source in published.sources:
        if any(found.task in results.study.tasks for found in source.scores):
            said = [f"{source.title} ({source.url}): {source.scored}"]
            said += [READ_OFF] * source.read_off
            said += [f"± is {source.spread}."] * (source.spread is not None)
            yield " ".join(said)


def make(results: Results) -> Table:
    """Make one row per task and agent, ours first."""
    published = load_published(CHECKOUT)
    searched = a2d(results)
    ours = {task: _ours(results, searched, task) for task in results.study.tasks}
    used = [rows for agents in ours.values() for rows in agents.values()]
    said = (MEANING, COMPARABLE, *_source_notes(results, published), INTERVALS)
    caption = "Published scores beside ours"
    return build(caption, _rows(results, ours, published), *said, shortfall(pd.concat(used)))


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
