"""The whisper-cpp recogniser with a server that behaves like whisper-server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_web import serving
from fake_whisper_cpp import FakeWhisperCpp
from rigged import Rig, bare_context

from wyoming_servers.asr.whisper_cpp import WhisperCppOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """One running server."""
    with serving(FakeWhisperCpp()) as server:
        yield Rig(WhisperCppOptions(uri=server.uri), bare_context(folder), heard="What time is it?", extra={"server": server})
