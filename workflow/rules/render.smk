# Tables, figures and the page, from records alone, and where Snakemake runs: each takes seconds. Times decide here, so a changed record or script renders anew.
from a2d.files import fingerprint
from a2d.rendering.artifacts import runs_of
from a2d.scale import ARTIFACTS, FIGURES, TABLES

SUFFIXES = {"figures": ("png", "pdf", "txt"), "tables": ("csv", "md", "tex", "html")}
PAGE = BASE / "report" / f"{SCALE}.html"
SHARED = [Path(workflow.basedir, "a2d", f"{name}.py") for name in ("claims", "results", "statistics")]
WORDS = [Path(workflow.basedir, "workflow", name) for name in (f"scales/{SCALE}.yaml", "methods.yaml")]
WORDS += Path(workflow.basedir, "workflow", "experiments").glob("*.yaml")
LIBRARY = sorted(map(str, [*SHARED, *WORDS, *Path(workflow.basedir, "a2d", "rendering").glob("*.py")]))


def rendered(artifact):
    kind, name = artifact.split("/")
    return [BASE / kind / SCALE / f"{name}.{suffix}" for suffix in SUFFIXES[kind]]


def stamp(name):
    return FILES.runs / ".rendered" / SCALE / f"{name}.txt"


def after_other_records(name, runs, outputs):
    """Records that were exchanged or deleted since a rendering need not be newer than it; its stamp tells."""
    path = stamp(name)
    if path.exists() and path.read_text() != fingerprint(map(FILES.record, runs)):
        outdate(outputs)
        return [NOW]
    return []


for artifact in ARTIFACTS:

    rule:
        name:
            "render_" + artifact.replace("/", "_")
        input:
            records=records(runs_of(STUDY, artifact)),
            now=after_other_records(artifact, runs_of(STUDY, artifact), rendered(artifact)),
            script=Path(workflow.basedir) / f"{artifact}.py",
            library=LIBRARY,
        output:
            rendered(artifact),
        params:
            scale=SCALE,
            results=FILES.results,
            out=BASE / artifact.split("/")[0] / SCALE,
            stamp=stamp(artifact),
            root=workflow.basedir,
        localrule: True
        shell:
            "python {input.script:q} --scale {params.scale} --results {params.results:q}"
            " --out {params.out:q} --root {params.root:q} --stamp {params.stamp:q}"


rule page:
    input:
        records=records(STUDY.runs.values()),
        now=after_other_records("page", STUDY.runs.values(), [PAGE]),
        artifacts=[path for artifact in ARTIFACTS for path in rendered(artifact)],
        library=LIBRARY + [str(Path(workflow.basedir) / "a2d/rendering/templates/page.html")],
    output:
        PAGE,
    params:
        scale=SCALE,
        results=FILES.results,
        tables=BASE / "tables" / SCALE,
        figures=BASE / "figures" / SCALE,
        stamp=stamp("page"),
        root=workflow.basedir,
    localrule: True
    shell:
        "python -m a2d.rendering.page --scale {params.scale} --results {params.results:q}"
        " --tables {params.tables:q} --figures {params.figures:q} --root {params.root:q} --out {output:q}"
        " --stamp {params.stamp:q}"


# One target per name: a figure and a table that share it are made together.
for target in dict.fromkeys((*FIGURES, *TABLES)):

    rule:
        name:
            target
        input:
            [path for artifact in ARTIFACTS if artifact.endswith(f"/{target}") for path in rendered(artifact)],


# One target per search method: its searches, and all that is derived from them.
for method in STUDY.methods.search:

    rule:
        name:
            f"ablation_{method}"
        input:
            records(STUDY.of_search(method)),
