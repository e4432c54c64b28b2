"""What is answered in place of the templates: streamed as it comes, remembered with the rest, given up when nobody listens."""

import pytest
from fake_fallback import END, FakeFallback
from handle_house import MovedClock, ask, running, said, sentence
from test_handle import info
from wire import wire

from wyoming_servers.handle.exchange import Step
from wyoming_servers.shared.errors import DeadlineError, EngineError
from wyoming_servers.shared.templates import languages

WEATHER = Step(True, "It rains.", "llm", "HassGetCurrentDate", {"days_from_now": 1}, "clock", why="model fake called it")


async def test_what_no_template_fits_is_answered_by_the_fallback(tmp_path):
    async with running(tmp_path, fallback=FakeFallback("Why did ", "the hen cross the road?", END)) as uri:
        assert await said(uri, "tell me a joke") == "Why did the hen cross the road?"


async def test_what_a_template_fits_is_not(tmp_path):
    fallback = FakeFallback("No.", END)
    async with running(tmp_path, MovedClock(), fallback=fallback) as uri:
        assert (await said(uri, "what time is it"), fallback.asked) == ("It's 5:08 PM.", [])


async def test_a_fragment_is_sent_while_the_next_is_still_to_come(tmp_path):
    fallback = FakeFallback("Well, ")
    async with running(tmp_path, fallback=fallback) as uri, wire(uri) as peer:
        await peer.send(sentence("tell me a joke"))
        begun = [(await peer.receive()).type, (await peer.receive()).data["text"]]
        fallback.give("no.", END)
        rest = [(message.type, message.data.get("text")) for message in [await peer.receive() for _ in range(3)]]
    assert (begun, rest) == (["handled-start", "Well, "], [("handled-chunk", "no."), ("handled", "Well, no."), ("handled-stop", None)])


async def test_the_start_tells_the_conversation(tmp_path):
    async with running(tmp_path, fallback=FakeFallback("Yes.", END)) as uri, wire(uri) as peer:
        await peer.send(sentence("tell me a joke", conversation_id="mine"))
        assert (await peer.receive()).data["context"]["conversation_id"] == "mine"


async def test_a_tools_sentence_is_the_answer(tmp_path):
    async with running(tmp_path, fallback=FakeFallback(WEATHER)) as uri:
        message = await ask(uri, "what do the clouds intend")
    earshot = message.data["context"]["earshot"]
    assert (message.data["text"], earshot["route"], earshot["tool"], earshot["why"]) == ("It rains.", "llm", "clock", WEATHER.why)


async def test_several_calls_are_answered_together(tmp_path):
    async with running(tmp_path, fallback=FakeFallback("One moment. ", WEATHER, WEATHER)) as uri:
        message = await ask(uri, "what do the clouds intend")
    assert (message.data["text"], len(message.data["context"]["earshot"]["steps"])) == ("One moment. It rains.", 2)


async def test_a_call_that_failed_is_not_handled(tmp_path):
    failed = Step(False, "I can't see the sky.", "llm", tool="clock")
    async with running(tmp_path, fallback=FakeFallback(failed)) as uri:
        message = await ask(uri, "what do the clouds intend")
    assert (message.type, message.data["text"]) == ("not-handled", "I can't see the sky.")


async def test_hanging_up_ends_the_answer(tmp_path):
    fallback = FakeFallback("Well, ")
    async with running(tmp_path, fallback=fallback) as uri:
        async with wire(uri) as peer:
            await peer.send(sentence("tell me a joke"))
            await peer.receive_type("handled-chunk")
            peer.reset()
        await fallback.closed.wait()


async def test_hanging_up_before_the_first_word_ends_the_answer(tmp_path):
    fallback = FakeFallback()
    async with running(tmp_path, fallback=fallback) as uri:
        async with wire(uri) as peer:
            await peer.send(sentence("tell me a joke"))
            await fallback.waiting.wait()
            peer.reset()
        await fallback.closed.wait()


@pytest.mark.parametrize(
    ("trouble", "apology"),
    [
        (DeadlineError("the model said nothing"), "That took too long."),
        (EngineError("the model is broken"), "Something went wrong with that."),
        (ZeroDivisionError(), "Something went wrong with that."),
    ],
)
async def test_trouble_before_the_first_word_has_a_spoken_outcome(tmp_path, trouble, apology):
    async with running(tmp_path, fallback=FakeFallback(trouble)) as uri:
        message = await ask(uri, "tell me a joke")
    assert (message.type, message.data["text"]) == ("not-handled", apology)


async def test_trouble_is_told_in_the_language_of_the_request(tmp_path):
    async with running(tmp_path, fallback=FakeFallback(EngineError("broken"))) as uri:
        assert await said(uri, "erzähl mir einen witz", language="de") == "Dabei ist etwas schiefgegangen."


async def test_an_answer_that_breaks_off_ends_with_what_was_said(tmp_path):
    async with running(tmp_path, fallback=FakeFallback("Well, ", EngineError("broken"))) as uri:
        message = await ask(uri, "tell me a joke")
    assert (message.type, message.data["text"]) == ("handled", "Well,")


async def test_the_deadline_of_templates_is_not_the_fallbacks(tmp_path):
    fallback = FakeFallback("Well, ")
    async with running(tmp_path, fallback=fallback, deadline_s=0.1) as uri, wire(uri) as peer:
        await peer.send(sentence("tell me a joke"))
        await peer.receive_type("handled-chunk")
        async with wire(uri) as other:  # a whole further request passes meanwhile
            await other.send(sentence("stop"))
            await other.receive_type("handled")
        fallback.give("no.", END)
        assert (await peer.receive_type("handled")).data["text"] == "Well, no."


async def test_both_kinds_of_turns_are_in_the_history(tmp_path):
    fallback = FakeFallback("A hen.", END)
    async with running(tmp_path, MovedClock(), fallback=fallback) as uri:
        for text in ("what time is it", "tell me a joke"):
            await ask(uri, text, conversation_id="c")
        fallback.give("Another.", END)
        await ask(uri, "tell me another joke", conversation_id="c")
        assert [turn.answer for turn in fallback.asked[1][1]] == ["It's 5:08 PM.", "A hen."]


async def test_an_answer_can_be_repeated(tmp_path):
    async with running(tmp_path, fallback=FakeFallback("A hen.", END)) as uri:
        await ask(uri, "tell me a joke", conversation_id="c")
        assert await said(uri, "repeat that", conversation_id="c") == "A hen."


async def test_why_after_an_answer_and_after_a_call(tmp_path):
    async with running(tmp_path, fallback=FakeFallback("A hen.", END)) as uri:
        await ask(uri, "tell me a joke", conversation_id="a")
        answered = await said(uri, "why did you do that", conversation_id="a")
    async with running(tmp_path, fallback=FakeFallback(WEATHER)) as uri:
        await ask(uri, "what do clouds want", conversation_id="a")
        called = await said(uri, "why did you do that", conversation_id="a")
    assert answered == "None of my sentences fits: tell me a joke. So the language model answered."
    assert called == "None of my sentences fits: what do clouds want. So the language model decided, and chose the clock."


async def test_with_a_fallback_every_language_is_offered(tmp_path):
    async with running(tmp_path, fallback=FakeFallback()) as uri:
        assert sorted((await info(uri)).handle[0].models[0].languages) == sorted(languages())


async def test_what_tools_do_not_speak_is_the_fallbacks(tmp_path):
    fallback = FakeFallback("Jest siedemnasta.", END)
    async with running(tmp_path, fallback=fallback) as uri:
        assert await said(uri, "która jest godzina", language="pl") == "Jest siedemnasta."
    assert fallback.asked[0][2] == "pl"


async def test_silence_is_not_answered(tmp_path):
    fallback = FakeFallback("What?", END)
    async with running(tmp_path, fallback=fallback) as uri:
        assert ((await ask(uri, " ")).type, fallback.asked) == ("not-handled", [])
