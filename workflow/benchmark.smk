# The table of A2D-Bench (workflow/benchmark.yaml), apart from any study:
#
#   snakemake -s workflow/benchmark.smk --cores all               all that is missing
#   snakemake -s workflow/benchmark.smk --cores all --config part=1/2
#                                                     what the first of two machines trains of it
#
# A job trains a group of architectures in one process. Stopped or killed at any moment, the same
# command goes on; what lies in results/bench/rows, whole groups or not, can be committed at any
# time, and another machine goes on from there.
from pathlib import Path

from a2d.benchmark.table import CROISSANT
from a2d.study.bench.definition import FOLDER, ROWS, load_benchmark, share_of
from a2d.study.bench.publishing import LONGER, TABLE
from a2d.study.options import check_config
from a2d.study.session import mistakes_in_a_line, prepare_jobs

prepare_jobs()
CHECKOUT = Path(workflow.basedir).parent.resolve()
with mistakes_in_a_line():
    check_config(config, {"part": "a share of the groups, as in part=1/2"})
    BENCHMARK = load_benchmark(CHECKOUT)
    EVERY = BENCHMARK.every_group()
    MINE = share_of(EVERY, str(config.get("part", "1/1")))
RESULTS, RUNS = Path("results"), Path("runs")
GROUPS = [group.name for group in EVERY]


def rows_of(groups):
    return [RESULTS / ROWS / f"{group.name}.jsonl" for group in groups]


rule all:
    """All groups, and the table that is published of them."""
    default_target: True
    input:
        rows_of(MINE),  # also where there is a table, which may have been published of fewer
        RESULTS / FOLDER / TABLE if MINE == EVERY else [],


rule fill:
    """One group of trainings. Those of the same architectures come first together."""
    message:
        "train group {wildcards.group}"
    output:
        RESULTS / ROWS / "{group}.jsonl",
    log:
        RUNS / "logs" / "bench" / "{group}.log",
    wildcard_constraints:
        group="|".join(GROUPS),
    priority: lambda wildcards: -GROUPS.index(wildcards.group)
    params:
        results=RESULTS,
        runs=RUNS,
        root=CHECKOUT,
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "a2d bench-table fill {wildcards.group:q} --root {params.root:q}"
        " --results {params.results:q} --runs {params.runs:q} > {log:q} 2>&1"


rule publish:
    """The table and the longer trainings as a Parquet file each, with their description."""
    message:
        "publish the table"
    input:
        rows_of(EVERY),
    output:
        RESULTS / FOLDER / TABLE,
        [RESULTS / FOLDER / LONGER] * (BENCHMARK.longer is not None),
        RESULTS / FOLDER / CROISSANT,
    params:
        results=RESULTS,
        root=CHECKOUT,
    localrule: True
    shell:
        "a2d bench-table publish --root {params.root:q} --results {params.results:q}"
