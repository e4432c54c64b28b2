"""A recogniser that stands on ours: the phrases, served by the real server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rigged import Rig, bare_context
from upstreams import real

from wyoming_servers.asr.server import AsrService
from wyoming_servers.asr.wyoming_upstream import WyomingOptions
from wyoming_servers.shared.settings import AsrSection


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    pytest.importorskip("pocketsphinx", reason="the server this engine stands on in tests needs pocketsphinx")
    context = bare_context(folder)
    with real(lambda: AsrService(AsrSection(engine="phrases", streams=4, longest_s=60), context)) as uri:
        yield Rig(WyomingOptions(uri=uri), bare_context(folder), heard="what time is it")
