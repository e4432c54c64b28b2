"""When the chosen voice fails, hangs or cannot be loaded: over real sockets, the stock Wyoming client, scripted voices."""

import logging
import threading
from collections.abc import Iterator

import pytest
from tts_fakes import RATE_HZ, TIMEOUT_S, ScriptedEngine, ask, happened, pcm, scripted, service, stream, synthesize, types, until
from wyoming.client import AsyncClient

from wyoming_servers.shared.engines import Model
from wyoming_servers.shared.errors import EngineUnavailableError
from wyoming_servers.tts.engine import AudioBlock, TtsRequest

WHOLE = ["audio-start", "audio-chunk", "audio-stop"]
LOW_HZ = 8_000
SPOKEN_S = 0.25


class Steady(ScriptedEngine):
    """Says everything as a quarter of a second of 1000s at 8 kHz."""

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        self.requests.append(request)
        yield AudioBlock((1000).to_bytes(2, "little") * int(LOW_HZ * SPOKEN_S), LOW_HZ)


def steady() -> type[Steady]:
    return type("StandIn", (Steady,), {"requests": []})


def spoken(engine) -> list[str]:
    return [request.text for request in engine.requests]


def seconds(events) -> float:
    return len(pcm(events)) / 2 / events[0].data["rate"]


@pytest.mark.parametrize("text", ["please fail", "silent words"])
async def test_a_voice_that_fails_twice_is_replaced(serving, text):
    engine, stand_in = scripted(), steady()
    async with serving(service(engine, stand_in)) as uri:
        answer = await ask(uri, synthesize(text))
        assert types(answer) == WHOLE
        assert seconds(answer) == pytest.approx(SPOKEN_S)
        assert spoken(engine) == [text, text]
        assert spoken(stand_in) == [text]


@pytest.mark.parametrize(("text", "told"), [("please fail", True), ("hello", None)])
async def test_an_answer_of_the_fallback_says_so_in_the_end(serving, text, told):
    async with serving(service(scripted(), steady())) as uri:
        assert (await ask(uri, synthesize(text)))[-1].data.get("fallback") is told


async def test_a_voice_that_works_at_the_second_attempt_is_not_replaced(serving):
    stand_in = steady()

    class OnceOnly(ScriptedEngine):
        def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
            self.requests.append(request)
            if len(self.requests) > 1:
                yield AudioBlock(b"ab" * 100, RATE_HZ)

    engine = type("Engine", (OnceOnly,), {"requests": []})
    async with serving(service(engine, stand_in)) as uri:
        assert pcm(await ask(uri, synthesize("hello"))) == b"ab" * 100
        assert spoken(stand_in) == []


async def test_without_a_fallback_the_error_of_the_second_attempt_is_told(serving):
    engine = scripted()
    async with serving(service(engine)) as uri:
        assert types(await ask(uri, synthesize("please fail"))) == ["error"]
        assert spoken(engine) == ["please fail"] * 2


async def test_the_fallback_speaks_to_the_end_of_the_answer(serving):
    engine, stand_in = scripted(), steady()
    async with serving(service(engine, stand_in)) as uri:
        assert types(await ask(uri, *stream("One. Please fail. ", "Three."))) == [*WHOLE, "synthesize-stopped"]
        assert spoken(engine) == ["One.", "Please fail.", "Please fail."]
        assert spoken(stand_in) == ["Please fail.", "Three."]


async def test_an_answer_has_one_rate_whoever_speaks(serving):
    async with serving(service(scripted(), steady())) as uri:
        alone = seconds(await ask(uri, synthesize("One.")))
        answer = await ask(uri, synthesize("One. Please fail."))
        assert {event.data["rate"] for event in answer if "rate" in event.data} == {RATE_HZ}
        assert seconds(answer) == pytest.approx(alone + 0.28 + SPOKEN_S, abs=0.02)
        assert (
            max(abs(int.from_bytes(pcm(answer)[-RATE_HZ // 8 :][i : i + 2], "little", signed=True) - 1000) for i in range(0, 999, 2)) < 50
        )


async def test_the_next_answer_is_spoken_by_the_chosen_voice_again(serving):
    engine, stand_in = scripted(), steady()
    async with serving(service(engine, stand_in)) as uri:
        await ask(uri, synthesize("please fail"))
        await ask(uri, synthesize("hello"))
        assert spoken(engine)[-1] == "hello"
        assert spoken(stand_in) == ["please fail"]


async def test_a_voice_that_fails_in_answer_after_answer_is_left_in_peace_for_a_while(serving):
    engine, stand_in = scripted(), steady()
    async with serving(service(engine, stand_in)) as uri:
        for text in ("fail one", "fail two", "three"):
            assert types(await ask(uri, synthesize(text))) == WHOLE
        assert spoken(engine) == ["fail one"] * 2 + ["fail two"] * 2
        assert spoken(stand_in) == ["fail one", "fail two", "three"]


async def test_one_warning_tells_of_many_failures_in_a_row(serving, caplog):
    async with serving(service(scripted(), steady())) as uri:
        for _ in range(3):
            await ask(uri, synthesize("please fail. And fail again."))
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["tts scripted: the scripted failure; stand-in speaks until it works again"]


async def test_a_voice_that_hangs_is_replaced_when_the_listener_has_waited_long_enough(serving):
    stand_in = steady()

    class Hanging(ScriptedEngine):
        def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
            assert self.gate.wait(TIMEOUT_S)
            yield AudioBlock(b"ab", RATE_HZ)

    engine = type("Engine", (Hanging,), {"gate": threading.Event()})
    async with serving(service(engine, stand_in, patience_s=0.1, streams=1)) as uri:
        for text in ("one", "two", "three"):  # the second waits for its place in vain, the third does not even try
            assert types(await ask(uri, synthesize(text))) == WHOLE
        assert spoken(stand_in) == ["one", "two", "three"]
        engine.gate.set()


async def test_a_sentence_that_breaks_off_is_said_again_from_its_beginning(serving):
    engine, stand_in = scripted(), steady()
    async with serving(service(engine, stand_in, patience_s=0.1)) as uri:
        answer = await ask(uri, synthesize("wait here"))
        assert types(answer) == WHOLE
        assert spoken(stand_in) == ["wait here"]
        engine.gate.set()


async def test_a_fallback_speaks_the_language_of_the_voice_it_stands_in_for(serving):
    stand_in = steady()
    async with serving(service(scripted(), stand_in)) as uri:
        await ask(uri, synthesize("fail bitte", voice={"language": "de"}))
        assert stand_in.requests[0].voice == "bert"


async def test_a_fallback_that_knows_no_such_language_speaks_with_its_default_voice(serving):
    class English(Steady):
        @classmethod
        def models(cls, options, context):
            return [Model("only", "Only", ("en",), "tests", "")]

    stand_in = type("StandIn", (English,), {"requests": []})
    async with serving(service(scripted(), stand_in)) as uri:
        assert types(await ask(uri, synthesize("fail bitte", voice={"language": "de"}))) == WHOLE
        assert stand_in.requests[0].voice == "only"


async def test_a_voice_that_cannot_be_loaded_is_replaced(serving):
    class Broken(ScriptedEngine):
        def __init__(self, options, context):
            raise RuntimeError("no such library")

    stand_in = steady()
    async with serving(service(Broken, stand_in)) as uri:
        assert types(await ask(uri, *stream("Hello. There."))) == [*WHOLE, "synthesize-stopped"]
        assert spoken(stand_in) == ["Hello.", "There."]


async def test_a_voice_that_could_not_be_loaded_is_loaded_again(serving):
    class Late(ScriptedEngine):
        def __init__(self, options, context):
            self.attempts.append(1)
            if len(self.attempts) == 1:
                raise RuntimeError("not yet")

    engine = type("Engine", (Late, scripted()), {"attempts": []})
    server = service(engine, steady())
    async with serving(server) as uri:
        await ask(uri, synthesize("one"))
        await until(uri, lambda: server.host.engine)
        await ask(uri, synthesize("two"))
        assert spoken(engine) == ["two"]


async def test_while_a_voice_loads_for_long_the_fallback_speaks(serving):
    class Slow(ScriptedEngine):
        def __init__(self, options, context):
            assert self.loading.wait(TIMEOUT_S)

    engine, stand_in = type("Engine", (Slow, scripted()), {"loading": threading.Event()}), steady()
    server = service(engine, stand_in, patience_s=0.1)
    async with serving(server) as uri:
        await ask(uri, synthesize("one"))
        engine.loading.set()
        await until(uri, lambda: server.host.engine)
        await ask(uri, synthesize("two"))
        assert (spoken(stand_in), spoken(engine)) == (["one"], ["two"])


async def test_a_hang_up_during_the_fallback_frees_everything(serving):
    stand_in = scripted()
    server = service(type("Engine", (Steady,), {"synthesize": lambda self, request: iter(())}), stand_in, streams=1, waiting=0)
    async with serving(server) as uri:
        async with AsyncClient.from_uri(uri) as client:
            await client.write_event(synthesize("wait a moment"))
            await happened(stand_in.begun)
        stand_in.gate.set()
        await happened(stand_in.closed)
        await until(uri, lambda: not server._taken)
        assert types(await ask(uri, synthesize("hello"))) == WHOLE


async def test_when_the_fallback_fails_too_the_client_is_told(serving):
    async with serving(service(scripted(), scripted())) as uri:
        assert types(await ask(uri, synthesize("please fail"))) == ["error"]


async def test_a_fallback_that_does_not_exist_is_refused_at_the_start():
    with pytest.raises(EngineUnavailableError, match="no engine 'nobody'; there are: auto, scripted"):
        await service(scripted(), fallback="nobody").prepare()


async def test_a_voice_does_not_stand_in_for_itself():
    server = service(scripted(), fallback="scripted")
    await server.prepare()
    assert server.cast.fallback is None
