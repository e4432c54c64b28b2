"""faster-whisper on a made model that hears "what time is it" in all speech."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from made_whisper import SENTENCE, make_whisper
from rigged import Rig, bare_context

from wyoming_servers.asr.whisper import FasterWhisperOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """The engine with the model of its default preset."""
    make_whisper(folder / "models" / "faster-whisper" / "tiny.en")
    yield Rig(FasterWhisperOptions(threads=1), bare_context(folder), heard=SENTENCE)
