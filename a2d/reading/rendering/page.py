"""One page with the ledger, all tables and figures, and provenance; it fetches nothing.

``python -m a2d.reading.rendering.page --scale laptop`` reads what the scripts of ``tables/`` and
``figures/`` rendered.
"""

from __future__ import annotations

import base64
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from a2d.errors import A2DError
from a2d.files import write_text
from a2d.reading.rendering import cautions
from a2d.reading.rendering.command import arguments, load, write_given_manifest
from a2d.reading.rendering.manifest import PAGE
from a2d.reading.results import Results
from a2d.study.artifacts import JUDGING
from a2d.study.definitions import Experiment

# What networks look like is shown after what all of them score.
STRUCTURES = ("figures/architectures", "tables/network_structures")
# A figure has 200 dots an inch, and a page 96; it is shown a fifth larger than in print.
CSS_PIXELS = 96 / 200 * 1.2
LISTED = 12  # missing runs of an experiment that the page names


@dataclass(frozen=True)
class Renderings:
    """The folders of a study's rendered tables and figures."""

    results: Results
    tables: Path
    figures: Path

    def show(self, artifact: str) -> dict[str, Any]:
        """Return what the template needs of an artifact.

        A figure's picture, its width and its caption, or a table's body.
        """
        kind, name = artifact.split("/")
        title = self.results.study.artifacts[artifact].title
        shown: dict[str, Any] = {"id": artifact.replace("/", "-"), "title": title, "body": ""}
        if kind == "tables":
            text = (self.tables / f"{name}.html").read_text(encoding="utf-8")
            return shown | {"body": Markup(text)}  # escaped when the table was made
        picture = (self.figures / f"{name}.png").read_bytes()
        pixels = int.from_bytes(picture[16:20], "big")  # the width, where every PNG has it
        caption = (self.figures / f"{name}.txt").read_text(encoding="utf-8")
        return shown | {
            "source": f"data:image/png;base64,{base64.b64encode(picture).decode()}",
            "caption": caption.replace("\n", " ").strip(),
            "width": round(pixels * CSS_PIXELS),
        }


def _first_claim(experiment: Experiment) -> float:
    """Return the number of the first claim that an experiment tests; infinity for none."""
    return min((claim.number for claim in experiment.claims), default=float("inf"))


def _placed(results: Results) -> dict[str, list[str]]:
    """Return which artifacts each experiment shows: each one once, and no structures.

    Experiments are in the order of their claims; those without any come last.
    """
    found = results.study.experiments
    placed: dict[str, list[str]] = {}
    before = {*STRUCTURES}
    for name in sorted(found, key=lambda name: _first_claim(found[name])):
        placed[name] = [path for path in found[name].artifacts if path not in before]
        before.update(placed[name])
    return placed


def _experiment(
    results: Results, name: str, shown: list[str], renderings: Renderings
) -> dict[str, Any]:
    study, experiment = results.study, results.study.experiments[name]
    own = results.runs[results.runs["key"].isin(study.members[name])]
    elsewhere = [path for path in experiment.artifacts if path not in shown]
    return {
        "name": name,
        "question": experiment.question,
        "claims": experiment.claims,
        "planned": len(own),
        "recorded": int(own["score"].notna().sum()),
        "missing": list(own.loc[own["score"].isna(), "path"]),
        "diverged": own.loc[own["state"] == "diverged", ["path", "reason"]].to_dict("records"),
        "title": name.replace("_", " "),
        "shown": [renderings.show(artifact) for artifact in shown],
        "elsewhere": [renderings.show(artifact) for artifact in elsewhere],
    }


def _provenance(results: Results) -> dict[str, Any]:
    """Count over all records what they were made with."""
    found = [record.provenance for record in results.records.values()]
    modified = sum(provenance.modified for provenance in found)
    versions = Counter(
        f"{name} {version}" for each in found for name, version in sorted(each.versions.items())
    )
    return {
        "commits": Counter((each.commit or "unknown")[:12] for each in found).most_common(),
        "modified": modified,
        "processors": Counter(
            f"{each.accelerator or each.processor}, {each.cores} cores, {each.threads} thread a run"
            for each in found
        ).most_common(),
        "platforms": Counter(each.platform for each in found).most_common(),
        "versions": versions.most_common(),
        "core_hours": float(results.runs["core_hours"].sum()),
        "steps": float(results.runs["steps_done"].sum()),
    }


def render_page(results: Results, tables: Path, figures: Path) -> str:
    """Return the page of a study as HTML.

    Args:
        results: of the study.
        tables: folder of its rendered tables.
        figures: folder of its rendered figures.
    """
    environment = Environment(
        loader=PackageLoader("a2d.reading.rendering"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    renderings = Renderings(results, tables, figures)
    experiments = results.study.experiments.values()
    listed = {artifact for experiment in experiments for artifact in experiment.artifacts}
    return environment.get_template("page.html").render(
        scale=results.study.name,
        settings=results.study.scale,
        tasks=[results.title(task) for task in results.study.tasks],
        tuned=cautions.tuned(results),
        planned=len(results.runs),
        recorded=len(results.records),
        ledger=[renderings.show(artifact) for artifact in JUDGING],
        experiments=[
            _experiment(results, name, shown, renderings)
            for name, shown in _placed(results).items()
        ],
        structures=[renderings.show(artifact) for artifact in STRUCTURES if artifact in listed],
        damaged=results.damaged,
        stale=results.stale,
        provenance=_provenance(results),
        listed=LISTED,
    )


def main() -> None:
    """Write the page; a missing rendering is an error that names it."""
    parser = arguments(__doc__)
    for kind in ("tables", "figures"):
        parser.add_argument(f"--{kind}", type=Path, help=f"folder of the rendered {kind}")
    parser.add_argument("--out", type=Path, help="the page to write")
    options = parser.parse_args()
    scale = options.scale
    tables = options.tables or Path("tables", scale)
    figures = options.figures or Path("figures", scale)
    out = options.out or Path("report", f"{scale}.html")
    try:
        results = load(options)
        text = render_page(results, tables, figures)
        write_text(out, text)
        write_given_manifest(options, results.study, PAGE)
    except (A2DError, OSError) as error:
        sys.exit(f"a2d: {error}")


if __name__ == "__main__":
    main()
