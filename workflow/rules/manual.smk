# Manual agents, alone or distilled.
rule train_manual:
    input:
        lambda wildcards: ancient(needs(wildcards)),
    output:
        FILES.results / SCALE / "{task}" / "{method}" / "{name}.json",
    wildcard_constraints:
        method=r"(manual|distilled)-[^/]+",
    params:
        path=lambda wildcards: run_of(wildcards).path,
        results=FILES.results,
        runs=FILES.runs,
    threads: 1
    resources:
        mem_mb=2000,
        runtime=lambda wildcards: minutes(run_of(wildcards)),
    shell:
        RUN
