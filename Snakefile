# The DAG: teachers, manual agents, searches, derived agents, tables and figures.
#
#   snakemake --cores all                                   everything of the laptop scale
#   snakemake --cores all --config scale=smoke              another scale, a file in workflow/scales
#   snakemake --cores all --config fresh=fresh              trains all of it again, into fresh/
#   snakemake --cores all --config only=recorded            renders what is recorded, trains nothing
#   snakemake --cores all ablation_critic                   one search method and what it derives
#   snakemake --cores all optimal_size                      one table or figure; also size_sweep, pareto, ...
#
# A record's file name holds its run's key, so a stale run is a missing file: nothing else decides what runs.

include: "workflow/rules/common.smk"
include: "workflow/rules/teacher.smk"
include: "workflow/rules/manual.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/derive.smk"
include: "workflow/rules/render.smk"


onerror:
    print(
        f"a2d: not all of it is done. `a2d plan --scale {SCALE} --missing` lists what lacks; the same command tries that"
        " again, each run from where it stopped. To render what there is: --config only=recorded",
        file=sys.stderr,
    )


rule all:
    default_target: True
    input:
        PAGE,
