"""What ``--config`` cannot mean is refused, with what to write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from snakemake.cli import parse_config

from a2d.errors import A2DError
from a2d.study.options import read_options


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("fresh=0", "fresh=0: should be a folder"),
        ("fresh=", "fresh=: should be a folder"),
        ("fresh=True", "fresh=True: should be a folder"),
        ("fresh=.", "fresh=.: holds the recorded runs"),
        ("fresh=results/x", "fresh=results/x: holds the recorded runs"),
        ("only=0", "only=0: should be only=recorded"),
        ("scale=1", "scale=1: should be the name of a scale, as in scale=smoke"),
        ("frsh=x", "frsh=x: is not known; there are scale, fresh, only"),
    ],
)
def test_a_value_as_snakemake_reads_it(
    config: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(A2DError, match=re.escape(says)):
        read_options(parse_config([config]), tmp_path)
