# Derived and random architectures, trained from scratch.
rule train_derived:
    input:
        lambda wildcards: ancient(needs(wildcards)),
    output:
        FILES.results / SCALE / "{task}" / "{method}" / "{name}.json",
    wildcard_constraints:
        method=r"(derived|random)-[^/]+",
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
