# Teachers. Their weights are rebuilt where a student needs them; their records, once published, stay.
TEACHERS = {run.key: run for run in STUDY.runs.values() if run.stage == "teacher"}


rule train_teacher:
    input:
        lambda wildcards: after_damage(FILES.runs / wildcards.key),
    output:
        FILES.runs / "{key}" / "agent.json",
        FILES.runs / "{key}" / "agent.safetensors",
        FILES.runs / "{key}" / "record.json",
    wildcard_constraints:
        key="|".join(TEACHERS),
    params:
        path=lambda wildcards: TEACHERS[wildcards.key].path,
        results=FILES.results,
        runs=FILES.runs,
    threads: 1
    group:
        lambda wildcards: shared_job(TEACHERS[wildcards.key])
    resources:
        mem_mb=2000,
        runtime=lambda wildcards: minutes(TEACHERS[wildcards.key]),
    shell:
        RUN + " --record {output[2]:q}"


def teacher_record(wildcards):
    run = run_of(wildcards)
    record = FILES.record(run)
    if record.exists() and record not in DAMAGED:
        return []
    return [FILES.bundle(run.spec) / "record.json", *after_damage(record)]


rule publish_teacher:
    input:
        teacher_record,
    output:
        FILES.results / SCALE / "{task}" / "{method}" / "{name}.json",
    wildcard_constraints:
        method=r"teacher-[^/]+",
    localrule: True
    shell:
        "cp {input[0]:q} {output:q}.new && mv {output:q}.new {output:q}"
