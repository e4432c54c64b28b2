"""What a satellite asks before it is sure that the user has finished: judged at once, prepared, and done only once it is certain."""

import asyncio

import pytest
from fake_fallback import END, FakeFallback
from handle_house import MovedClock, ask, decisive, running, said, sentence
from wire import Message, Wire, event, wire
from wyoming.asr import Transcript
from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers.shared.settings import WebSection

PROVISIONAL, PROSPECT = "earshot-provisional", "earshot-prospect"


def provisional(text: str, revision: int = 1, **context) -> bytes:
    return sentence(text, PROVISIONAL, turn="t1", revision=revision, **context)


async def judged(uri: str, text: str, **context) -> str:
    async with wire(uri) as peer:
        await peer.send(provisional(text, **context))
        return (await peer.receive_type(PROSPECT)).data["class"]


async def until(peer: Wire, kind: str) -> list[Message]:
    messages = []
    while not messages or messages[-1].type != kind:
        messages.append(await peer.receive())
        assert messages[-1] is not None, f"the server hung up before {kind}"
    return messages


def shown(messages: list[Message]) -> list[tuple[str, str | None]]:
    return [(message.type, message.data.get("text")) for message in messages]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("never mind", "complete"),
        ("Set a timer for ten minutes", "extendable"),
        ("turn on the", "prefix"),
        ("turn on the bed lamp and", "prefix"),
        ("I would love some company.", "sentence"),
        ("my grandmother used to say that the", "unfinished"),
        ("", "unfinished"),
    ],
)
async def test_what_may_follow_is_said_at_once(tmp_path, text, expected):
    async with running(tmp_path) as uri:
        await said(uri, "never mind")  # the sentences are there
        assert await judged(uri, text) == expected


async def test_a_question_of_ours_makes_its_answer_a_sentence(tmp_path):
    async with running(tmp_path) as uri:
        assert await judged(uri, "ten minutes", conversation_id="c") != "complete"
        await said(uri, "set a timer", conversation_id="c")
        assert await judged(uri, "ten minutes", conversation_id="c") in ("complete", "extendable")


async def test_a_harmless_answer_is_spoken_before_it_is_certain_and_ends_only_then(tmp_path):
    async with running(tmp_path, MovedClock()) as uri, wire(uri) as peer:
        await peer.send(provisional("what time is it"))
        before = await until(peer, "handled-chunk")
        await peer.send(sentence("what time is it", turn="t1", revision=1))
        after = await until(peer, "handled-stop")
    assert [message.type for message in before] == [PROSPECT, "handled-start", "handled-chunk"]
    assert shown(after) == [("handled", "It's 5:08 PM."), ("handled-stop", None)]


async def test_a_change_waits_until_it_is_certain(tmp_path):
    async with running(tmp_path) as uri:
        async with wire(uri) as peer:
            await peer.send(provisional("set a timer for ten minutes"))
            await peer.receive_type(PROSPECT)
            assert "no timers" in (await said(uri, "how long is left on my timer")).lower()
            await peer.send(sentence("set a timer for ten minutes", turn="t1", revision=1))
            assert (await decisive(peer)).type == "handled"
        assert "no timers" not in (await said(uri, "how long is left on my timer")).lower()


async def test_a_change_is_made_once(tmp_path):
    async with running(tmp_path) as uri:
        async with wire(uri) as peer:
            for revision in (1, 2):
                await peer.send(provisional("set a timer for ten minutes", revision))
                await peer.receive_type(PROSPECT)
            await peer.send(sentence("set a timer for ten minutes", turn="t1", revision=2))
            await decisive(peer)
        assert (await said(uri, "cancel my timer")).count("ten minute") <= 1
        assert "no timers" in (await said(uri, "how long is left on my timer")).lower()


async def test_hanging_up_leaves_nothing_done_and_nothing_remembered(tmp_path):
    async with running(tmp_path, MovedClock(), web=WebSection(uri="tcp://127.0.0.1:0", turns=9)) as uri:
        async with wire(uri) as peer:
            await peer.send(provisional("what time is it", conversation_id="c"))
            await peer.receive_type("handled-chunk")
            peer.reset()
        assert await said(uri, "repeat that", conversation_id="c") == "I haven't said anything yet."
        turns = (await ask_turns(uri)).data["turns"]
    assert len(turns) == 1


async def ask_turns(uri: str) -> Message:
    async with wire(uri) as peer:
        await peer.send(event("earshot-turns"))
        return await peer.receive_type("earshot-turns")


async def test_another_text_is_answered_as_if_nothing_had_been_before(tmp_path):
    async with running(tmp_path, MovedClock()) as uri, wire(uri) as peer:
        await peer.send(provisional("set a timer for ten minutes"))
        await peer.receive_type(PROSPECT)
        await peer.send(sentence("what time is it"))
        assert (await decisive(peer)).data["text"] == "It's 5:08 PM."
        assert "no timers" in (await said(uri, "how long is left on my timer")).lower()


async def test_other_words_after_the_first_were_spoken_begin_anew(tmp_path):
    fallback = FakeFallback("Once upon ")
    async with running(tmp_path, MovedClock(), fallback=fallback) as uri, wire(uri) as peer:
        await peer.send(provisional("tell me a story"))
        await peer.receive_type("handled-chunk")
        await peer.send(sentence("what time is it"))
        assert shown(await until(peer, "handled-stop")) == [
            ("handled-start", None),
            ("handled-chunk", "It's 5:08 PM."),
            ("handled", "It's 5:08 PM."),
            ("handled-stop", None),
        ]
        assert fallback.closed.is_set()


async def test_a_model_writes_before_it_is_certain_and_is_not_asked_again(tmp_path):
    fallback = FakeFallback("Once upon ")
    async with running(tmp_path, fallback=fallback) as uri, wire(uri) as peer:
        await peer.send(provisional("tell me a story"))
        await peer.receive_type("handled-chunk")
        await peer.send(sentence("tell me a story", turn="t1", revision=1))
        fallback.give("a time.", END)
        rest = shown(await until(peer, "handled-stop"))
    assert rest == [("handled-chunk", "a time."), ("handled", "Once upon a time."), ("handled-stop", None)]
    assert len(fallback.asked) == 1


async def test_what_a_model_wrote_is_remembered_only_once_it_is_certain(tmp_path):
    fallback = FakeFallback("No.", END)
    async with running(tmp_path, fallback=fallback) as uri:
        async with wire(uri) as peer:
            await peer.send(provisional("tell me a story", conversation_id="c"))
            await peer.receive_type("handled-chunk")
        fallback.give("Yes.", END)
        await said(uri, "tell me a story", conversation_id="c")
        assert fallback.asked[-1][1] == ()


async def test_no_model_is_asked_for_half_a_sentence(tmp_path):
    fallback = FakeFallback()
    async with running(tmp_path, fallback=fallback) as uri:
        assert await judged(uri, "my grandmother used to say that the") == "unfinished"
        assert fallback.asked == []


async def test_hanging_up_ends_a_models_work(tmp_path):
    fallback = FakeFallback("Once upon ")
    async with running(tmp_path, fallback=fallback) as uri:
        async with wire(uri) as peer:
            await peer.send(provisional("tell me a story"))
            await peer.receive_type("handled-chunk")
            begun = asyncio.get_running_loop().time()
        await fallback.closed.wait()
        assert asyncio.get_running_loop().time() - begun < 1.0


async def test_the_connection_reads_on_while_an_answer_is_prepared(tmp_path):
    async with running(tmp_path, fallback=FakeFallback("Once upon ")) as uri, wire(uri) as peer:
        await peer.send(provisional("tell me a story"))
        await peer.receive_type("handled-chunk")
        await peer.send(provisional("never mind", 2))
        assert (await peer.receive_type(PROSPECT)).data == {"class": "complete", "text": "never mind"}


async def test_certainty_may_come_before_the_class_is_known(tmp_path):
    async with running(tmp_path, MovedClock()) as uri, wire(uri) as peer:
        await peer.send(provisional("what time is it") + sentence("what time is it", turn="t1", revision=1))
        types = [message.type for message in await until(peer, "handled-stop")]
    assert (types[0], types.count("handled-chunk"), types[-1]) == (PROSPECT, 1, "handled-stop")


async def test_a_sentence_that_was_only_begun_is_answered_if_it_was_all(tmp_path):
    async with running(tmp_path) as uri, wire(uri) as peer:
        await peer.send(provisional("turn on the"))
        await peer.receive_type(PROSPECT)
        await peer.send(sentence("turn on the", turn="t1", revision=1))
        assert (await decisive(peer)).type == "not-handled"


async def test_what_is_taken_back_waits_too(tmp_path):
    async with running(tmp_path) as uri:
        await said(uri, "set a timer for ten minutes", conversation_id="c")
        async with wire(uri) as peer:
            await peer.send(provisional("undo that", conversation_id="c"))
            await peer.receive_type(PROSPECT)
        assert "no timers" not in (await said(uri, "how long is left on my timer")).lower()


@pytest.mark.parametrize("context", ["c", 7, None, ["x"], {"revision": {}, "turn": []}])
async def test_garbage_around_the_text_does_no_harm(tmp_path, context):
    async with running(tmp_path, MovedClock()) as uri, wire(uri) as peer:
        data = {"text": "what time is it", "language": 3, "context": context}
        await peer.send(event(PROVISIONAL, data))
        await peer.receive_type("handled-chunk")
        await peer.send(event("transcript", data))
        assert (await decisive(peer)).data["text"] == "It's 5:08 PM."


async def test_a_text_that_is_none_is_refused(tmp_path):
    async with running(tmp_path) as uri, wire(uri) as peer:
        await peer.send(event(PROVISIONAL, {"text": 5}))
        assert (await peer.receive()).type == "error"


async def test_a_stock_client_gets_what_it_gets_without_it(tmp_path):
    async with running(tmp_path, MovedClock()) as uri, AsyncClient.from_uri(uri) as client:
        await client.write_event(Event(PROVISIONAL, {"text": "what time is it"}))
        await client.write_event(Transcript(text="what time is it").event())
        types = []
        async with asyncio.timeout(5):
            while "handled-stop" not in types:
                types.append((await client.read_event()).type)
    assert types == [PROSPECT, "handled-start", "handled-chunk", "handled", "handled-stop"]


async def test_a_link_and_a_recognition_are_no_business_of_it(tmp_path):
    async with running(tmp_path) as uri, wire(uri) as peer:
        await peer.send(provisional("set a timer for ten minutes"))
        await peer.receive_type(PROSPECT)
        await peer.send(sentence("never mind", "recognize"))
        assert (await peer.receive()).type == "intent"


async def test_what_waited_is_told_as_one_turn(tmp_path):
    async with running(tmp_path, MovedClock(), web=WebSection(uri="tcp://127.0.0.1:0", turns=9)) as uri:
        async with wire(uri) as peer:
            await peer.send(provisional("what time is it"))
            await peer.receive_type("handled-chunk")
            await peer.send(sentence("what time is it", turn="t1", revision=1))
            await until(peer, "handled-stop")
        assert len((await ask_turns(uri)).data["turns"]) == 1


async def test_asked_again_without_it_nothing_differs(tmp_path):
    async with running(tmp_path, MovedClock()) as uri:
        async with wire(uri) as peer:
            await peer.send(provisional("what time is it"))
            await peer.receive_type("handled-chunk")
            await peer.send(sentence("what time is it", turn="t1", revision=1))
            early = await decisive(peer)
        late = await ask(uri, "what time is it")
    assert (early.type, early.data["text"]) == (late.type, late.data["text"])
