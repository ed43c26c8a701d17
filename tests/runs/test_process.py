"""What a run asks of its process."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from a2d.errors import A2DError
from a2d.runs.process import accelerator_name, chosen_device

ALLOCATE = """
import resource, torch
from a2d.runs.process import prepare
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


def test_peak_memory_is_the_processs_own() -> None:
    """Not that of the process that started it, which Linux's getrusage would begin with."""
    code = "import numpy; from a2d.runs.process import peak_memory_mib; print(peak_memory_mib())"
    held = bytearray(b"x") * (1500 * 2**20)
    small = float(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
    )
    assert len(held) == 1500 * 2**20 and 50 < small < 1000
    more = code.replace("print", "a = numpy.ones(100 * 2**20, dtype=numpy.uint8); print")
    large = float(
        subprocess.run(
            [sys.executable, "-c", more], capture_output=True, text=True, check=True
        ).stdout
    )
    assert 90 < large - small < 110


def test_networks_are_trained_on_the_processor_unless_another_device_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("A2D_DEVICE", raising=False)
    assert chosen_device() == torch.device("cpu") and accelerator_name() is None
    monkeypatch.setenv("A2D_DEVICE", "meta")
    assert chosen_device() == torch.device("meta") and accelerator_name() == "meta"


@pytest.mark.parametrize("name", ["nonsense", "cuda:99", ""])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("A2D_DEVICE", name)
    with pytest.raises(A2DError, match=f"A2D_DEVICE={name}: PyTorch cannot use this device here"):
        chosen_device()
