# The DAG: teachers, manual agents, searches, derived agents, tables and figures.
#
#   snakemake --cores all                               everything of the study scale
#   snakemake --cores all --config scale=smoke          another scale, a file in workflow/scales
#   snakemake --cores all --config scale=laptop fresh=fresh  trains a scale again, into fresh/
#   snakemake --cores all --config only=recorded        renders what is recorded, trains nothing
#   snakemake --cores all ablation_critic               one search method and what it derives
#   snakemake --cores all optimal_size                  one table or figure; also pareto, ...
#   snakemake --cores all --config scale=smoke -- pareto     with --config, targets follow a --
#   snakemake --list-rules                              the targets, and what each of them makes
#   snakemake -n -p                                     what would run; -p adds files and reasons
#
# A record's file name holds its run's key, so a stale run is a missing file: nothing else decides
# what runs. A rendering of other records lacks a manifest, so ask for it by name, not by its files.
# On `snakemake --lint`: every rule runs in the one environment that holds Snakemake and the
# library, pinned in constraints.txt, so none names a conda environment or a container.

include: "workflow/rules/common.smk"
include: "workflow/rules/repair.smk"
include: "workflow/rules/teacher.smk"
include: "workflow/rules/manual.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/derive.smk"
include: "workflow/rules/render.smk"


onstart:
    # Executed where jobs are about to be, so never in a dry run.
    from a2d.reading.claims import check_tests
    from a2d.study.cluster import check_cluster

    jobs = [job for job in workflow.dag.needrun_jobs() if "path" in job.params.keys()]
    resources = workflow.resource_settings
    with mistakes_in_a_line():
        check_tests(STUDY)
        if workflow.executor_plugin.name == "slurm":
            check_cluster(workflow.executor_settings)
            # Otherwise jobs that runs share do them one by one, within the time of one.
            workflow.executor_plugin.common_settings.pass_group_args = True
        else:
            # To limit how many jobs start a second, Snakemake weighs all that are ready every
            # second, once for each job that it has started: soon that takes a core of its own.
            workflow.scheduler.job_rate_limiter = None
        SESSION.start(
            wanted=[(STUDY.by_path[job.params.path], Path(job.output[-1])) for job in jobs],
            cores=resources.cores or resources.nodes or 1,
        )


onsuccess:
    SESSION.finish()


onerror:
    SESSION.fail(log)


rule all:
    """Every table and figure of the scale, and the page that shows them."""
    default_target: True
    message:
        f"everything of {SCALE} is there"
    input:
        rules.page.output,
        unrecorded(STUDY.runs.values()),
