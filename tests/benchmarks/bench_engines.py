"""Piper and faster-whisper served by us, and by wyoming-piper and wyoming-faster-whisper, on the same made models."""

import asyncio
import functools
import itertools
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
from figures import Figure
from made_voice import make_piper_voice
from made_whisper import TINY, make_whisper
from rivals import Contestant, describe_times, rival, serving
from speech import silence, speak
from wyoming.client import AsyncClient
from wyoming.event import Event

_VOICE = "en_US-made-medium"
_VOICE_WIDTH = 1280  # the cost of a medium voice
_SENTENCE = "The weather in {} and {} will be fine."
_ANSWERS = {
    "three sentences": "The weather in {} and {} will be fine. It is going to rain in {} tomorrow. Take an umbrella with you.",
    "three sentences, a comma in the first": "It is sunny in {}, with a high of twenty in {}. Tomorrow it will rain in {}. Stay dry.",
}
_WORD_S = 0.05  # a local LLM's pace
_CHUNK_SAMPLES = 1600
_WARM_UP = 2
_ROUNDS = 10
_CROWDS = (1, 4, 16)
_DESCRIBES = 150
_REST_S = 0.3  # onnxruntime's threads spin on for a while after their work, at the cost of whoever comes next
_TOWNS = ("Berlin", "London", "Madrid", "Paris", "Rome", "Vienna", "Dublin", "Athens", "Oslo", "Prague", "Warsaw", "Lisbon")
_PAIRS = itertools.cycle(itertools.permutations(_TOWNS, 3))  # no text comes twice: nobody shall profit from a cache


def measure() -> list[Figure]:
    """First audio, transcripts, throughput, memory, `describe` under load; in turns, within one run."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_voices(Path(folder) / "voices")) + asyncio.run(_recognisers(Path(folder) / "recognisers"))


async def _voices(folder: Path) -> list[Figure]:
    model = folder / "models" / "piper" / _VOICE
    model.mkdir(parents=True)
    make_piper_voice(model / f"{_VOICE}.onnx", width=_VOICE_WIDTH)
    own = ("wyoming_servers", "serve", "tts", "--engine", "piper", "--no-zeroconf", "--set", f"models.folder={folder / 'models'}")
    own += ("--set", "cache_mb=0", "--set", "fallback=")  # the engine alone
    theirs = ("wyoming_piper", "--voice", _VOICE, "--data-dir", str(model), "--local-files-only")
    async with (
        serving("earshot", sys.executable, *own, log=folder / "earshot.log") as ours,
        serving("wyoming-piper", rival("wyoming-piper"), *theirs, log=folder / "rival.log") as other,
    ):
        pair = (ours, other)
        rows = await _in_turns("first audio, one sentence", pair, lambda uri: _first_audio(uri, [_text(_SENTENCE)]))
        for name, answer in _ANSWERS.items():
            at_once, word_by_word = (
                functools.partial(_first_of, answer=answer),
                functools.partial(_first_of, answer=answer, pause_s=_WORD_S),
            )
            rows += await _in_turns(f"first audio, {name}, given at once", pair, at_once, 0.5)
            rows += await _in_turns(f"first audio, {name}, 20 words a second", pair, word_by_word, 0.5)
        for size in _CROWDS:
            rows += await _in_turns(f"{size} clients, one answer each", pair, _crowd_of(size, _speech), rounds=3)
        rows += await _describe_under_load(pair, _speech)
        return rows + _memory("voice", pair)


async def _recognisers(folder: Path) -> list[Figure]:
    model = folder / "models" / "faster-whisper" / "tiny.en"
    make_whisper(model, size=TINY)
    own = ("wyoming_servers", "serve", "asr", "--engine", "faster-whisper", "--no-zeroconf", "--set", f"models.folder={folder / 'models'}")
    theirs = ("wyoming_faster_whisper", "--model", str(model), "--language", "en", "--data-dir", str(folder), "--compute-type", "int8")
    samples = np.concatenate((silence(0.3), speak("what time is it"), silence(0.6)))
    async with (
        serving("earshot", sys.executable, *own, "--set", "model=tiny.en", log=folder / "earshot.log") as ours,
        serving("wyoming-faster-whisper", rival("wyoming-faster-whisper"), *theirs, log=folder / "rival.log") as other,
    ):
        pair = (ours, other)
        live, at_once = (functools.partial(_transcript, samples=samples, live=live) for live in (True, False))

        async def four(uri: str) -> float:
            return float(np.median(await asyncio.gather(*(live(uri) for _ in range(4)))))

        rows = await _in_turns("last chunk to transcript, one client", pair, live)
        rows += await _in_turns("last chunk to transcript, four clients", pair, four)
        for size in _CROWDS:
            rows += await _in_turns(f"{size} clients, one command each", pair, _crowd_of(size, at_once), rounds=3)
        rows += await _describe_under_load(pair, at_once)
        return rows + _memory("recogniser", pair)


async def _in_turns(
    row: str, pair: Sequence[Contestant], ask: Callable[[str], Awaitable[float]], target: float = 1.0, rounds: int = _ROUNDS
) -> list[Figure]:
    """Asks them alternately; `ask` gives seconds."""
    times: dict[str, list[float]] = {one.name: [] for one in pair}
    for number in range(_WARM_UP + rounds):
        for one in pair if number % 2 else reversed(pair):
            await asyncio.sleep(_REST_S)
            seconds = await ask(one.uri)
            if number >= _WARM_UP:
                times[one.name].append(seconds * 1000)
    return _compared(row, "ms", [Figure(f"{row}: {name}", "ms", values) for name, values in times.items()], target)


def _compared(row: str, unit: str, both: Sequence[Figure], target: float = 1.0) -> list[Figure]:
    ours, other = both
    return [*both, Figure(f"{row}: ours to theirs", "ratio", [ours.median / other.median], target=target)]


async def _describe_under_load(pair: Sequence[Contestant], work: Callable[[str], Awaitable[float]]) -> list[Figure]:
    found = []
    for one in pair:
        load = [asyncio.create_task(_again_and_again(work, one.uri)) for _ in range(4)]
        times = await describe_times(one.uri, _DESCRIBES if one.name == "earshot" else _DESCRIBES // 10)
        for task in load:
            task.cancel()
        await asyncio.gather(*load, return_exceptions=True)
        found.append(Figure(f"describe while 4 clients are served: {one.name}", "ms", times))
        if one.name == "earshot":
            ordered = sorted(times)
            found.append(Figure("describe, 99 of 100: earshot", "ms", [ordered[round(0.99 * (len(ordered) - 1))]], target=50.0))
    return found


async def _again_and_again(work: Callable[[str], Awaitable[float]], uri: str) -> None:
    while True:
        await work(uri)


def _memory(what: str, pair: Sequence[Contestant]) -> list[Figure]:
    return _compared(f"memory, {what}", "MB", [Figure(f"memory, {what}: {one.name}", "MB", [one.memory_mb]) for one in pair])


def _crowd_of(size: int, ask: Callable[[str], Awaitable[float]]) -> Callable[[str], Awaitable[float]]:
    """Seconds until all of `size` clients have their answer."""

    async def crowd(uri: str) -> float:
        begun = time.perf_counter()
        await asyncio.gather(*(ask(uri) for _ in range(size)))
        return time.perf_counter() - begun

    return crowd


def _text(template: str) -> str:
    return template.format(*next(_PAIRS))


async def _first_of(uri: str, answer: str, pause_s: float = 0.0) -> float:
    text = _text(answer)
    return await _first_audio(uri, [f"{word} " for word in text.split()] if pause_s else [text], pause_s)


async def _first_audio(uri: str, fragments: Sequence[str], pause_s: float = 0.0) -> float:
    """Seconds from the first fragment to the first audio; reads the answer to its end."""
    async with AsyncClient.from_uri(uri) as client:
        begun = time.perf_counter()
        writing = asyncio.create_task(_write(client, fragments, pause_s))
        first = 0.0
        while (event := await client.read_event()) is not None and event.type != "synthesize-stopped":
            if event.type == "audio-chunk":
                first = first or time.perf_counter() - begun
        await writing
        if not first:
            raise RuntimeError(f"{uri} said nothing")
        return first


async def _write(client: AsyncClient, fragments: Sequence[str], pause_s: float) -> None:
    await client.write_event(Event("synthesize-start", {}))
    for fragment in fragments:
        await client.write_event(Event("synthesize-chunk", {"text": fragment}))
        if pause_s:
            await asyncio.sleep(pause_s)
    await client.write_event(Event("synthesize", {"text": "".join(fragments)}))
    await client.write_event(Event("synthesize-stop", {}))


async def _speech(uri: str) -> float:
    """Seconds until a sentence has been spoken."""
    begun = time.perf_counter()
    await _first_audio(uri, [_text(_SENTENCE)])
    return time.perf_counter() - begun


async def _transcript(uri: str, samples: np.ndarray, live: bool = True) -> float:
    """Seconds from the last chunk, or the first when it is not live, to the transcript."""
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("transcribe", {"language": "en"}))
        started = time.perf_counter()
        await client.write_event(Event("audio-start", {"rate": 16000, "width": 2, "channels": 1}))
        for start in range(0, len(samples), _CHUNK_SAMPLES):
            if live:
                await asyncio.sleep(max(0.0, started + start / 16000 - time.perf_counter()))
            pcm = samples[start : start + _CHUNK_SAMPLES].tobytes()
            await client.write_event(Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, pcm))
        await client.write_event(Event("audio-stop", {}))
        begun = time.perf_counter() if live else started
        while (event := await client.read_event()) is not None:
            if event.type == "transcript":
                if event.data["text"].strip() != "what time is it":
                    raise RuntimeError(f"{uri} heard {event.data['text']!r}")
                return time.perf_counter() - begun
    raise RuntimeError(f"{uri} hung up")
