"""One offline page that gathers ledger, tables, figures and the provenance of each; nothing is fetched.

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
from a2d.files import write_atomically
from a2d.reading.rendering.artifacts import STRUCTURES, TITLES, artifacts_of
from a2d.reading.rendering.command import arguments, write_stamp
from a2d.reading.results import Results, load_results
from a2d.study.study import load_study

CSS_PIXELS = (
    96 / 200 * 1.2
)  # of a figure's dots, which are 200 an inch; a fifth larger than in print
LISTED = 12  # missing runs of an experiment that the page names


@dataclass(frozen=True)
class Renderings:
    """The folders of a study's rendered tables and figures."""

    tables: Path
    figures: Path

    def show(self, artifact: str) -> dict[str, Any]:
        """Return what the template needs of an artifact: a figure's picture, width and caption, or a table's body."""
        kind, name = artifact.split("/")
        shown = {"id": artifact.replace("/", "-"), "title": TITLES[artifact]}
        if kind == "tables":
            # The fragment was escaped when the table was made.
            return shown | {
                "body": Markup((self.tables / f"{name}.html").read_text(encoding="utf-8"))
            }
        picture = (self.figures / f"{name}.png").read_bytes()
        pixels = int.from_bytes(picture[16:20], "big")  # the width, where every PNG has it
        caption = (
            (self.figures / f"{name}.txt").read_text(encoding="utf-8").replace("\n", " ").strip()
        )
        source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        return shown | {
            "body": "",
            "source": source,
            "caption": caption,
            "width": round(pixels * CSS_PIXELS),
        }


def _placed(results: Results, experiments: list[str]) -> dict[str, list[str]]:
    """Return which artifacts each experiment shows: each one once, where it first belongs, and no structures."""
    placed: dict[str, list[str]] = {}
    for name in experiments:
        before = [*STRUCTURES, *(artifact for shown in placed.values() for artifact in shown)]
        listed = results.study.experiments[name].artifacts
        placed[name] = [
            path
            for path in artifacts_of(results.study, name)
            if path in listed and path not in before
        ]
    return placed


def _experiment(
    results: Results, name: str, shown: list[str], renderings: Renderings
) -> dict[str, Any]:
    study, experiment = results.study, results.study.experiments[name]
    own = results.runs[results.runs["key"].isin(study.members[name])]
    elsewhere = [
        path
        for path in artifacts_of(study, name)
        if path in experiment.artifacts and path not in shown
    ]
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
    # In the order of the claims that they test; those that test none come last.
    found = results.study.experiments
    experiments = sorted(
        found, key=lambda name: min((claim.claim for claim in found[name].claims), default="~")
    )
    placed, renderings = _placed(results, experiments), Renderings(tables, figures)
    listed = {artifact for experiment in found.values() for artifact in experiment.artifacts}
    return environment.get_template("page.html").render(
        scale=results.study.name,
        settings=results.study.scale,
        tasks=[results.title(task) for task in results.study.tasks],
        planned=len(results.runs),
        recorded=len(results.records),
        ledger=renderings.show("tables/claims"),
        experiments=[
            _experiment(results, name, shown, renderings) for name, shown in placed.items()
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
    tables, figures = (
        options.tables or Path("tables") / scale,
        options.figures or Path("figures") / scale,
    )
    try:
        results = load_results(load_study(scale, options.root), options.results)
        text = render_page(results, tables, figures)
        out = options.out or Path("report") / f"{scale}.html"
        write_atomically(out, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        write_stamp(options, results.study.runs.values())
    except (A2DError, OSError) as error:
        sys.exit(f"a2d: {error}")


if __name__ == "__main__":
    main()
