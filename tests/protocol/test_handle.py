"""Points F 66–71 of the contract, and A 14, 15, 20, 22, 23 and B 24–29 for the intent server."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import home_assistant_intents
import pytest
from handle_house import MovedClock, ask, decisive, linked, running, said, sentence
from wire import event, wire
from wyoming.asr import Transcript
from wyoming.client import AsyncTcpClient
from wyoming.handle import Handled
from wyoming.info import Describe, Info
from wyoming.intent import Intent, NotRecognized, Recognize

from wyoming_servers.handle.server import HandleService
from wyoming_servers.shared import paths
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import HandleSection, Settings

SLOW_TOOL = """
import asyncio
from wyoming_servers.shared.tool import Tool, ToolContext, ToolResult


class SlowTool(Tool):
    name = "slow"
    description = "Tells the satellite that asked when it begins and when it is cancelled, and never ends."
    intents = {"Dawdle": {}}
    languages = frozenset({"en"})
    deadline_s = DEADLINE_S

    async def call(self, args, context):
        self.home.announce("watcher", "begun", {})
        try:
            await asyncio.Event().wait()
        finally:
            self.home.announce("watcher", "ended", {})
"""
SLOW_SENTENCES = 'language: en\nintents: {Dawdle: {data: [{sentences: ["dawdle"]}]}}\n'


def sorry(language: str) -> str:
    """Home Assistant's own words."""
    return home_assistant_intents.get_intents(language)["responses"]["errors"]["no_intent"]


@pytest.fixture
async def uri(tmp_path):
    async with running(tmp_path, MovedClock()) as address:
        yield address


def with_slow_tool(folder: Path, deadline_s: float = 60.0) -> dict:
    """Adds a tool that takes for ever to a server in `folder`."""
    (folder / "tools").mkdir()
    (folder / "tools" / "slow.py").write_text(SLOW_TOOL.replace("DEADLINE_S", str(deadline_s)))
    (folder / "intents" / "en").mkdir(parents=True)
    (folder / "intents" / "en" / "slow.yaml").write_text(SLOW_SENTENCES)
    return {"tools": [paths.content("tools"), folder / "tools"]}


async def stock(uri: str, request, through: str = "") -> list:
    """The stock client's request, and every event up to the decisive one; up to `through` when intents come in brackets."""
    host, _, port = uri.removeprefix("tcp://").rpartition(":")
    got = []
    async with AsyncTcpClient(host, int(port)) as client, asyncio.timeout(5):
        await client.write_event(request.event())
        while (answer := await client.read_event()) is not None:
            got.append(answer)
            bracketed = got[0].type == "intents-start" and through
            if answer.type == through or (answer.type in ("handled", "not-handled", "intent", "not-recognized") and not bracketed):
                return got
    raise AssertionError("no answer")


async def test_f66_transcript_is_carried_out(uri):
    answer = (await stock(uri, Transcript(text="what time is it", language="en")))[-1]
    assert Handled.from_event(answer).text == "It's 5:08 PM."


async def test_f66_recognize_tells_the_intent(uri):
    intent = Intent.from_event((await stock(uri, Recognize(text="set a pizza timer for 10 minutes")))[-1])
    assert (intent.name, {entity.name: entity.value for entity in intent.entities}) == ("HassStartTimer", {"name": "pizza", "minutes": 10})


async def test_f66_recognize_carries_nothing_out(uri):
    await stock(uri, Recognize(text="set a timer for 10 minutes"))
    assert await said(uri, "what timers do I have") == "You have no timers."


async def test_f66_recognize_of_something_unknown_is_not_recognized(uri):
    answer = (await stock(uri, Recognize(text="tell me a joke")))[-1]
    assert NotRecognized.from_event(answer).text == "I don't know that yet."


async def test_f67_a_conversation_remembers_what_was_said(uri):
    await ask(uri, "what time is it", conversation_id="a")
    assert await said(uri, "repeat that", conversation_id="a") == "It's 5:08 PM."


async def test_f67_conversations_are_isolated(uri):
    await ask(uri, "what time is it", conversation_id="a")
    assert await said(uri, "repeat that", conversation_id="b") == "I haven't said anything yet."


async def test_f67_a_conversation_expires_after_five_minutes(tmp_path):
    clock = MovedClock()
    async with running(tmp_path, clock) as uri:
        await ask(uri, "what time is it", conversation_id="a")
        clock.advance(300)
        assert await said(uri, "repeat that", conversation_id="a") == "I haven't said anything yet."


async def test_f67_a_conversation_in_use_does_not_expire(tmp_path):
    clock = MovedClock()
    async with running(tmp_path, clock) as uri:
        await ask(uri, "what time is it", conversation_id="a")
        clock.advance(200)
        await ask(uri, "stop", conversation_id="a")
        clock.advance(200)
        assert await said(uri, "repeat that", conversation_id="a") == "It's 5:08 PM."


async def test_f67_the_conversation_id_comes_back(uri):
    assert (await ask(uri, "stop", conversation_id="mine")).data["context"]["conversation_id"] == "mine"


async def test_f68_an_answer_is_a_stream_with_the_full_text_before_its_end(uri):
    async with wire(uri) as peer:
        await peer.send(sentence("what time is it"))
        stream = [await peer.receive() for _ in range(4)]
    assert [message.type for message in stream] == ["handled-start", "handled-chunk", "handled", "handled-stop"]


async def test_f68_the_chunks_are_the_full_text(uri):
    async with wire(uri) as peer:
        await peer.send(sentence("what time is it"))
        _, chunk, full, _ = [await peer.receive() for _ in range(4)]
    assert chunk.data["text"] == full.data["text"]


async def test_f68_streaming_is_advertised(uri):
    assert (await info(uri)).handle[0].supports_handled_streaming


async def test_f68_a_client_that_only_reads_handled_can_ask_again_on_the_same_connection(uri):
    async with wire(uri) as peer:
        for _ in range(2):
            await peer.send(sentence("what time is it"))
            assert (await peer.receive_type("handled")).data["text"] == "It's 5:08 PM."


async def test_f68_an_answer_without_words_is_not_streamed(uri):
    async with wire(uri) as peer:
        await peer.send(sentence("stop"))
        message = await peer.receive()
    assert (message.type, message.data["text"]) == ("handled", "")


async def test_f69_one_intent_comes_without_brackets(uri):
    events = await stock(uri, Recognize(text="cancel all timers"))
    assert [event.type for event in events] == ["intent"]


async def test_f70_a_failure_is_short_and_in_the_language_of_the_request(uri):
    unknown = "I don't know that yet."
    expected = dict.fromkeys(("en", "en-GB", "EN_us", "tlh", "../etc"), unknown) | {"pl": sorry("pl"), "pt-BR": sorry("pt-BR")}
    expected |= {"de": "Das weiß ich noch nicht.", "fr-CA": "Je ne sais pas encore ça."}
    got = {}
    for language in expected:
        got[language] = (await stock(uri, Transcript(text="xyzzy plugh", language=language)))[-1].data["text"]
    assert got == expected


async def test_f70_what_needs_a_device_is_declined_with_its_reason(uri):
    message = await ask(uri, "turn on the bed lamp")
    assert (message.type, message.data["text"]) == ("not-handled", "I can't control devices yet.")


async def test_f71_missing_and_strange_context_is_tolerated(uri):
    strange = [
        {},
        {"language": None, "context": None},
        {"language": 7, "context": "none"},
        {"context": {"conversation_id": None, "device_id": 3, "satellite_id": [], "new": {"deep": 1}}},
        {"unknown": True},
    ]
    async with wire(uri) as peer:
        for more in strange:
            await peer.send(event("transcript", {"text": "what time is it", **more}))
            assert (await decisive(peer)).data["text"] == "It's 5:08 PM.", more


async def test_f71_an_empty_transcript_is_not_handled_without_words(uri):
    answers = [await ask(uri, text) for text in ("", "  \n")]
    assert [(message.type, message.data["text"]) for message in answers] == [("not-handled", "")] * 2


async def test_a14_describe_is_answered_while_a_tool_works(tmp_path):
    async with running(tmp_path, **with_slow_tool(tmp_path)) as uri, linked(uri, "watcher") as watcher, wire(uri) as peer:
        await peer.send(sentence("dawdle"))
        await watcher.receive_type("begun")
        await peer.send(event("describe"))
        assert (await peer.receive()).type == "info"


async def test_a15_another_connection_is_served_while_a_tool_works(tmp_path):
    async with running(tmp_path, **with_slow_tool(tmp_path)) as uri, linked(uri, "watcher") as watcher, wire(uri) as peer:
        await peer.send(sentence("dawdle"))
        await watcher.receive_type("begun")
        assert (await ask(uri, "what day is it")).type == "handled"


async def test_a20_hanging_up_ends_the_tools_work(tmp_path):
    async with running(tmp_path, **with_slow_tool(tmp_path)) as uri, linked(uri, "watcher") as watcher:
        async with wire(uri) as peer:
            await peer.send(sentence("dawdle"))
            await watcher.receive_type("begun")
            peer.reset()
        assert (await watcher.receive_type("ended")).type == "ended"


async def test_a22_two_sentences_in_one_segment_are_both_answered(uri):
    async with wire(uri) as peer:
        await peer.send(sentence("what time is it") + sentence("what day is it"))
        assert [(await decisive(peer)).data["text"] for _ in range(2)] == ["It's 5:08 PM.", "It's Saturday."]


async def test_a23_a_request_without_text_is_an_error_and_ends_the_connection(uri):
    for data in ({}, {"text": None}, {"text": 5}, {"text": ["what time is it"]}):
        async with wire(uri) as peer:
            await peer.send(event("transcript", data))
            last = (await peer.rest())[-1]
        assert (last.type, last.data["code"]) == ("error", "invalid-request"), data


async def test_a23_a_tool_past_its_deadline_has_a_spoken_outcome(tmp_path):
    async with running(tmp_path, **with_slow_tool(tmp_path, deadline_s=0.05)) as uri:
        message = await ask(uri, "dawdle")
    assert (message.type, message.data["text"]) == ("not-handled", "That took too long.")


async def test_a23_a_sentence_past_its_deadline_is_an_error_in_plain_words(tmp_path):
    async with running(tmp_path, **with_slow_tool(tmp_path), deadline_s=0.1) as uri, wire(uri) as peer:
        await peer.send(sentence("dawdle"))
        last = (await peer.rest())[-1]
    assert (last.type, last.data) == ("error", {"text": "That took too long.", "code": "deadline-exceeded"})


async def info(uri: str) -> Info:
    host, _, port = uri.removeprefix("tcp://").rpartition(":")
    async with AsyncTcpClient(host, int(port)) as client, asyncio.timeout(5):
        await client.write_event(Describe().event())
        return Info.from_event(await client.read_event())


async def test_b24_info_is_complete(uri):
    program = (await info(uri)).handle[0]
    languages = ["en", "de", "es", "fr", "it", "nl"]  # the house's first
    assert (program.installed, program.models[0].installed, program.models[0].languages) == (True, True, languages)


async def test_b24_home_control_is_claimed_only_where_it_is_switched_on(tmp_path):
    async with running(tmp_path, options={"home": {"enabled": False}}) as uri:
        assert (await info(uri)).handle[0].supports_home_control is False


def with_late_tool(folder: Path) -> dict:
    """Adds a tool that never finishes starting."""
    options = with_slow_tool(folder)
    late = SLOW_TOOL.replace("async def call", "async def start(self):\n        await asyncio.Event().wait()\n\n    async def call")
    (folder / "tools" / "slow.py").write_text(late.replace("DEADLINE_S", "1"))
    return options


async def test_b26_info_comes_before_the_tools_have_started(tmp_path):
    async with running(tmp_path, **with_late_tool(tmp_path)) as uri:
        assert (await info(uri)).handle


async def test_a_tool_that_does_not_get_ready_does_not_hold_up_the_others(tmp_path):
    async with running(tmp_path, **with_late_tool(tmp_path)) as uri:
        assert (await ask(uri, "what time is it")).type == "handled"


async def test_a_tool_that_does_not_get_ready_has_a_spoken_outcome(tmp_path):
    async with running(tmp_path, **with_late_tool(tmp_path), deadline_s=0.1) as uri:
        assert (await ask(uri, "dawdle")).data["text"] == "That took too long."


async def test_b28_select_program_is_ignored(uri):
    async with wire(uri) as peer:
        await peer.send(event("select-program", {"name": "earshot"}), sentence("what time is it"))
        assert (await decisive(peer)).type == "handled"


async def test_b29_the_name_is_the_same_after_a_restart(tmp_path):
    names = []
    for _ in range(2):
        async with running(tmp_path) as uri:
            names.append((await info(uri)).handle[0].name)
    assert names[0] == names[1]


async def test_the_answer_tells_how_it_came_about(uri):
    earshot = (await ask(uri, "what time is it")).data["context"]["earshot"]
    assert (earshot["intent"], earshot["slots"], earshot["tool"], earshot["route"]) == ("HassGetCurrentTime", {}, "clock", "template")


async def test_what_no_tool_here_does_still_tells_intent_and_slots(uri):
    earshot = (await ask(uri, "broadcast dinner is ready")).data["context"]["earshot"]
    meant = ("HassBroadcast", {"message": "dinner is ready"}, None, "no-tool")
    assert (earshot["intent"], earshot["slots"], earshot["tool"], earshot["route"]) == meant


async def test_text_and_names_are_not_logged_at_info(uri, caplog):
    caplog.set_level("INFO")
    await ask(uri, "cancel the xyzzy timer")
    assert "HassCancelTimer" in caplog.text and "xyzzy" not in caplog.text


async def test_a_house_without_sentences_in_its_language_says_so_in_that_language(tmp_path):
    async with serving_in("pl", tmp_path) as uri:
        assert await said(uri, "która jest godzina") == sorry("pl")


async def test_a_house_without_sentences_in_its_language_does_not_offer_that(tmp_path):
    async with serving_in("pl", tmp_path) as uri:
        assert "pl" not in (await info(uri)).handle[0].models[0].languages


async def test_f69_several_intents_come_in_brackets(uri):
    async with wire(uri) as peer:
        await peer.send(sentence("cancel all timers and what time is it", "recognize"))
        types = [(await peer.receive()).type for _ in range(4)]
    assert types == ["intents-start", "intent", "intent", "intents-stop"]


async def test_f69_several_commands_are_carried_out_and_answered_together(uri):
    message = await ask(uri, "what time is it and what day is it")
    assert (message.type, message.data["text"]) == ("handled", "It's 5:08 PM. It's Saturday.")


async def test_f69_one_command_that_fails_fails_the_whole(uri):
    message = await ask(uri, "what time is it and cancel the timer")
    assert (message.type, message.data["text"]) == ("not-handled", "It's 5:08 PM. You have no timers.")


@asynccontextmanager
async def serving_in(language: str, folder: Path):
    settings = Settings(language=language, handle=HandleSection(database=str(folder / "timers.db")))
    server = WyomingServer("tcp://127.0.0.1:0", [HandleService(settings)])
    await server.start()
    try:
        yield server.uri
    finally:
        await server.stop()
