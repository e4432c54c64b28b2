"""The openai voice with a server that behaves like Kokoro-FastAPI."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_openai import FakeOpenAi
from fake_web import serving
from rigged import Rig, bare_context

from wyoming_servers.tts.openai_api import OpenAiTtsOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """One running server."""
    with serving(FakeOpenAi()) as server:
        yield Rig(OpenAiTtsOptions(uri=server.uri), bare_context(folder), extra={"server": server})
