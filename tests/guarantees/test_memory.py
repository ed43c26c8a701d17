"""Nothing that our networks ask of PyTorch writes past its memory, under an allocator that checks.

The faulty gradient of https://github.com/uxlfoundation/oneDNN/issues/6035 passes unnoticed where
the processor has AVX-512, so the shapes are also run with the vector width of those that have not.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from a2d.environments import make_environment
from a2d.networks.interface import interface_of
from a2d.specs.task import load_card
from tests.checkout import ROOT

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        platform.libc_ver()[0] != "glibc", reason="the allocator that checks is glibc's"
    ),
]
LIBRARY = "libc_malloc_debug.so.0"  # since glibc 2.34; in earlier ones the variable alone suffices
CHECKED = {"MALLOC_CHECK_": "3", "LD_PRELOAD": LIBRARY}
NARROW = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
OVERFLOW = """
import ctypes, torch
tensor = torch.zeros(100, dtype=torch.uint8)
ctypes.memset(tensor.data_ptr(), 1, 100 + {beyond})
del tensor
"""


def run_checked(
    *arguments: str, text: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=os.environ | CHECKED | variables, cwd=ROOT, input=text,
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip


def interfaces() -> str:
    """Return one interface a line for every kind of observation in ``envs/``."""
    found: dict[tuple[int, ...], str] = {}
    for path in sorted((ROOT / "envs").glob("*.yaml")):
        card = load_card(path)
        environments = make_environment(card, 1, 0)
        interface = interface_of(environments, card.normalize_observations)
        environments.close()
        found.setdefault(interface.observation_shape, interface.model_dump_json())
    assert {(4, 10, 10), (10, 10, 10), (4, 84, 84)} <= found.keys() and len(found) >= 10
    return "\n".join(found.values())


@pytest.mark.parametrize("beyond", [0, 1])
def test_the_allocator_notices_a_single_byte(beyond: int) -> None:
    """Without this, passing the test below would say nothing."""
    ended = run_checked("-c", OVERFLOW.format(beyond=beyond))
    assert (ended.returncode == 0) is (beyond == 0), ended.stderr
    assert "cannot be preloaded" not in ended.stderr, (
        f"{LIBRARY} is missing; it comes with glibc: Debian's libc6"
    )


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="as it is"),
        pytest.param(NARROW, id="AVX2", marks=pytest.mark.slow),
    ],
)
def test_no_shape_of_a_network_writes_past_its_memory(variables: dict[str, str]) -> None:
    text = interfaces()
    ended = run_checked("-X", "faulthandler", "-m", "tests.every_shape", text=text, **variables)
    assert ended.returncode == 0, f"after {ended.stdout}: {ended.stderr[-3000:]}"
    assert len(ended.stdout.splitlines()) == len(text.splitlines())
