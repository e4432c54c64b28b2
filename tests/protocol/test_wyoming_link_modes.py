"""Wake words that Home Assistant finds: in all sound, or in what may be speech."""

from pathlib import Path

import pytest
from home_link_rig import COMMAND, NOON, SOUND, House, command, linked, pcm
from satellite_rig import overlap, seconds
from scripted_ha import Answer, Failure, Silence, home_assistant, tone
from speech import speak
from virtual_time import virtual

WORD = speak("okay computer")


@pytest.mark.contract(76, 77)
@virtual
async def test_in_stream_mode_home_assistant_hears_everything_from_the_first_moment(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), mode="stream") as (rig, home):
        await home.received("run-pipeline")
        await rig.room.hear(WORD)
        await home.until(lambda: overlap(pcm(home), WORD) > 0.95)
    assert home.events[0].data == {"start_stage": "wake", "end_stage": "tts", "restart_on_end": True}


@pytest.mark.contract(76)
@virtual
async def test_a_wake_word_that_home_assistant_hears_opens_the_microphone(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), NOON, mode="stream") as (rig, home):
        await rig.room.hear(WORD, seconds(0.8), COMMAND, seconds(1.0))
        report = await rig.turn()
        await home.received("played")
    assert (report.wake_word, report.answer) == ("remote_word", "It is noon.")
    assert home.kinds() == ["run-pipeline", "audio-stop", "played"]
    assert rig.recorder.contains(SOUND) and house.asr.requests == []


@virtual
async def test_after_an_answer_home_assistant_listens_again_without_being_asked(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, Answer(text="It is one.", sound=SOUND), mode="stream") as (rig, home):
        for answer in ("It is noon.", "It is one."):
            await rig.room.hear(WORD, seconds(0.8), COMMAND, seconds(1.0))
            assert (await rig.turn()).answer == answer
    assert home.kinds().count("run-pipeline") == 1


@pytest.mark.contract(77)
@virtual
async def test_after_every_error_the_pipeline_is_asked_for_again(tmp_path: Path) -> None:
    errors = [Failure("stt-stream-failed"), Failure("wake-stream-failed"), Failure("intent-failed", after_transcript=True)]
    async with linked(tmp_path, House(), *errors, mode="stream") as (_, home):
        await home.received("run-pipeline", times=3)


@virtual
async def test_a_run_that_ends_without_a_word_is_asked_for_again(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Silence("transcribe"), mode="stream") as (rig, home):
        await rig.room.hear(WORD, seconds(0.8), COMMAND, seconds(1.0))
        assert (await rig.turn()).answer == "It is late."
        await home.received("run-pipeline", times=2)


@virtual
async def test_a_run_that_never_begins_is_asked_for_again(tmp_path: Path) -> None:
    """Home Assistant 2026.2.3 says nothing when the pipeline it is to run has no wake word."""
    async with linked(tmp_path, House(), Silence("run-pipeline"), NOON, mode="stream") as (rig, home):
        await home.received("run-pipeline", times=2)
        await rig.room.hear(WORD, seconds(0.8), COMMAND, seconds(1.0))
        assert (await rig.turn()).answer == "It is noon."


@virtual
async def test_a_run_that_has_begun_is_not_asked_for_again(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), mode="stream") as (rig, home):
        await home.received("run-pipeline")
        await rig.room.hear(seconds(30.0))
    assert home.kinds().count("run-pipeline") == 1


@virtual
async def test_a_wake_word_that_nothing_follows_ends_the_run(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, mode="stream", no_speech_s=2.0) as (rig, home):
        await rig.room.hear(seconds(2.0))  # the script's Home Assistant takes anything for its wake word
        await home.received("audio-stop")
        assert (await rig.turn()).ended == "no-speech"


@virtual
async def test_our_own_wake_words_count_while_home_assistant_is_away(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), mode="stream") as (rig, home):
        await home.stop()
        await command(rig)
        report = await rig.turn()
        assert (report.wake_word, report.answer) == ("hey_jarvis", "It is late.")
        async with home_assistant(rig.home_uri, NOON):
            await rig.room.hear(WORD, seconds(0.8), COMMAND, seconds(1.0))
            assert (await rig.turn()).answer == "It is noon."


@virtual
async def test_our_own_wake_words_do_not_count_while_home_assistant_listens(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), NOON, mode="stream") as (rig, home):
        await command(rig)
        report = await rig.turn()
    assert (report.wake_word, house.asr.requests) == ("remote_word", [])
    assert "detection" not in home.kinds()


@virtual
async def test_a_muted_satellite_streams_nothing_and_streams_again_afterwards(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), mode="stream") as (rig, home):
        await home.received("run-pipeline")
        await home.pause()
        await home.unread()
        await rig.room.hear(WORD, seconds(1.0))
        assert await home.unread() == []
        await home.stop()
        async with home_assistant(rig.home_uri) as again:
            await again.until(lambda: again.heard)


@virtual
async def test_in_vad_mode_only_what_may_be_speech_is_sent(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), mode="vad") as (rig, home):
        await rig.room.hear(seconds(4.0))
        assert (home.kinds(), home.heard) == ([], b"")
        await rig.room.hear(WORD, seconds(2.0))
        await home.received("audio-stop")
        assert overlap(pcm(home), WORD) > 0.95
    assert home.events[0].data == {"start_stage": "wake", "end_stage": "tts", "restart_on_end": False}


@virtual
async def test_in_vad_mode_a_wake_word_keeps_the_microphone_open_for_the_command(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, mode="vad") as (rig, home):
        await rig.room.hear(WORD, seconds(1.5), COMMAND, seconds(1.0))
        report = await rig.turn()
    assert (report.wake_word, report.answer) == ("remote_word", "It is noon.")
    assert home.kinds()[:2] == ["run-pipeline", "audio-stop"]


@virtual
async def test_in_vad_mode_speech_that_holds_no_wake_word_is_forgotten(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), mode="vad") as (rig, home):
        for times in (1, 2):
            await rig.room.hear(COMMAND, seconds(2.0))
            await home.received("audio-stop", times)
        assert home.kinds() == ["run-pipeline", "audio-stop"] * 2
    assert rig.turns.empty() and house.asr.requests == []


@pytest.mark.contract(83)
@virtual
async def test_in_stream_mode_a_wake_word_stops_the_answer(tmp_path: Path) -> None:
    long = tone(20.0)
    async with linked(tmp_path, House(), Answer(sound=long), NOON, mode="stream") as (rig, home):
        await rig.room.hear(WORD, seconds(0.8), COMMAND, seconds(1.0))
        await rig.heard(long[:5000])
        await rig.room.hear(WORD, seconds(0.8), COMMAND, seconds(1.0))
        first, second = await rig.turn(), await rig.turn()
    assert (first.ended, second.answer) == ("interrupted", "It is noon.")
    assert home.kinds().count("played") >= 1
