# Manual agents, alone or distilled. The rules of search and derivation inherit what is the same.


rule train_manual:
    """One agent with a network designed by hand, alone or distilled."""
    message:
        "{params.words}"
    input:
        needs,
    output:
        # update: not deleted before. On a cluster a run that failed is tried again with those that
        # share its job, and what they have finished stays.
        update(FILES.results / SCALE / "{task}" / "{method}" / "{name}.json"),
    log:
        LOGS / "{task}" / "{method}" / "{name}.log",
    wildcard_constraints:
        method=r"(manual|distilled)-[^/]+",
    params:
        path=lambda wildcards: run_of(wildcards).path,
        words=lambda wildcards: STUDY.describe(run_of(wildcards)),
        results=FILES.results,
        runs=FILES.runs,
        root=OPTIONS.root,
    threads: 1
    group:
        lambda wildcards: group_of(run_of(wildcards))
    resources:
        mem_mb=2000,
        runtime=lambda wildcards: minutes(run_of(wildcards)),
    shell:
        run_command()
