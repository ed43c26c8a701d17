# Searches: a record, and the architecture as plain data.
rule search:
    input:
        lambda wildcards: ancient(needs(wildcards)),
    output:
        FILES.results / SCALE / "{task}" / "{method}" / "{name}.json",
        FILES.results / SCALE / "{task}" / "{method}" / "{name}.arch.json",
    wildcard_constraints:
        method=r"(search)-[^/]+",
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
