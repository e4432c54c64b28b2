"""A Riva server whose voices hum."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_riva import running
from rigged import Rig, bare_context

from wyoming_servers.tts.riva_voices import RivaTtsOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    with running() as server:
        yield Rig(RivaTtsOptions(uri=server.uri), bare_context(folder))
