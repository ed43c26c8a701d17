"""The scripts of ``tables/`` and ``figures/``, imported as what they are."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from tests.checkout import ROOT


def script(artifact: str) -> ModuleType:
    """Import a script of ``tables/`` or ``figures/`` as what it is."""
    spec = importlib.util.spec_from_file_location(
        artifact.replace("/", "_"), ROOT / f"{artifact}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
