"""A Riva server that hears one sentence whenever somebody speaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_riva import HEARS, running
from rigged import Rig, bare_context

from wyoming_servers.asr.riva_models import RivaAsrOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    with running() as server:
        yield Rig(RivaAsrOptions(uri=server.uri), bare_context(folder), heard=HEARS)
