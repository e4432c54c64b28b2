"""The openai recogniser with a server that behaves like Speaches."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_openai import FakeOpenAi
from fake_web import serving
from rigged import Rig, bare_context

from wyoming_servers.asr.openai_api import OpenAiAsrOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """One running server."""
    with serving(FakeOpenAi()) as server:
        yield Rig(OpenAiAsrOptions(uri=server.uri), bare_context(folder), heard="What time is it?", extra={"server": server})
