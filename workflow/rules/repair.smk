# What is damaged is set aside, so that it is missing: a missing file is a run to do.
import re

NOTES = {damage.note.stem: damage for damage in DAMAGED}


rule set_aside:
    """A damaged record, or a teacher's damaged weights, kept in runs/damaged with a note of why."""
    message:
        "set aside {params.damaged}, which is damaged"
    output:
        FILES.runs / "damaged" / "{note}.txt",
    log:
        LOGS / "damaged" / "{note}.log",
    wildcard_constraints:
        note="|".join(map(re.escape, NOTES)) or "none",
    params:
        damaged=lambda wildcards: NOTES[wildcards.note].path,
        kept=lambda wildcards: NOTES[wildcards.note].kept,
        problem=lambda wildcards: NOTES[wildcards.note].problem,
    localrule: True
    shell:
        "(mv {params.damaged:q} {params.kept:q} && echo {params.problem:q} > {output:q}) 2> {log:q}"
