"""A SLURM cluster of fake commands."""

from __future__ import annotations

from pathlib import Path


def command(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def configure(cluster: Path, age: str, storage: str, sacct: str | None) -> None:
    lines = (
        f"AccountingStorageType   = {storage}\nClusterName             = c\n"
        f"MinJobAge               = {age}\n"
    )
    command(cluster, "scontrol", f'[ "$1 $2" = "show config" ] || exit 3\nprintf "%s" "{lines}"')
    if sacct is not None:
        command(cluster, "sacct", sacct)
