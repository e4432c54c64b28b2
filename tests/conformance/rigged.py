"""What an engine stands on in the conformance suites: small model files, a server to talk to, or nothing but its defaults.

An engine that cannot run from its defaults on a bare machine has a module `rigs/<kind>_<engine>.py` with `rig(folder)`, a context
manager that makes what it needs in that folder and gives a Rig. Every other engine needs nothing here.
"""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wyoming_servers.shared.engines import EngineContext, EngineSpec
from wyoming_servers.shared.models import ModelStore
from wyoming_servers.shared.settings import ModelsSection

_RIGS = Path(__file__).parent / "rigs"


@dataclass(frozen=True)
class Rig:
    """What an engine is made with."""

    options: Any
    context: EngineContext
    heard: str = ""
    """asr: what it must hear in `speak("what time is it")`; empty: not checked."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Whatever else the engine's own tests want of it."""


def bare_context(folder: Path, **known: Any) -> EngineContext:
    """The context of a house whose owner has nothing but what lies in `folder`; models are in `folder/models/<engine>/<name>/`."""
    return EngineContext(data_dir=folder, store=ModelStore(ModelsSection(folder=str(folder / "models"), offline=True)), **known)


@contextmanager
def rigged(kind: str, spec: EngineSpec, folder: Path) -> Iterator[Rig]:
    """The rig of one engine; skips when it cannot run here, saying what it lacks."""
    if missing := spec.missing():
        pytest.skip(f"{spec.name} needs {', '.join(missing)}: {spec.install_command()}")
    file = _RIGS / f"{kind}_{spec.name.replace('-', '_')}.py"
    if file.exists():
        with _module(file).rig(folder) as rig:
            yield rig
        return
    rig = Rig(spec.load_class().Options(), bare_context(folder))
    if reason := spec.lacks(rig.options, rig.context):
        pytest.skip(f"{spec.name} {reason}")
    yield rig


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"rigs_{file.stem}", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
