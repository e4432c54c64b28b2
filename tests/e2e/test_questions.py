"""A question of the assistant's opens the microphone for its answer, without a wake word."""

from pathlib import Path

from satellite_rig import Rig, satellite, seconds
from satellite_servers import Reply, ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes

COMMAND, ANSWER = speak("set a timer"), speak("ten minutes")
QUESTION = Reply("For how long?", ask="minutes")


def house(asr: ScriptedAsr, handle: ScriptedHandle) -> dict:
    return {"wake": ToldWake(), "asr": asr, "handle": handle, "tts": ScriptedVoice()}


async def wake_and_say(rig: Rig, wake: ToldWake, sound) -> None:
    """The wake word, then a command."""
    await wake.hears()
    await rig.heard(chimes.wake())
    await rig.room.hear(sound, seconds(1.0))


@virtual
async def test_it_is_answered_in_the_same_conversation(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("set a timer", "ten minutes"), ScriptedHandle(QUESTION, "Ten minutes.")
    services = house(asr, handle)
    async with satellite(services, tmp_path, name="question 1") as rig:
        await wake_and_say(rig, services["wake"], COMMAND)
        first = await rig.turn()
        await rig.room.hear(seconds(0.6), ANSWER, seconds(1.0))
        second = await rig.turn()
    assert (first.ask, second.transcript, second.answer, second.wake_word) == ("minutes", "ten minutes", "Ten minutes.", None)
    assert len({request["context"]["conversation_id"] for request in handle.requests}) == 1


@virtual
async def test_nobody_has_to_answer(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("set a timer"), ScriptedHandle(QUESTION)
    services = house(asr, handle)
    async with satellite(services, tmp_path, name="question 2") as rig:
        await wake_and_say(rig, services["wake"], COMMAND)
        await rig.turn()
        report = await rig.turn()
        await rig.quiet()
    assert (report.ended, len(asr.requests)) == ("no-speech", 1)
    assert not rig.recorder.contains(chimes.done()) and not rig.recorder.contains(chimes.error())


@virtual
async def test_an_answer_that_is_no_answer_is_asked_about_again(tmp_path: Path) -> None:
    again = Reply("I did not get that. For how long?", handled=False, ask="minutes")
    asr, handle = ScriptedAsr("set a timer", "a cat", "ten minutes"), ScriptedHandle(QUESTION, again, "Ten minutes.")
    services = house(asr, handle)
    async with satellite(services, tmp_path, name="question 3") as rig:
        await wake_and_say(rig, services["wake"], COMMAND)
        answers = [(await rig.turn()).answer]
        for _ in range(2):
            await rig.room.hear(seconds(0.6), ANSWER, seconds(1.0))
            answers.append((await rig.turn()).answer)
    assert answers == ["For how long?", "I did not get that. For how long?", "Ten minutes."]


@virtual
async def test_after_three_questions_a_wake_word_is_needed(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr(*["ten minutes"] * 5), ScriptedHandle(*[QUESTION] * 5)
    services = house(asr, handle)
    async with satellite(services, tmp_path, name="question 4") as rig:
        await wake_and_say(rig, services["wake"], COMMAND)
        await rig.turn()
        for _ in range(3):
            await rig.room.hear(seconds(0.6), ANSWER, seconds(1.0))
            await rig.turn()
        await rig.room.hear(seconds(0.6), ANSWER, seconds(2.0))
    assert (len(asr.requests), rig.turns.qsize()) == (4, 0)


@virtual
async def test_a_muted_microphone_is_not_opened_by_a_question(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("set a timer"), ScriptedHandle(QUESTION)
    services = house(asr, handle)
    async with satellite(services, tmp_path, name="question 5") as rig:
        await wake_and_say(rig, services["wake"], COMMAND)
        await handle.switch_microphone(off=True)
        await rig.turn()
        await rig.room.hear(seconds(0.6), ANSWER, seconds(1.0))
    assert (len(asr.requests), rig.turns.qsize()) == (1, 0)
