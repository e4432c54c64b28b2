"""Recognisers and voices outside the house: what is sent to them is written down first; in the house it is nobody's business."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import asr_fakes
import fake_web
import pytest
import tts_fakes
from fake_openai import FakeOpenAi
from fake_vibevoice import FakeVibeVoice
from fake_whisper_cpp import FakeWhisperCpp
from speech import silence, speak

from wyoming_servers.asr import server as asr
from wyoming_servers.shared import ledger, reach
from wyoming_servers.shared.settings import Settings, Source, load, nested
from wyoming_servers.shared.tool import Departure
from wyoming_servers.tts import server as tts

HTTP = {
    ("asr", "openai"): FakeOpenAi,
    ("asr", "whisper-cpp"): FakeWhisperCpp,
    ("tts", "openai"): FakeOpenAi,
    ("tts", "vibevoice"): FakeVibeVoice,
}
RIVA = pytest.param(("asr", "riva"), marks=pytest.mark.skipif(not find_spec("riva"), reason="nvidia-riva-client is not installed"))
RIVA_VOICE = pytest.param(("tts", "riva"), marks=RIVA.marks)
WHY = {"asr": "recognising what was said", "tts": "speech of an answer"}


@pytest.fixture(autouse=True)
def book(monkeypatch):
    """An address book in which this machine's name is outside the house."""
    monkeypatch.setattr(reach, "_system_lookup", lambda host: ["8.8.8.8"])


@contextmanager
def elsewhere(kind: str, engine: str) -> Iterator[str]:
    """A server for this engine; its address."""
    if engine == "riva":
        from fake_riva import running

        with running() as server:
            yield server.uri
    else:
        with fake_web.serving(HTTP[kind, engine]()) as server:
            yield server.uri


def settings(folder, kind: str, engine: str, uri: str, **network) -> Settings:
    own = nested([kind], {"engine": engine, "engines": {engine: {"uri": uri}}})
    values = own | {"handle": {"database": str(folder / "timers.db")}, "network": network}
    return load(environment={}, overrides=[Source("test", values)])


def outside(uri: str) -> str:
    return uri.replace("127.0.0.1", "localhost")


def written(folder) -> list[Departure]:
    return list(ledger.read(folder / "egress.db", 0))


async def use(kind: str, chosen: Settings, serving, samples=None, until=lambda: True) -> str:
    """One request to our server; the type of the last event. until: what comes of it in the end."""
    async with serving({"asr": asr, "tts": tts}[kind].serve(chosen)) as uri:
        if kind == "tts":
            return (await tts_fakes.ask(uri, tts_fakes.synthesize("It is nine.")))[-1].type
        spoken = speak("what time is it") if samples is None else samples
        last = (await asr_fakes.ask(uri, asr_fakes.request(spoken, language="en"), "transcript"))[-1].type
        await tts_fakes.until(uri, until)
        return last


@pytest.mark.parametrize("engine", [*HTTP, RIVA, RIVA_VOICE], ids="-".join)
async def test_what_an_engine_sends_outside_is_in_the_ledger(tmp_path, serving, engine):
    kind, name = engine
    with elsewhere(kind, name) as uri:
        assert await use(kind, settings(tmp_path, kind, name, outside(uri)), serving) in ("transcript", "audio-stop")
    rows = written(tmp_path)
    assert {(row.tool, row.host, row.why, row.left) for row in rows} == {(kind, "localhost", WHY[kind], True)}
    sound = max(row.sent_bytes if kind == "asr" else row.received_bytes for row in rows)
    assert sound > 10_000 and not any(row.problem for row in rows)


@pytest.mark.parametrize("kind", ["asr", "tts"])
async def test_another_wyoming_server_outside_is_in_the_ledger(tmp_path, serving, kind):
    here = {"asr": asr, "tts": tts}[kind].serve(load(environment={}))
    async with serving(here) as uri:
        chosen = settings(tmp_path, kind, "wyoming", outside(uri))
        await use(kind, chosen, serving, until=lambda: all(row.received_bytes for row in written(tmp_path)))
    rows = written(tmp_path)
    assert {(row.tool, row.host, row.method, row.left) for row in rows} == {(kind, "localhost", "WYOMING", True)}
    assert max(row.sent_bytes if kind == "asr" else row.received_bytes for row in rows) > 10_000


@pytest.mark.parametrize("engine", [*HTTP, RIVA, RIVA_VOICE], ids="-".join)
async def test_what_stays_in_the_house_is_not_written_down(tmp_path, serving, engine):
    with elsewhere(*engine) as uri:
        await use(engine[0], settings(tmp_path, *engine, uri), serving)
    assert written(tmp_path) == []


async def test_silence_is_not_sent(tmp_path, serving):
    with elsewhere("asr", "openai") as uri:
        await use("asr", settings(tmp_path, "asr", "openai", outside(uri)), serving, silence(1))
    assert [row for row in written(tmp_path) if row.method == "POST"] == []


async def test_with_denied_egress_a_name_of_the_house_that_leads_outside_is_not_asked(tmp_path, serving):
    with fake_web.serving(FakeOpenAi()) as server:
        last = await use("asr", settings(tmp_path, "asr", "openai", outside(server.uri), egress="deny"), serving)
    assert (last, server.forms, written(tmp_path)) == ("error", [], [])


async def test_what_cannot_be_written_down_is_not_sent(tmp_path, serving):
    (tmp_path / "egress.db").mkdir()
    with fake_web.serving(FakeOpenAi()) as server:
        last = await use("asr", settings(tmp_path, "asr", "openai", outside(server.uri)), serving)
    assert (last, server.forms) == ("error", [])


async def test_a_server_outside_is_not_asked_every_few_seconds_what_it_has(tmp_path, serving):
    with fake_web.serving(FakeOpenAi()) as server:
        service = tts.serve(settings(tmp_path, "tts", "openai", outside(server.uri)))
        async with serving(service) as uri:
            for _ in range(3):
                await tts_fakes.ask(uri, tts_fakes.synthesize("It is nine."))
    assert sum(row.method == "GET" for row in written(tmp_path)) <= 4
