# The study of the chosen scale, where its files lie, and what each run starts from.
from functools import cache
from pathlib import Path

from snakemake.logging import logger

from a2d.study.cluster import minutes, shared_job
from a2d.study.lock import check_writable
from a2d.study.options import read_options
from a2d.study.repair import find_damage
from a2d.study.session import Session, mistakes_in_a_line, prepare_jobs
from a2d.study.snakemake_log import speak_plainly
from a2d.study.study import load_study
from a2d.study.workspace import Workspace

prepare_jobs()
CHECKOUT = Path(workflow.basedir).resolve()
with mistakes_in_a_line():
    OPTIONS = read_options(config, CHECKOUT)
    STUDY = load_study(OPTIONS.scale, CHECKOUT)
SCALE, BASE = OPTIONS.scale, OPTIONS.base
FILES = Workspace(results=BASE / "results", runs=BASE / "runs")
LOGS = FILES.runs / "logs" / SCALE
TEACHERS = {run.key: run for run in STUDY.runs.values() if run.stage == "teacher"}
# Where each run's record is, under this scale's name or another's, or will be.
RECORDS = {key: FILES.find(run) or FILES.record(run) for key, run in STUDY.runs.items()}


def run_command(options=""):
    """Return a run's command; its log ends in how it failed, as error_in() reads it."""
    return (
        "a2d run {params.path:q} --root {params.root:q} --results {params.results:q}"
        f" --runs {{params.runs:q}} {options} > {{log:q}} 2>&1"
        " || {{ status=$?; echo exit status $status >> {log:q}; exit $status; }}"
    )


DAMAGED = []
if workflow.is_main_process:  # no job that a cluster starts
    with mistakes_in_a_line():
        check_writable(Path(".snakemake"), OPTIONS.elsewhere)
    SESSION = Session(OPTIONS, STUDY, FILES, speak_plainly(logger, workflow.output_settings))
    if not OPTIONS.only_recorded:
        DAMAGED = find_damage(STUDY, FILES)


wildcard_constraints:
    task=r"[^/]+",
    method=r"[^/]+",
    name=r"seed\d+-[0-9a-f]+",


def run_of(wildcards):
    return STUDY.by_path[f"{SCALE}/{wildcards.task}/{wildcards.method}/{wildcards.name}.json"]


def aside(path):
    """The note that is written when a damaged file is set aside; nothing for a sound one."""
    return [damage.note for damage in DAMAGED if damage.path == path]


def sound(path):
    """A file to build on. While it, or its folder, is damaged, the note is needed as well.

    The note is missing, so that the file is set aside, and whatever writes it comes after.
    """
    return [path, *aside(path), *aside(path.parent)]


@cache
def is_whole(path):
    """Whether a file is there, and not to be set aside."""
    return path.exists() and not aside(path)


def records(runs):
    """The records that a target is; with only=recorded those that exist, to train nothing."""
    paths = [RECORDS[run.key] for run in runs]
    if OPTIONS.only_recorded:
        return [path for path in paths if path.exists()]
    return [file for path in paths for file in sound(path)]


def unrecorded(runs):
    """Of their records those to be made first, by what shows them.

    Its manifest says which ones it is of: Snakemake would weigh thousands of files for nothing.
    """
    if OPTIONS.only_recorded:
        return []
    paths = [RECORDS[run.key] for run in runs]
    return [file for path in paths if not is_whole(path) for file in sound(path)]


def needs(wildcards):
    """What a run starts from: its teacher's weights, its search's record.

    A recorded run needs nothing: a teacher rebuilt for one student must not repeat the others.
    """
    run = run_of(wildcards)
    if is_whole(FILES.record(run)):
        return []
    source, needed = STUDY.sources.get(run.key), aside(FILES.record(run))
    if run.stage == "teacher":
        needed += sound(FILES.agent_folder(run.spec) / "record.json")
    if run.spec.teacher is not None:
        needed += sound(FILES.agent_folder(run.spec.teacher) / "agent.json")
    if source is not None:
        needed += sound(RECORDS[source])
    return needed


def group_of(run):
    return shared_job(run, workflow.group_settings.group_components)
