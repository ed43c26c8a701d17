# The DAG: teachers, manual agents, searches, derived agents, tables and figures.
#
#   snakemake --cores all                                   everything of the laptop scale
#   snakemake --cores all --config scale=smoke              another scale, a file in workflow/scales
#   snakemake --cores all --config fresh=fresh              trains all of it again, into fresh/ of the current folder
#   snakemake --cores all --config only=recorded            renders what is recorded, trains nothing
#   snakemake --cores all ablation_critic                   one search method and what it derives
#   snakemake --cores all optimal_size                      one table or figure; also size_sweep, pareto, ...
#   snakemake --cores all --config scale=smoke -- pareto    with --config: it takes all words up to the -- for its own
#   snakemake --list-rules                                  the targets, and what each of them makes
#   snakemake -n -p                                         what would run; -p adds every job's files, reason, command
#
# A record's file name holds its run's key, so a stale run is a missing file: nothing else decides what runs.
# On `snakemake --lint`: every rule runs in the one environment that holds Snakemake and the library, pinned in
# constraints.txt, so none names a conda environment or a container.

include: "workflow/rules/common.smk"
include: "workflow/rules/teacher.smk"
include: "workflow/rules/manual.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/derive.smk"
include: "workflow/rules/render.smk"


onstart:
    if workflow.executor_plugin.name == "slurm":
        prepare_cluster()
    tell_progress(ENDED, STUDY, FILES, wanted_runs(), checkout_path("results"), most_at_a_time())


onsuccess:
    ENDED.set()


onerror:
    ENDED.set()
    tell_failures(log)


rule all:
    """Every table and figure of the scale, and the page that shows them."""
    default_target: True
    message:
        f"everything of {SCALE} is there"
    input:
        PAGE,
