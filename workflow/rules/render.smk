# Tables, figures and the page, from records alone, and where Snakemake runs: each takes seconds.
from a2d.reading.rendering.artifacts import runs_of
from a2d.reading.rendering.manifest import PAGE, find_manifest

# What a rendering was made of: runs/manifests/SCALE/NAME/1.txt. Once other records or other code
# are there, the next number is wanted, which is missing.
MANIFESTS = {
    name: find_manifest(STUDY, FILES, CHECKOUT, name) for name in (*STUDY.artifacts, PAGE)
}
RENDERED = {
    name: [*artifact.files(BASE, SCALE), MANIFESTS[name]]
    for name, artifact in STUDY.artifacts.items()
}
# What shows none of the scale's runs is made when it is asked for, not with all the others.
SHOWN = [name for name in RENDERED if runs_of(STUDY, name)]


# Each rendering has one thread: OpenBLAS would start one a core, which spin while they wait.
for name, files in RENDERED.items():

    rule:
        """One table or figure, from the records."""
        name:
            "_".join(["render", *Path(name).parts])
        message:
            f"render {name}"
        priority: name.startswith("figures/")  # which take longer: none is left for the end alone
        input:
            unrecorded(runs_of(STUDY, name)),
            script=CHECKOUT / f"{name}.py",
        output:
            files[:-1],
            manifest=files[-1],
        log:
            LOGS / f"{name}.log",
        params:
            scale=SCALE,
            results=FILES.results,
            out=files[0].parent,
            root=CHECKOUT,
            whole=FILES.whole(SCALE),
        localrule: True
        shell:
            "OPENBLAS_NUM_THREADS=1 python {input.script:q}"
            " --scale {params.scale:q} --results {params.results:q}"
            " --out {params.out:q} --root {params.root:q} --manifest {output.manifest:q}"
            " --whole {params.whole:q} > {log:q} 2>&1"


rule page:
    """The page that shows every table and figure of the scale."""
    message:
        "write the page"
    input:
        unrecorded(STUDY.runs.values()),
        [path for name in SHOWN for path in RENDERED[name]],
    output:
        page=BASE / "report" / f"{SCALE}.html",
        manifest=MANIFESTS[PAGE],
    log:
        LOGS / "page.log",
    params:
        scale=SCALE,
        results=FILES.results,
        tables=BASE / "tables" / SCALE,
        figures=BASE / "figures" / SCALE,
        root=CHECKOUT,
        whole=FILES.whole(SCALE),
    localrule: True
    shell:
        "OPENBLAS_NUM_THREADS=1 python -m a2d.reading.rendering.page"
        " --scale {params.scale:q} --results {params.results:q}"
        " --tables {params.tables:q} --figures {params.figures:q}"
        " --root {params.root:q} --out {output.page:q} --manifest {output.manifest:q}"
        " --whole {params.whole:q} > {log:q} 2>&1"


# One target per name: a figure and a table that share it are made together.
for target in dict.fromkeys(Path(name).name for name in RENDERED):

    rule:
        """The figure, the table, or both, of this name."""
        name:
            target
        message:
            f"{target} is there"
        input:
            [files for name, files in RENDERED.items() if Path(name).name == target],
            # Asked for here as well: of a rendering that is up to date, missing inputs are not made.
            [unrecorded(runs_of(STUDY, name)) for name in RENDERED if Path(name).name == target],


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
