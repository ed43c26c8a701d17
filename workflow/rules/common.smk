# The study of the chosen scale, where its files lie, and what the rules ask about them.
import fcntl
import os
import re
import sys
import threading
import time
from pathlib import Path

from snakemake.logging import logger

from a2d.study.cluster import check_interpreter, check_status_query
from a2d.errors import A2DError
from a2d.files import fingerprint
from a2d.runs.workflow_process import WORKFLOW_VARIABLE, name_process
from a2d.study.forecast import words
from a2d.study.repair import find_damage, restore_architectures
from a2d.reading.rendering.artifacts import runs_of
from a2d.study.definitions import ARTIFACTS
from a2d.specs.run import key_of, search_of
from a2d.study.study import load_study
from a2d.study.progress import tell_progress
from a2d.study.snakemake_log import speak_plainly
from a2d.study.options import read_options, unwritable
from a2d.study.workspace import Workspace

os.environ.update(
    # Jobs run in the environment of this Snakemake, activated or not.
    PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    # A run whose workflow was killed stops as well, with its state saved, and leaves its place to the next one.
    **{WORKFLOW_VARIABLE: name_process(os.getpid())},
)
CHECKOUT = Path(workflow.basedir).resolve()
ENDED = threading.Event()
try:
    OPTIONS = read_options(config, CHECKOUT)
    STUDY = load_study(OPTIONS.scale, CHECKOUT)
except A2DError as error:
    sys.exit(f"a2d: {error}")

SCALE, BASE, ONLY_RECORDED = OPTIONS.scale, OPTIONS.base, OPTIONS.only_recorded
FILES = Workspace(results=BASE / "results", runs=BASE / "runs")
LOGS = FILES.runs / "logs" / SCALE
# Snakemake deletes what a job is about to write, even what another workflow has finished since: one at a time, then,
# in these folders. The system releases the lock of a process that ends, however it ends.
# (Snakemake itself knows only later that it is only to look.)
LOOKS = r"--dry-?run|-[A-Za-z]*n[A-Za-z]*|--(list-.*|lint|(detailed-)?summary|report.*|.*dag|rulegraph|filegraph)"
LOOKING = any(re.fullmatch(LOOKS, argument) for argument in sys.argv)
if workflow.is_main_process:
    JOBS = speak_plainly(logger, workflow.output_settings.printshellcmds or workflow.output_settings.verbose)
    for folder, problem in unwritable(Path(".snakemake"), *([] if LOOKING else [FILES.runs])):
        sys.exit(f"a2d: {folder}: cannot be written to ({problem}). {OPTIONS.elsewhere}")
if workflow.is_main_process and not LOOKING and not ONLY_RECORDED:
    try:
        WORKFLOW_LOCK = (FILES.runs / ".workflow.lock").open("w")
        fcntl.flock(WORKFLOW_LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"a2d: another workflow trains into {FILES.results}; wait for it to end, or add --config only=recorded")
    restore_architectures(STUDY, FILES)

NOW = FILES.runs / ".now"


def outdate(paths):
    """Make files older than NOW, an input of the rules that make them, whatever their times say."""
    NOW.parent.mkdir(parents=True, exist_ok=True)
    NOW.write_text(str(time.time_ns()))  # Snakemake takes a newer file of the same content for no news
    for path in paths:
        if path.exists():
            os.utime(path, (10**9, 10**9))


# What is damaged is made again; nothing is trained where only=recorded.
DAMAGED = {} if ONLY_RECORDED else find_damage(STUDY, FILES)
for path, problem in DAMAGED.items():
    print(f"a2d: {problem}", file=sys.stderr)
    outdate([path, *path.glob("*")])

RUNS_BY_PATH = {run.path: run for run in STUDY.runs.values()}
TEACHERS = {run.key: run for run in STUDY.runs.values() if run.stage == "teacher"}
# Where each run's record is, under this scale's name or another's, or will be.
RECORDS = {key: FILES.find(run) or FILES.record(run) for key, run in STUDY.runs.items()}
RUN = (
    "a2d run {params.path:q} --root {params.root:q} --results {params.results:q} --runs {params.runs:q}"
    " > {log:q} 2>&1"
)


wildcard_constraints:
    task=r"[^/]+",
    method=r"[^/]+",
    name=r"seed\d+-[0-9a-f]+",


def checkout_path(*parts):
    """A file of the checkout, relative where Snakemake was started there."""
    return Path(*parts) if Path.cwd().samefile(CHECKOUT) else CHECKOUT.joinpath(*parts)


def records(runs):
    """The records that a rendering needs; with only=recorded those that there are, so that nothing trains."""
    paths = [RECORDS[run.key] for run in runs]
    return [path for path in paths if path.exists()] if ONLY_RECORDED else paths


def run_of(wildcards):
    return RUNS_BY_PATH[f"{SCALE}/{wildcards.task}/{wildcards.method}/{wildcards.name}.json"]


def words_of(run):
    return words(run, STUDY.tasks[run.spec.task.name].title)


def after_damage(path):
    return [NOW] if path in DAMAGED else []


def needs(wildcards):
    """The teacher's weights and the search's record that a run starts from.

    A recorded run needs nothing: a teacher rebuilt for one student must not repeat the others.
    """
    run = run_of(wildcards)
    if FILES.record(run).exists() and FILES.record(run) not in DAMAGED:
        return []
    needed = after_damage(FILES.record(run))
    needed += [] if run.spec.teacher is None else [FILES.bundle(run.spec.teacher) / "agent.json"]
    search = search_of(run.spec)
    if search is not None:
        needed.append(RECORDS[key_of(search)])
    return needed


def teacher_record(wildcards):
    run = run_of(wildcards)
    record = FILES.record(run)
    if record.exists() and record not in DAMAGED:
        return []
    return [FILES.bundle(run.spec) / "record.json", *after_damage(record)]


def minutes(run):
    """A cluster's time limit: a slow core's 200 steps a second, and ten minutes for start and evaluation."""
    return 10 + run.spec.steps // (200 * 60)


# Runs that may last no longer share a job on a cluster: starting one takes longer than such a run.
SHORT_MINUTES = 20


def shared_job(run):
    """Name the job that a short run shares with others of its kind, none of which waits for another.

    Only where a profile says how many do.
    """
    kind = run.method.partition("-")[0]
    return kind if kind in workflow.group_settings.group_components and minutes(run) <= SHORT_MINUTES else None


def prepare_cluster():
    """Refuse a cluster whose jobs could not start, or would not say how they ended; let short runs share jobs."""
    settings, plugin = workflow.executor_settings, workflow.executor_plugin
    try:
        check_interpreter(sys.executable)
        check_status_query(settings.status_command, settings.init_seconds_before_status_checks)
    except A2DError as error:
        sys.exit(f"a2d: {error}")
    # Otherwise a job is not told --group-components, and does its runs one by one within the time of one.
    plugin.common_settings.pass_group_args = True


SUFFIXES = {"figures": ("png", "pdf", "txt"), "tables": ("csv", "md", "tex", "html")}


def rendered(artifact):
    kind, name = artifact.split("/")
    return [BASE / kind / SCALE / f"{name}.{suffix}" for suffix in SUFFIXES[kind]]


def rendered_as(name):
    """The files of all artifacts of one name."""
    return [path for artifact in ARTIFACTS if Path(artifact).name == name for path in rendered(artifact)]


def stamp(name):
    return FILES.runs / ".rendered" / SCALE / f"{name}.txt"


def after_other_records(name, runs, outputs):
    """Records that were exchanged or deleted since a rendering need not be newer than it; its stamp tells."""
    path = stamp(name)
    if path.exists() and path.read_text() != fingerprint(RECORDS[run.key] for run in runs):
        outdate(outputs)
        return [NOW]
    return []


def wanted_runs():
    """The runs that this workflow is to do, each with the record that ends it."""
    jobs = [job for job in workflow.dag.needrun_jobs() if "path" in job.params.keys()]
    return [(RUNS_BY_PATH[job.params.path], Path(job.output[-1])) for job in jobs]


def most_at_a_time():
    return workflow.resource_settings.cores or workflow.resource_settings.nodes or 1


def tell_failures(account):
    """Say what to do, then of each failed job which it is, its own error and its log."""
    print(
        f"a2d: not all of it is done. `{OPTIONS.plan}` lists what is missing; the same command tries that again, each"
        f" run from where it stopped. To render what there is: --config only=recorded. Snakemake's own account:"
        f" {', '.join(map(os.path.relpath, account))}",
        *("\n  ".join([f"failed: {job}", error, log]) for job, error, log in JOBS.failures()),
        sep="\n",
        file=sys.stderr,
    )
