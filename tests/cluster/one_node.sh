#!/usr/bin/env bash
# A SLURM cluster of one node, this machine, from Debian's packages, for one command.
#   tests/cluster/one_node.sh COMMAND...
# The packages stay (apt-get purge slurmctld slurmd slurm-client munge). All else goes when the command ends: the
# daemons, their scratch folder, and /etc/slurm/slurm.conf, a link into it; srun finds a configuration nowhere else.
set -euo pipefail

PACKAGES=(slurmctld slurmd slurm-client munge)
CONFIGURATION=/etc/slurm/slurm.conf

refuse() {
    echo "one_node.sh: $1" >&2
    exit 2
}

install_packages() {
    local missing=() package policy=/usr/sbin/policy-rc.d
    for package in "${PACKAGES[@]}"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null |
            grep -q "ok installed" ||
            missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    echo "one_node.sh: installs Debian's packages, which stay, not started: ${missing[*]}"
    if [ -e $policy ]; then
        policy=
    else
        printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
    fi
    export DEBIAN_FRONTEND=noninteractive
    local status=0
    {
        apt-get update -qq && apt-get install -qq --no-install-recommends "${missing[@]}"
    } >"$folder/apt.log" 2>&1 || status=1
    if [ -n "$policy" ]; then rm -f $policy; fi
    systemctl disable --quiet "${missing[@]/slurm-client/munge}" 2>/dev/null || true
    if [ $status != 0 ]; then
        tail -n 20 "$folder/apt.log" >&2
        refuse "apt-get could not install them"
    fi
}

configure() {
    # No accounting database, so sacct answers nothing. No cgroups, so that it runs in a container
    # too. The node claims to be large enough for a job of eight runs; as many as there are
    # processors run at a time.
    cat >"$folder/slurm.conf" <<CONF
ClusterName=onenode
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MinJobAge=300
KillWait=30
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=8 RealMemory=65536 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    mkdir "$folder/state" "$folder/spool"
}

start() {
    (umask 077 && head -c 1024 /dev/urandom >"$folder/munge.key")
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
        --seed-file="$folder/munged.seed"
    ln -s "$folder/slurm.conf" $CONFIGURATION
    slurmctld -c
    slurmd -c
    for _ in $(seq 60); do
        if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then return; fi
        sleep 0.5
    done
    tail -n 20 "$folder"/*.log >&2
    refuse "the node did not come up within 30 seconds"
}

# One that has ended is listed as a zombie until its parent asks how.
lives() { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null; }

# Ends the jobs, then the daemons named by their own files, and nothing else.
stop() {
    local folder=$1 name process
    scancel --user=root --quiet 2>/dev/null || true
    for _ in $(seq 100); do
        [ -n "$(timeout 10 squeue --noheader 2>/dev/null)" ] || break
        sleep 0.5
    done
    for name in slurmd slurmctld munged; do
        process=$(cat "$folder/$name.pid" 2>/dev/null) || continue
        kill "$process" 2>/dev/null || continue
        for _ in $(seq 50); do
            lives "$process" || break
            sleep 0.2
        done
        if lives "$process"; then kill -KILL "$process"; fi
    done
    rm -rf "$folder" $CONFIGURATION
}

# One that was killed before it could clean up.
stop_leftover() {
    local left
    left=$(readlink $CONFIGURATION || true)
    case $left in
        */one-node-slurm.*/slurm.conf) ;;
        *) refuse "$CONFIGURATION exists: this machine belongs to a cluster already" ;;
    esac
    left=$(dirname "$left")
    if lives "$(cat "$left/owner" 2>/dev/null)"; then
        refuse "one such cluster runs here already"
    fi
    stop "$left"
}

[ $# -gt 0 ] || refuse "name the command to run in the cluster"
[ "$(id -u)" = 0 ] && [ -x /usr/bin/apt-get ] ||
    refuse "needs Debian or Ubuntu, and root, for SLURM's daemons"
if [ -e $CONFIGURATION ] || [ -L $CONFIGURATION ]; then stop_leftover; fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/one-node-slurm.XXXXXX")
trap 'stop "$folder"' EXIT
echo $$ >"$folder/owner"
trap 'exit 130' INT TERM
install_packages
configure
start
version=$(sinfo --version | cut -d' ' -f2)
echo "one_node.sh: SLURM $version runs on this machine; no accounting database"
"$@"
