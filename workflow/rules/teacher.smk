# Teachers. Their weights are rebuilt where a student needs them; their records, once published,
# stay.


rule train_teacher:
    """One teacher, with the weights that its students need."""
    message:
        "{params.words}"
    input:
        lambda wildcards: aside(FILES.runs / wildcards.key),
    output:
        FILES.runs / "{key}" / "agent.json",
        FILES.runs / "{key}" / "agent.safetensors",
        record=FILES.runs / "{key}" / "record.json",
    log:
        LOGS / "teacher-{key}.log",
    wildcard_constraints:
        key="|".join(TEACHERS),
    params:
        path=lambda wildcards: TEACHERS[wildcards.key].path,
        words=lambda wildcards: STUDY.describe(TEACHERS[wildcards.key]),
        results=FILES.results,
        runs=FILES.runs,
        root=OPTIONS.root,
    threads: 1
    group:
        lambda wildcards: group_of(TEACHERS[wildcards.key])
    resources:
        mem_mb=2000,
        runtime=lambda wildcards: minutes(TEACHERS[wildcards.key]),
    shell:
        run_command("--record {output.record:q}")


rule publish_teacher:
    """A teacher's record, put beside the others."""
    message:
        "record of {params.words}"
    input:
        needs,
    output:
        FILES.results / SCALE / "{task}" / "{method}" / "{name}.json",
    log:
        LOGS / "{task}" / "{method}" / "{name}.log",
    wildcard_constraints:
        method=r"teacher-[^/]+",
    params:
        words=lambda wildcards: STUDY.describe(run_of(wildcards)),
        record=lambda wildcards: FILES.agent_folder(run_of(wildcards).spec) / "record.json",
    localrule: True
    shell:
        "(cp {params.record:q} {output:q}.new && mv {output:q}.new {output:q}) 2> {log:q}"
