# Tables, figures and the page, from records alone, and where Snakemake runs: each takes seconds. Times decide here,
# so a changed record or script renders anew.
from a2d.study.definitions import FIGURES, TABLES

PAGE = BASE / "report" / f"{SCALE}.html"
LIBRARY = [Path("a2d", f"{name}.py") for name in ("claims", "results", "statistics")]
LIBRARY += [Path("workflow", f"{name}.yaml") for name in (f"scales/{SCALE}", "methods")]
LIBRARY += [path.relative_to(CHECKOUT) for path in CHECKOUT.glob("workflow/experiments/*.yaml")]
LIBRARY += [path.relative_to(CHECKOUT) for path in CHECKOUT.glob("a2d/reading/rendering/*.py")]
LIBRARY = sorted(str(CHECKOUT / path) for path in LIBRARY)


for artifact in ARTIFACTS:

    rule:
        """One table or figure, from the records."""
        name:
            f"render_{artifact}".replace(os.sep, "_")
        message:
            f"render {artifact}"
        input:
            records=records(runs_of(STUDY, artifact)),
            now=after_other_records(artifact, runs_of(STUDY, artifact), rendered(artifact)),
            script=CHECKOUT / f"{artifact}.py",
            library=LIBRARY,
        output:
            rendered(artifact),
        log:
            LOGS / f"{artifact}.log",
        params:
            scale=SCALE,
            results=FILES.results,
            out=rendered(artifact)[0].parent,
            stamp=stamp(artifact),
            root=CHECKOUT,
        localrule: True
        shell:
            "python {input.script:q} --scale {params.scale:q} --results {params.results:q}"
            " --out {params.out:q} --root {params.root:q} --stamp {params.stamp:q} > {log:q} 2>&1"


rule page:
    """The page that shows every table and figure of the scale."""
    message:
        "write the page"
    input:
        records=records(STUDY.runs.values()),
        now=after_other_records("page", STUDY.runs.values(), [PAGE]),
        artifacts=[path for artifact in ARTIFACTS for path in rendered(artifact)],
        library=[*LIBRARY, CHECKOUT / "a2d" / "rendering" / "templates" / "page.html"],
    output:
        PAGE,
    log:
        LOGS / "page.log",
    params:
        scale=SCALE,
        results=FILES.results,
        tables=BASE / "tables" / SCALE,
        figures=BASE / "figures" / SCALE,
        stamp=stamp("page"),
        root=CHECKOUT,
    localrule: True
    shell:
        "python -m a2d.reading.rendering.page --scale {params.scale:q} --results {params.results:q}"
        " --tables {params.tables:q} --figures {params.figures:q} --root {params.root:q} --out {output:q}"
        " --stamp {params.stamp:q} > {log:q} 2>&1"


# One target per name: a figure and a table that share it are made together.
for target in dict.fromkeys((*FIGURES, *TABLES)):

    rule:
        """The figure, the table, or both, of this name."""
        name:
            target
        message:
            f"{target} is there"
        input:
            rendered_as(target),


# One target per search method: its searches, and all that is derived from them.
for method in STUDY.methods.search:

    rule:
        """All searches by this method, and the agents derived from them."""
        name:
            f"ablation_{method}"
        message:
            f"the searches by {method} and what is derived from them are there"
        input:
            records(STUDY.of_search(method)),
