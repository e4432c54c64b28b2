"""Kokoro with a small network and four voices."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from made_voice import make_kokoro
from rigged import Rig, bare_context

from wyoming_servers.tts.kokoro import KokoroOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    make_kokoro(folder / "models" / "kokoro" / "kokoro-made")
    yield Rig(KokoroOptions(), bare_context(folder))
