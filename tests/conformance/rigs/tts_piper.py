"""Piper with two small voices: one with two speakers, one of another language."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from made_voice import make_piper_voice
from rigged import Rig, bare_context

from wyoming_servers.tts.piper import PiperOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    voices = folder / "models" / "piper"
    make_piper_voice(voices / "en_US-made-medium" / "en_US-made-medium.onnx", speakers=("anna", "bert"))
    make_piper_voice(voices / "de_DE-made-medium" / "de_DE-made-medium.onnx", language="de_DE", espeak="de")
    yield Rig(PiperOptions(), bare_context(folder))
