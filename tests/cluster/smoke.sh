#!/usr/bin/env bash
# The smoke scale from nothing on the SLURM cluster of one_node.sh, in a copy of the working tree.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d "${TMPDIR:-/tmp}/a2d-cluster.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
        if [ -e "$file" ]; then printf '%s\0' "$file"; fi
    done | tar -c --null -T - | tar -x -C "$scratch"
rm -rf "$scratch/results/smoke"

python=$PWD/.venv/bin/python one_node=$PWD/tests/cluster/one_node.sh
cd "$scratch"
"$one_node" "$python" -m snakemake --profile profiles/slurm --config scale=smoke 2>&1 |
    tee "$scratch/log"

submitted=$(grep -c "has been submitted with SLURM jobid" "$scratch/log" || true)
runs=$(find results/smoke -name 'seed*.json' ! -name '*.arch.json' | wc -l)
echo "smoke.sh: $runs runs in $submitted jobs, $SECONDS seconds"
"$python" -c 'from a2d.cli import main; main()' plan --scale smoke --missing
