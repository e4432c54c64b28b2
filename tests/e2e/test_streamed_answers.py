"""An answer that takes its time is heard while it is written."""

import asyncio
from pathlib import Path

from satellite_servers import ScriptedVoice
from virtual_time import virtual
from writing_servers import PATIENCE_S, StreamingVoice, WritingHandle, asked

from wyoming_servers.satellite.wording import LONGEST_CHARS
from wyoming_servers.shared.responses import apologies
from wyoming_servers.shared.settings import load
from wyoming_servers.tts.server import serve as serve_tts

ONE, TWO, THREE = "This is the first sentence. ", "This is the second sentence. ", "This is the third sentence."
SENTENCE_S = 0.5


@virtual
async def test_the_first_sentence_is_heard_before_the_second_is_written(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), serve_tts(load(environment={}))
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE)
        await turn.heard.something()
        assert not turn.running.done()
        handle.write(TWO)
        handle.done(ONE + TWO.strip())
        report = await turn.report()
    assert (report.answer, report.ended, report.route) == (ONE + TWO.strip(), "answered", "llm")


@virtual
async def test_a_streamed_answer_is_one_piece_of_speech(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path) as turn:
        for piece in ("This is the", " first sentence. This", " is the second sentence. ", THREE):
            handle.write(piece)
            await asyncio.sleep(0)
        await turn.heard.something(SENTENCE_S)
        handle.done(ONE + TWO + THREE)
        await turn.report()
    assert voice.spoken == [ONE.strip(), TWO.strip(), THREE]
    assert (turn.heard.endings, turn.heard.seconds) == (1, 3 * SENTENCE_S)


@virtual
async def test_an_answer_in_one_piece_takes_the_plain_way(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    handle.at_once("It is noon.")
    async with asked(handle, voice, tmp_path) as turn:
        report = await turn.report()
    assert (voice.got, report.answer) == (["synthesize"], "It is noon.")


@virtual
async def test_a_voice_that_cannot_stream_gets_sentence_by_sentence(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), ScriptedVoice()
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE)
        await turn.heard.something()
        handle.write(TWO + THREE)
        handle.done(ONE + TWO + THREE)
        await turn.report()
    assert voice.requests == [ONE.strip(), TWO + THREE]


@virtual
async def test_a_voice_that_dies_in_the_answer_is_followed_from_about_there(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice(dies_after=1)
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE)
        await turn.heard.something()
        handle.write(TWO)
        await turn.heard.something(SENTENCE_S)
        handle.done(ONE + TWO.strip())
        report = await turn.report()
    assert (report.ended, turn.heard.seconds, turn.heard.failed) == ("answered", 2 * SENTENCE_S, False)


@virtual
async def test_an_intent_server_that_dies_in_its_answer_is_apologised_for(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE + "This is the sec")
        await turn.heard.something()
        handle.die()
        report = await turn.report()
    assert voice.spoken == [ONE.strip(), "This is the sec", apologies("en")["answer"]]
    assert (report.ended, report.answer) == ("failed", f"{ONE}This is the sec {apologies('en')['answer']}")
    assert report.error and len(handle.requests) == 1


@virtual
async def test_an_intent_server_that_falls_silent_in_its_answer_is_apologised_for(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path, handle_s=0.6) as turn:
        handle.write(ONE)
        report = await turn.report()
    assert voice.spoken == [ONE.strip(), apologies("en")["answer"]]
    assert report.error == "the intent server took longer than 0.6 s"


@virtual
async def test_what_was_not_done_after_all_is_said_behind_what_was_said(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE)
        await turn.heard.something()
        handle.refuse("That did not work.")
        report = await turn.report()
    assert (voice.spoken, report.handled) == ([ONE.strip(), "That did not work."], False)
    assert report.answer == f"{ONE}That did not work."


@virtual
async def test_what_the_server_says_in_the_end_is_the_answer_of_the_report(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE)
        await turn.heard.something()
        handle.done("Something else entirely.", intent="Test", ask="minutes")
        report = await turn.report()
    assert (report.answer, report.intent, report.ask, voice.spoken) == ("Something else entirely.", "Test", "minutes", [ONE.strip()])


@virtual
async def test_the_end_that_no_piece_held_is_said(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE)
        await turn.heard.something()
        handle.done(ONE + THREE)
        await turn.report()
    assert voice.spoken == [ONE.strip(), THREE]


@virtual
async def test_a_pause_of_the_writer_is_not_the_voices_fault(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path, tts_s=0.5, handle_s=5.0) as turn:
        handle.write(ONE + "And this is")
        await turn.heard.something()
        done, _ = await asyncio.wait([turn.running], timeout=0.9)
        assert not done
        handle.done(ONE + "And this is the end.")
        report = await turn.report()
    assert (report.ended, voice.spoken, voice.got.count("synthesize-start")) == ("answered", [ONE.strip(), "And this is the end."], 1)


@virtual
async def test_a_voice_that_swallows_sentences_is_given_up_while_the_answer_is_still_written(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice(hangs=True)
    async with asked(handle, voice, tmp_path, tts_s=0.5, handle_s=30.0) as turn:
        handle.write(ONE + TWO + "And")
        async with asyncio.timeout(PATIENCE_S):
            await turn.heard.given_up.wait()
        handle.done(ONE + TWO + "And so on.")
        report = await turn.report()
    assert (report.ended, report.answer) == ("failed", ONE + TWO + "And so on.")


@virtual
async def test_an_interrupted_answer_is_not_written_on(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE)
        await turn.heard.something()
        turn.running.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await handle.hung_up.wait()


@virtual
async def test_an_answer_without_end_is_ended(tmp_path: Path) -> None:
    handle, voice = WritingHandle(), StreamingVoice()
    async with asked(handle, voice, tmp_path) as turn:
        handle.write(ONE)
        await turn.heard.something()
        handle.write("word " * (LONGEST_CHARS // 5))
        report = await turn.report()
    assert report.ended == "failed" and "without end" in report.error
    assert voice.spoken[-1] == apologies("en")["answer"]
