"""Commands that Home Assistant answers through the satellite, and those it fails to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import free_port
from satellite_rig import Rig, hurried, overlap, satellite, seconds
from satellite_servers import ScriptedAsr, ScriptedHandle, ScriptedVoice
from scripted_ha import Answer, Failure, ScriptedHome, Silence, ask, home_assistant, tone
from speech import speak

from wyoming_servers.satellite import chimes
from wyoming_servers.shared.apologies import APOLOGIES
from wyoming_servers.shared.service import Service
from wyoming_servers.shared.settings import load
from wyoming_servers.wake.server import serve as serve_wake

HEY_JARVIS = speak("hey jarvis")
COMMAND = speak("what time is it")
SOUND = tone(1.0)
NOON = Answer(text="It is noon.", sound=SOUND)


class House:
    """The satellite's own servers: each says what it was asked."""

    def __init__(self) -> None:
        self.asr, self.handle, self.voice = ScriptedAsr("what time is it"), ScriptedHandle("It is late."), ScriptedVoice()

    def services(self) -> dict[str, Service]:
        return {"wake": serve_wake(load(environment={})), "asr": self.asr, "handle": self.handle, "tts": self.voice}


@asynccontextmanager
async def linked(tmp_path: Path, house: House, *script: Any, **section: Any) -> AsyncIterator[tuple[Rig, ScriptedHome]]:
    """A satellite among its servers, and a Home Assistant that uses it."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    async with satellite(house.services(), tmp_path, uri=uri, **section) as rig, home_assistant(uri, *script) as home:
        rig.home_uri = uri
        yield rig, home


async def command(rig: Rig, said: np.ndarray = COMMAND) -> None:
    """Somebody says the wake word and a command, and then nothing."""
    await rig.room.hear(HEY_JARVIS, seconds(0.6), said, seconds(1.0))


def pcm(home: ScriptedHome) -> np.ndarray:
    return np.frombuffer(home.heard, "<i2")


@pytest.mark.contract(75, 76)
@hurried
async def test_home_assistant_answers_while_it_is_connected(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), NOON) as (rig, home):
        await command(rig)
        report = await rig.turn()
        await home.received("played")
    assert home.kinds() == ["detection", "run-pipeline", "audio-stop", "played"]
    assert (report.route, report.transcript, report.answer, report.ended) == (
        "home_assistant",
        "what time is it",
        "It is noon.",
        "answered",
    )
    assert rig.recorder.contains(SOUND)
    assert (house.asr.requests, house.handle.requests) == ([], [])


@pytest.mark.contract(75)
@hurried
async def test_the_wake_word_that_is_told_has_a_phrase_in_the_info_of_this_connection(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON) as (rig, home):
        await command(rig)
        await home.received("run-pipeline")
    detection, run = home.events[:2]
    phrases = {model.name: model.phrase for program in home.info.wake for model in program.models}
    assert phrases[detection.data["name"]] == "hey jarvis"
    assert run.data == {"start_stage": "asr", "end_stage": "tts", "restart_on_end": False}


@hurried
async def test_the_whole_command_reaches_home_assistant(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON) as (rig, home):
        await command(rig)
        await home.received("audio-stop")
        assert overlap(pcm(home), COMMAND) > 0.95


@hurried
async def test_speech_that_begins_before_its_text_is_told_is_the_answer_and_no_announcement(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Answer(text="It is noon.", sound=SOUND, streamed=True)) as (rig, home):
        await command(rig)
        report = await rig.turn()
    assert report.answer == "It is noon."
    assert rig.recorder.contains(SOUND) and not rig.recorder.contains(chimes.announce())


@pytest.mark.contract(76)
@pytest.mark.parametrize("says_voice_stopped", [True, False], ids=["voice-stopped", "transcript"])
@hurried
async def test_no_more_is_sent_when_home_assistant_has_found_the_end(tmp_path: Path, says_voice_stopped: bool) -> None:
    line = Answer(sound=SOUND, ends_speech=True, says_voice_stopped=says_voice_stopped)
    async with linked(tmp_path, House(), line) as (rig, home):
        await rig.room.hear(HEY_JARVIS, seconds(0.6), *[COMMAND] * 4)
        sent = len(home.heard)
        report = await rig.turn()
    assert sent < 2 * len(COMMAND) * 3
    assert (report.ended, "audio-stop" in home.kinds()) == ("answered", False)


@pytest.mark.contract(76)
@hurried
async def test_no_more_is_sent_after_an_error(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Failure("stt-stream-failed")) as (rig, home):
        await rig.room.hear(HEY_JARVIS, seconds(0.6), *[COMMAND] * 4)
        assert len(home.heard) < len(COMMAND) * 2
        assert (await rig.turn()).answer == "It is late."


@pytest.mark.contract(76)
@hurried
async def test_no_more_is_sent_after_a_mute(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), NOON) as (rig, home):
        await rig.room.hear(HEY_JARVIS, seconds(0.6), COMMAND)
        await home.pause()
        report = await rig.turn()
        await home.unread()
        await rig.room.hear(COMMAND, seconds(1.0), HEY_JARVIS, seconds(0.6), COMMAND, seconds(1.0))
        assert await home.unread() == []
    assert report.ended in ("muted", "interrupted")
    assert house.asr.requests == [] and rig.turns.empty()


@pytest.mark.contract(76)
@hurried
async def test_no_transcript_in_time_and_the_satellite_answers_itself(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Silence("transcribe")) as (rig, home):
        await command(rig)
        report = await rig.turn()
        assert (report.answer, report.route) == ("It is late.", None)
    assert overlap(house.asr.requests[0], COMMAND) > 0.95


@hurried
async def test_an_answer_that_comes_too_late_is_thrown_away_and_acknowledged(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Silence("transcribe")) as (rig, home):
        await command(rig)
        await rig.turn()
        await home.late_answer(SOUND)
        await home.received("played")
        await rig.quiet()
        assert not rig.recorder.contains(SOUND)
        await home.announce(tone(0.5, 500.0))
        await rig.heard(tone(0.5, 500.0))


@hurried
async def test_a_text_without_a_voice_is_spoken_here(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Silence("synthesize")) as (rig, _):
        await command(rig)
        report = await rig.turn()
    assert (house.voice.requests, report.answer, report.ended) == (["It is noon."], "It is noon.", "answered")


@hurried
async def test_a_command_that_gets_no_answer_is_not_carried_out_twice(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Silence("transcript"), home_assistant_s=3.0) as (rig, _):
        await command(rig)
        report = await rig.turn()
        await rig.heard(chimes.error())
    assert (report.ended, house.asr.requests) == ("failed", [])


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        (Failure("stt-no-text-recognized"), "empty"),
        (Failure("duplicate_wake_up_detected"), "ignored"),
        (Failure("wake_word_detection_aborted"), "ignored"),
    ],
    ids=["nothing understood", "another satellite answers", "aborted"],
)
@hurried
async def test_what_is_no_failure_is_quiet(tmp_path: Path, line: Failure, ended: str) -> None:
    async with linked(tmp_path, house := House(), line) as (rig, _):
        await command(rig, speak("tell me about the weather of tomorrow"))
        report = await rig.turn()
        await rig.quiet()
    assert (report.ended, report.error) == (ended, None)
    assert house.asr.requests == house.voice.requests == []
    assert not rig.recorder.contains(chimes.error())


@pytest.mark.parametrize("code", ["stt-provider-missing", "pipeline_not_found", "cloud-auth-failed", "something-new"])
@hurried
async def test_a_pipeline_that_does_not_work_is_answered_for(tmp_path: Path, code: str) -> None:
    async with linked(tmp_path, House(), Failure(code)) as (rig, _):
        await command(rig)
        report = await rig.turn()
    assert (report.answer, report.ended) == ("It is late.", "answered")


@hurried
async def test_what_may_have_been_done_is_not_done_again(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Failure("intent-failed", after_transcript=True)) as (rig, _):
        await command(rig)
        report = await rig.turn()
    assert (report.ended, house.asr.requests, house.voice.requests) == ("failed", [], [APOLOGIES["home_assistant"]])


@hurried
async def test_a_command_that_nobody_in_home_assistant_takes_is_answered_here(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Failure("intent-agent-not-found", after_transcript=True)) as (rig, _):
        await command(rig)
        assert (await rig.turn()).answer == "It is late."


@pytest.mark.contract(82)
@pytest.mark.parametrize("after", ["nothing", "transcribe", "transcript"])
@hurried
async def test_a_home_assistant_that_goes_in_the_middle_of_a_turn_is_answered_for(tmp_path: Path, after: str) -> None:
    async with linked(tmp_path, house := House(), Silence("transcript" if after == "transcript" else "transcribe")) as (rig, home):
        await rig.room.hear(HEY_JARVIS, seconds(0.6), COMMAND)
        await home.received("run-pipeline")
        if after == "nothing":
            await home.stop()
        await rig.room.hear(seconds(1.0))
        await home.stop()
        report = await rig.turn()
    assert (report.answer, report.ended) == ("It is late.", "answered")
    assert overlap(house.asr.requests[0], COMMAND) > 0.95


@pytest.mark.contract(82)
@hurried
async def test_a_home_assistant_that_goes_while_it_speaks_is_heard_as_far_as_it_came(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON) as (rig, home):
        await command(rig)
        await home.until(lambda: home.told)
        await home.stop()
        report = await rig.turn()
        assert rig.recorder.contains(SOUND)
    assert report.ended == "answered"


@pytest.mark.contract(82)
@hurried
async def test_when_home_assistant_is_back_it_answers_again(tmp_path: Path) -> None:
    async with linked(tmp_path, House()) as (rig, home):
        await home.stop()
        await command(rig)
        first = await rig.turn()
        async with home_assistant(rig.home_uri, NOON):
            await command(rig)
            second = await rig.turn()
    assert (first.answer, second.answer) == ("It is late.", "It is noon.")


@pytest.mark.contract(83)
@hurried
async def test_a_wake_word_stops_the_answer_and_what_is_left_of_it_is_never_heard(tmp_path: Path) -> None:
    long, short = tone(20.0, 300.0), tone(1.0, 500.0)
    async with linked(tmp_path, House(), Answer(sound=long), Answer(sound=short)) as (rig, home):
        await command(rig)
        await rig.heard(long[:20_000])
        await command(rig)
        first, second = await rig.turn(), await rig.turn()
        await home.received("played", times=2)
        await rig.quiet()
    kinds = home.kinds()
    assert (first.ended, second.ended) == ("interrupted", "answered")
    assert kinds == ["detection", "run-pipeline", "audio-stop", "played"] * 2
    assert rig.recorder.contains(short) and not rig.recorder.contains(long)


@pytest.mark.contract(83)
@hurried
async def test_leftover_sound_after_a_barge_in_is_thrown_away(tmp_path: Path) -> None:
    long = tone(20.0, 300.0)
    async with linked(tmp_path, House(), Silence("transcript")) as (rig, home):
        await command(rig)
        await home.until(lambda: home.told)
        await home.speak(long, stop=False)
        await rig.heard(long[:5000])
        await rig.room.hear(HEY_JARVIS)
        await home.received("played")
        await home.speak(tone(1.0, 500.0), start=False)
        await rig.turn()
        await rig.quiet()
        assert not rig.recorder.contains(tone(1.0, 500.0)[:2000])
        await home.announce(SOUND)
        await rig.heard(SOUND)
    assert home.kinds().count("played") <= 2


@pytest.mark.contract(79)
@hurried
async def test_an_announcement_while_the_user_speaks_is_heard_and_the_command_is_answered_after_it(tmp_path: Path) -> None:
    announcement = tone(0.5, 500.0)
    async with linked(tmp_path, House(), Silence("transcribe"), NOON) as (rig, home):
        await rig.room.hear(HEY_JARVIS, seconds(0.6), COMMAND)
        await home.announce(announcement)
        await rig.room.hear(seconds(1.0))
        report = await rig.turn()
        await home.received("played", times=2)
    assert report.answer == "It is noon."
    assert [rig.recorder.count(sound) for sound in (chimes.announce(), announcement, SOUND)] == [1, 1, 1]
    assert home.kinds().count("detection") == 1


@pytest.mark.contract(79)
@hurried
async def test_an_announcement_while_the_answer_is_spoken_is_heard_after_it(tmp_path: Path) -> None:
    announcement = tone(0.5, 500.0)
    async with linked(tmp_path, House(), Answer(sound=tone(3.0))) as (rig, home):
        await command(rig)
        await rig.heard(tone(3.0)[:5000])
        await home.announce(announcement)
        await home.received("played", times=2)
    sound = rig.recorder.sound.tobytes()
    order = [sound.index(each.tobytes()) for each in (tone(3.0), chimes.announce(), announcement)]
    assert order == sorted(order)


@hurried
async def test_after_a_question_no_wake_word_is_needed(tmp_path: Path) -> None:
    question = Answer(text="Which lamp?", sound=SOUND)
    async with linked(tmp_path, House(), question, NOON) as (rig, home):
        await command(rig)
        await rig.turn()
        await rig.room.hear(seconds(0.8), speak("the one in the kitchen"), seconds(1.0))
        report = await rig.turn()
    assert (report.wake_word, report.answer) == (None, "It is noon.")
    assert home.kinds().count("detection") == 1


@hurried
async def test_after_a_question_nothing_is_heard_where_the_owner_does_not_want_it(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Answer(text="Which lamp?", sound=SOUND), NOON, questions=False) as (rig, home):
        await command(rig)
        await rig.turn()
        await rig.room.hear(seconds(0.8), speak("the one in the kitchen"), seconds(1.0))
    assert home.kinds().count("run-pipeline") == 1


@hurried
async def test_nothing_said_after_the_wake_word_is_nothing_to_home_assistant(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, no_speech_s=2.0) as (rig, home):
        await rig.room.hear(HEY_JARVIS)
        report = await rig.turn()
    assert (report.ended, home.kinds()) == ("no-speech", [])


@hurried
async def test_local_never_asks_home_assistant_but_takes_its_announcements(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, assistant="local") as (rig, home):
        await command(rig)
        report = await rig.turn()
        await home.announce(SOUND)
        await home.received("played")
    assert (report.answer, home.kinds()) == ("It is late.", ["played"])


@hurried
async def test_home_assistant_alone_is_an_error_chime_without_it(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), assistant="home_assistant") as (rig, home):
        await home.stop()
        await rig.room.hear(HEY_JARVIS)
        report = await rig.turn()
        await rig.heard(chimes.error())
        await rig.room.hear(COMMAND, seconds(1.0))
    assert report.ended == "failed" and "Home Assistant is not connected" in (report.error or "")
    assert house.asr.requests == []


@hurried
async def test_home_assistant_alone_is_not_replaced_when_it_fails(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Failure("stt-provider-missing"), assistant="home_assistant") as (rig, _):
        await command(rig)
        report = await rig.turn()
    assert (report.ended, house.asr.requests, house.voice.requests) == ("failed", [], [APOLOGIES["home_assistant"]])


@hurried
async def test_a_wake_word_can_address_one_of_the_two(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, assistant="auto", targets={"hey_jarvis": "local"}) as (rig, home):
        await command(rig)
        assert (await rig.turn()).answer == "It is late."
        await asyncio.gather(ask(rig.home_uri))
    assert home.kinds() == []
