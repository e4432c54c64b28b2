"""The vibevoice voice with a server that behaves like Microsoft's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_vibevoice import FakeVibeVoice
from fake_web import serving
from rigged import Rig, bare_context

from wyoming_servers.tts.vibevoice import VibeVoiceOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """One running server."""
    with serving(FakeVibeVoice()) as server:
        yield Rig(VibeVoiceOptions(uri=server.uri.replace("http", "ws")), bare_context(folder), extra={"server": server})
