# The study of the chosen scale, and where its files lie.
import fcntl
import os
import re
import sys
import time
from pathlib import Path

from a2d.cluster import check_status_query
from a2d.errors import A2DError
from a2d.lifetime import WORKFLOW_VARIABLE, name_process
from a2d.plan import find_damage, restore_architectures
from a2d.spec import key_of, search_of
from a2d.study import load_study
from a2d.workspace import Workspace

# Jobs run in the environment of this Snakemake, activated or not.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# A run whose workflow was killed stops as well, with its state saved, and leaves its place to the next one.
os.environ[WORKFLOW_VARIABLE] = name_process(os.getpid())

SCALE = config.get("scale", "laptop")
FRESH = config.get("fresh")
ONLY = config.get("only")
# A fresh repetition goes to a folder of its own, and leaves the recorded evidence alone.
BASE = Path(FRESH) if FRESH else Path()

UNKNOWN = set(config) - {"scale", "fresh", "only"}
if UNKNOWN or ONLY not in (None, "recorded"):
    sys.exit(f"a2d: --config takes scale=NAME, fresh=FOLDER and only=recorded, not {config}")

try:
    STUDY = load_study(SCALE, Path(workflow.basedir))
except A2DError as error:
    sys.exit(f"a2d: {error}")

FILES = Workspace(results=BASE / "results", runs=BASE / "runs")
# Snakemake deletes what a job is about to write, even what another workflow has finished since: one at a time, then,
# in these folders. The system releases the lock of a process that ends, however it ends.
# (Snakemake itself knows only later that a run is a dry one.)
DRY = any(re.fullmatch(r"--dry-?run|-[A-Za-z]*n[A-Za-z]*", argument) for argument in sys.argv)
if workflow.is_main_process and not DRY and not ONLY:
    try:
        FILES.runs.mkdir(parents=True, exist_ok=True)
        WORKFLOW_LOCK = (FILES.runs / ".workflow.lock").open("w")
        fcntl.flock(WORKFLOW_LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"a2d: another workflow trains into {FILES.results}; wait for it to end, or add --config only=recorded")
    except OSError as error:
        sys.exit(f"a2d: {FILES.runs}: cannot be written to ({error.strerror}); --config fresh=FOLDER names another place")
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
DAMAGED = {} if ONLY else find_damage(STUDY, FILES)
for path, problem in DAMAGED.items():
    print(f"a2d: {problem}", file=sys.stderr)
    outdate([path, *path.glob("*")])

RUNS_BY_PATH = {run.path: run for run in STUDY.runs.values()}
RUN = "a2d run {params.path:q} --results {params.results:q} --runs {params.runs:q}"


wildcard_constraints:
    task=r"[^/]+",
    method=r"[^/]+",
    name=r"seed\d+-[0-9a-f]+",


def records(runs):
    """The records that a rendering needs; with only=recorded those that there are, so that nothing trains."""
    paths = [FILES.record(run) for run in runs]
    return [path for path in paths if path.exists()] if ONLY == "recorded" else paths


def run_of(wildcards):
    return RUNS_BY_PATH[f"{SCALE}/{wildcards.task}/{wildcards.method}/{wildcards.name}.json"]


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
        needed.append(FILES.record(STUDY.runs[key_of(search)]))
    return needed


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
    """Refuse a cluster that would not say how jobs ended; see to it that short runs share jobs."""
    settings, plugin = workflow.executor_settings, workflow.executor_plugin
    try:
        check_status_query(settings.status_command, settings.init_seconds_before_status_checks)
    except A2DError as error:
        sys.exit(f"a2d: {error}")
    # Otherwise a job is not told --group-components, and does its runs one by one within the time of one.
    plugin.common_settings.pass_group_args = True


onstart:
    if workflow.executor_plugin.name == "slurm":
        prepare_cluster()
