# Manual agents, alone or distilled. The rules of search and derivation take over what is the same.


rule train_manual:
    input:
        needs,
    output:
        # Snakemake deletes no such file before: on a cluster a run that failed is tried again with those that share
        # its job, and what they have finished stays.
        update(FILES.results / SCALE / "{task}" / "{method}" / "{name}.json"),
    wildcard_constraints:
        method=r"(manual|distilled)-[^/]+",
    params:
        path=lambda wildcards: run_of(wildcards).path,
        results=FILES.results,
        runs=FILES.runs,
    threads: 1
    group:
        lambda wildcards: shared_job(run_of(wildcards))
    resources:
        mem_mb=2000,
        runtime=lambda wildcards: minutes(run_of(wildcards)),
    shell:
        RUN
