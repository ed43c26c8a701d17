"""What a run asks of its process."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALLOCATE = """
import resource, torch
from a2d.process import prepare
{preparation}
def fill():
    torch.ones(2_000_000)  # 8 MB, taken and given back
for _ in range(3):
    fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(500):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, torch.get_num_threads())
"""


def page_faults(preparation: str) -> tuple[int, int]:
    code = ALLOCATE.format(preparation=preparation)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    faults, threads = done.stdout.split()
    return int(faults), int(threads)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is known from Linux alone")
def test_a_run_takes_no_memory_from_the_system_twice_and_has_one_thread() -> None:
    faults, threads = page_faults("prepare()")
    assert threads == 1
    # Untold, glibc would have mapped 8 MB anew each time: 500 times 1953 pages of 4 KiB.
    assert faults < 50_000
