"""A voice that stands on ours: espeak-ng, served by the real server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rigged import Rig, bare_context
from upstreams import real

from wyoming_servers.shared.settings import TtsSection
from wyoming_servers.tts.server import TtsService
from wyoming_servers.tts.wyoming_upstream import WyomingOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    context = bare_context(folder)
    with real(lambda: TtsService(TtsSection(engine="espeak", streams=4), context)) as uri:
        yield Rig(WyomingOptions(uri=uri), bare_context(folder))
