"""Phrases that are kept on disk, and fixed replies made while nobody speaks: over real sockets, a scripted voice."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tts_fakes import RATE_HZ, TIMEOUT_S, ScriptedEngine, ask, happened, pcm, receive, scripted, service, stream, synthesize, types, until
from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.responses import apologies
from wyoming_servers.shared.schema import option
from wyoming_servers.tts.engine import AudioBlock, TtsRequest
from wyoming_servers.tts.rehearsal import fixed_replies

WHOLE = ["audio-start", "audio-chunk", "audio-stop"]
REPLIES = """\
language: en
responses:
  toy:
    done: "It is done, and well done."
    unknown: "Nobody knows {what}."
    word: "hello"
    nested: {one: "All is wait and see.", list: ["Really?", "No idea."]}
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "phrases"


@pytest.fixture
def context(tmp_path) -> EngineContext:
    (tmp_path / "intents" / "en").mkdir(parents=True)
    (tmp_path / "intents" / "en" / "toy.yaml").write_text(REPLIES, "utf-8")
    return EngineContext(intents_dirs=(tmp_path / "intents",))


def spoken(engine) -> list[str]:
    return [request.text for request in engine.requests]


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.phrase"))


async def say_twice(uri: str, folder: Path, text: str = "Hello there.", **data) -> bytes:
    """Has a phrase kept."""
    have = len(kept(folder))
    await ask(uri, synthesize(text, **data))
    answer = await ask(uri, synthesize(text, **data))
    await until(uri, lambda: len(kept(folder)) > have)
    return pcm(answer)


async def test_what_is_said_a_third_time_comes_from_the_disk(serving, folder):
    engine = scripted()
    async with serving(service(engine, phrases=folder)) as uri:
        sound = await say_twice(uri, folder)
        answer = await ask(uri, synthesize("Hello there."))
        assert types(answer) == WHOLE
        assert pcm(answer) == sound
        assert spoken(engine) == ["Hello there."] * 2


async def test_what_is_said_once_is_not_kept(serving, folder):
    async with serving(service(scripted(), phrases=folder)) as uri:
        await ask(uri, synthesize("Your code is 1 2 3."))
        await say_twice(uri, folder)
        assert len(kept(folder)) == 1


async def test_a_kept_sentence_is_used_inside_of_a_longer_answer(serving, folder):
    engine = scripted()
    async with serving(service(engine, phrases=folder)) as uri:
        await say_twice(uri, folder)
        answer = await ask(uri, *stream("Hello there. ", "And more."))
        assert types(answer) == [*WHOLE, "synthesize-stopped"]
        assert spoken(engine)[2:] == ["And more."]


async def test_phrases_outlive_the_server(serving, folder):
    async with serving(service(scripted(), phrases=folder)) as uri:
        await say_twice(uri, folder)
    engine = scripted()
    async with serving(service(engine, phrases=folder)) as uri:
        assert types(await ask(uri, synthesize("Hello there."))) == WHOLE
        assert spoken(engine) == []


@pytest.mark.parametrize("voice", [{"name": "bert"}, {"name": "anna", "speaker": "loud"}])
async def test_another_voice_or_speaker_has_phrases_of_its_own(serving, folder, voice):
    engine = scripted()
    async with serving(service(engine, phrases=folder)) as uri:
        await say_twice(uri, folder)
        await ask(uri, synthesize("Hello there.", voice=voice))
        assert len(engine.requests) == 3


@dataclass(frozen=True)
class Paced:
    pace: float = option(1.0, "how fast")
    key: str = option("", "how secret", secret=True)


async def test_settings_of_the_engine_that_change_its_sound_have_phrases_of_their_own(serving, folder):
    engine = type("Engine", (scripted(),), {"Options": Paced})
    async with serving(service(engine, phrases=folder, engines={"scripted": {"key": "a"}})) as uri:
        await say_twice(uri, folder)
    for options, asked in (({"key": "b"}, 0), ({"pace": 2}, 1)):
        engine.requests.clear()
        async with serving(service(engine, phrases=folder, engines={"scripted": options})) as uri:
            await ask(uri, synthesize("Hello there."))
            assert len(engine.requests) == asked


@pytest.mark.parametrize("damage", [lambda content: content[:-2], lambda content: content[:100] + b"x" + content[101:], lambda _: b""])
async def test_a_damaged_phrase_is_dropped_and_said_anew(serving, folder, damage):
    engine = scripted()
    async with serving(service(engine, phrases=folder)) as uri:
        sound = await say_twice(uri, folder)
        path = kept(folder)[0]
        path.write_bytes(damage(path.read_bytes()))
        assert pcm(await ask(uri, synthesize("Hello there."))) == sound
        assert len(engine.requests) == 3
        await until(uri, lambda: kept(folder))
        assert pcm(await ask(uri, synthesize("Hello there."))) == sound
        assert len(engine.requests) == 3


@pytest.mark.parametrize("text", ["please fail", "silent words", "A long sentence that is not often said " * 6 + "."])
async def test_failures_and_long_texts_are_not_kept(serving, folder, text):
    async with serving(service(scripted(), phrases=folder, first_clause=False)) as uri:
        for _ in range(3):
            await ask(uri, synthesize(text))
        await say_twice(uri, folder)
        assert len(kept(folder)) == 1


async def test_only_the_owner_may_read_them(serving, folder):
    async with serving(service(scripted(), phrases=folder)) as uri:
        await say_twice(uri, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert kept(folder)[0].stat().st_mode & 0o777 == 0o600


async def test_a_cache_of_no_size_keeps_nothing(serving, folder):
    engine = scripted()
    async with serving(service(engine, phrases=folder, cache_mb=0)) as uri:
        for _ in range(4):
            await ask(uri, synthesize("Hello there."))
        assert len(engine.requests) == 4
        assert not folder.exists()


async def test_an_engine_that_is_quicker_than_a_disk_keeps_nothing(serving, folder):
    engine = type("Engine", (scripted(),), {"instant": True})
    async with serving(service(engine, phrases=folder)) as uri:
        for _ in range(4):
            await ask(uri, synthesize("Hello there."))
        assert len(engine.requests) == 4
        assert not folder.exists()


async def test_a_folder_that_cannot_be_written_costs_one_warning_and_no_answer(serving, folder, caplog):
    folder.write_text("in the way")
    async with serving(service(scripted(), phrases=folder)) as uri:
        for _ in range(4):
            assert types(await ask(uri, synthesize("Hello there."))) == WHOLE
        await until(uri, lambda: "cannot be kept" in caplog.text)
    assert caplog.text.count("cannot be kept") == 1


class Humming(ScriptedEngine):
    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        yield AudioBlock(b"ab" * 100, RATE_HZ)


async def test_what_the_fallback_says_is_not_kept_as_said_by_the_chosen_voice(serving, folder):
    async with serving(service(scripted(), Humming, phrases=folder)) as uri:
        for _ in range(3):
            assert types(await ask(uri, synthesize("please fail"))) == WHOLE
    assert not folder.exists()


async def test_fixed_replies_are_made_while_nobody_speaks(serving, folder, context, caplog):
    caplog.set_level(logging.INFO)
    engine = scripted()
    engine.gate.set()
    async with serving(service(engine, phrases=folder, context=context, idle_s=0.0)) as uri:
        await until(uri, lambda: "fixed replies are ready" in caplog.text)
        made = spoken(engine)
        assert {"It is done, and well done.", "All is wait and see.", "No idea."} <= set(made)
        assert not {"hello", "Nobody knows {what}.", "Really?"} & set(made)
        assert any("recogniser" in text for text in made)
        engine.requests.clear()
        for text in ("It is done, and well done.", apologies("en")["asr"], apologies("en")["handle"]):
            assert types(await ask(uri, synthesize(text))) == WHOLE
        assert spoken(engine) == []
    assert caplog.text.count("fixed replies are ready") == 1


async def test_fixed_replies_are_made_once_for_all(serving, folder, context, caplog):
    caplog.set_level(logging.INFO)
    engine = scripted()
    engine.gate.set()
    async with serving(service(engine, phrases=folder, context=context, idle_s=0.0)) as uri:
        await until(uri, lambda: "fixed replies are ready" in caplog.text)
    engine.requests.clear()
    server = service(engine, phrases=folder, context=context, idle_s=0.0)
    async with serving(server) as uri:
        await until(uri, lambda: not any(task.get_name() == "make fixed replies" for task in server._owner._tasks))
        assert spoken(engine) == []


async def test_a_request_goes_before_a_fixed_reply_which_is_made_later(serving, folder, context, caplog):
    caplog.set_level(logging.INFO)
    engine = scripted()
    async with serving(service(engine, phrases=folder, context=context, idle_s=0.0, streams=2)) as uri:
        await until(uri, lambda: "All is wait and see." in spoken(engine))  # it is held there
        assert types(await ask(uri, synthesize("hello"))) == WHOLE
        engine.gate.set()
        await happened(engine.closed)
        await until(uri, lambda: "fixed replies are ready" in caplog.text)
        assert spoken(engine).count("All is wait and see.") == 2


async def test_while_somebody_is_spoken_to_no_fixed_reply_is_made(serving, folder, context):
    class Slow(ScriptedEngine):
        def __init__(self, options, context):
            assert self.loading.wait(TIMEOUT_S)

    engine = type("Engine", (Slow, scripted()), {"loading": threading.Event()})
    async with serving(service(engine, phrases=folder, context=context, idle_s=0.0)) as uri, AsyncClient.from_uri(uri) as client:
        await client.write_event(synthesize("wait a moment"))
        await client.write_event(Event("ping"))
        await receive(client, "pong")  # so the request has come before the voice is there
        engine.loading.set()
        await happened(engine.begun)
        for _ in range(50):
            await client.write_event(Event("ping"))
            await receive(client, "pong")
        assert spoken(engine) == ["wait a moment"]
        engine.gate.set()


def test_the_replies_of_the_shipped_sentences_are_found():
    replies = fixed_replies("en-GB", (Path(__file__).resolve().parents[2] / "intents",))
    assert {"I don't know that yet.", "You have no timers.", *apologies("en").values()} <= set(replies)
    assert not [reply for reply in replies if "{" in reply]


def test_a_default_install_speaks_numbers_without_loading_arrays():
    code = """
import asyncio, sys
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import load
from wyoming_servers.tts.server import serve
sys.path.insert(0, "tests")
async def main():
    server = WyomingServer("tcp://127.0.0.1:0", [serve(load(environment={}))])
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.uri.rsplit(":", 1)[1]))
    writer.write(b'{"type":"synthesize","data":{"text":"It is -1.5 \\\\u00b0C at 7:30, I think you know.","voice":{"name":"en-us"}}}\\n')
    writer.write_eof()
    assert b"audio-stop" in await reader.read()
    writer.close()
    await server.stop()
    heavy = {"numpy", "soxr", "home_assistant_intents", "hassil", "sqlite3", "aiohttp"}
    print(*sorted(heavy & set(sys.modules)))
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=10).stdout.split() == []
