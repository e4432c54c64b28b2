"""A whole turn with other people's servers as peers: wyoming-faster-whisper hears, wyoming-piper speaks, both as PyPI has them."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from made_voice import make_piper_voice
from made_whisper import Hearing, make_whisper
from rivals import rival, serving
from turn.day import Day, running
from turn.engines import engines_here
from turn.house import Answer
from turn.profile import load
from turn.scenes import Scene, house_of
from turn.stage import Stage

_VOICE = "en_US-made-medium"
COMMAND = Scene("command", "", ("what time is it",), Answer("It is twelve fifteen."))
LONG = "It is going to rain in the afternoon. Take an umbrella with you. Tomorrow will be dry."


@pytest.fixture(scope="module")
def stock() -> dict[str, Path]:
    """The Pythons of their environments; the test is skipped where they cannot be installed."""
    try:
        return {name: rival(name) for name in ("wyoming-faster-whisper", "wyoming-piper")}
    except subprocess.CalledProcessError as err:
        pytest.skip(f"they cannot be installed: {err}")


@asynccontextmanager
async def house_with_stock_peers(stock: dict[str, Path], tmp_path: Path, answer: Answer) -> AsyncIterator[Stage]:
    """Models are made here: one that hears one sentence, and one that speaks in tones."""
    make_whisper(tmp_path / "whisper", Hearing(sentence="what time is it"))
    make_piper_voice(tmp_path / "voices" / f"{_VOICE}.onnx")
    hears = ("wyoming_faster_whisper", "--model", str(tmp_path / "whisper"), "--language", "en", "--data-dir", str(tmp_path))
    speaks = ("wyoming_piper", "--voice", _VOICE, "--data-dir", str(tmp_path / "voices"), "--local-files-only")
    scenes = (Scene("command", "", COMMAND.parts, answer),)
    house = house_of(load("zero"), scenes)
    async with (
        serving("asr", stock["wyoming-faster-whisper"], *hears, "--compute-type", "int8", log=tmp_path / "asr.log") as asr,
        serving("tts", stock["wyoming-piper"], *speaks, log=tmp_path / "tts.log") as tts,
        engines_here(house, tmp_path) as engines,
    ):
        engines.uris = {**engines.uris, "asr": asr.uri, "tts": tts.uri}
        async with running("ours", Day(house, engines)) as day:
            yield Stage(day, scenes)


@pytest.mark.slow
@pytest.mark.parametrize("answer", [COMMAND.answer, Answer(LONG, "llm", prospect="sentence")], ids=["short", "streamed"])
async def test_a_turn_with_stock_servers_is_heard_and_spoken(stock, tmp_path, answer):
    (tmp_path / "voices").mkdir()
    async with asyncio.timeout(100), house_with_stock_peers(stock, tmp_path, answer) as stage:
        for turn in range(2):  # the second finds out whether the first left anything behind
            _, ended = stage.say("command")
            await stage.until(lambda turn=turn: len(stage.reports) > turn)
            report = stage.reports[-1]
            assert (report.ended, report.transcript, report.answer) == ("answered", "what time is it", answer.text)
            assert stage.heard_since(ended)
            await stage.pass_by(1.0)
