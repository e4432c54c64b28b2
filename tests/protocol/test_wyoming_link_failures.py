"""Commands that Home Assistant fails to answer: the satellite does, or says that nobody can."""

from pathlib import Path

import pytest
from home_link_rig import COMMAND, HEY_JARVIS, NOON, SOUND, House, command, linked
from satellite_rig import overlap, seconds
from scripted_ha import Failure, Silence, home_assistant, tone
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.shared.responses import apologies


@pytest.mark.contract(76)
@virtual
async def test_no_transcript_in_time_and_the_satellite_answers_itself(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Silence("transcribe")) as (rig, home):
        await command(rig)
        report = await rig.turn()
        assert (report.answer, report.route) == ("It is late.", None)
    assert overlap(house.asr.requests[0], COMMAND) > 0.95


@virtual
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


@virtual
async def test_a_text_without_a_voice_is_spoken_here(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Silence("synthesize")) as (rig, _):
        await command(rig)
        report = await rig.turn()
    assert (house.voice.requests, report.answer, report.ended) == (["It is noon."], "It is noon.", "answered")


@virtual
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
@virtual
async def test_what_is_no_failure_is_quiet(tmp_path: Path, line: Failure, ended: str) -> None:
    async with linked(tmp_path, house := House(), line) as (rig, _):
        await command(rig, speak("tell me about the weather of tomorrow"))
        report = await rig.turn()
        await rig.quiet()
    assert (report.ended, report.error) == (ended, None)
    assert house.asr.requests == house.voice.requests == []
    assert not rig.recorder.contains(chimes.error())


@pytest.mark.parametrize("code", ["stt-provider-missing", "pipeline_not_found", "cloud-auth-failed", "something-new"])
@virtual
async def test_a_pipeline_that_does_not_work_is_answered_for(tmp_path: Path, code: str) -> None:
    async with linked(tmp_path, House(), Failure(code)) as (rig, _):
        await command(rig)
        report = await rig.turn()
    assert (report.answer, report.ended) == ("It is late.", "answered")


@virtual
async def test_what_may_have_been_done_is_not_done_again(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Failure("intent-failed", after_transcript=True)) as (rig, _):
        await command(rig)
        report = await rig.turn()
    assert (report.ended, house.asr.requests, house.voice.requests) == ("failed", [], [apologies("en")["home_assistant"]])


@virtual
async def test_a_command_that_nobody_in_home_assistant_takes_is_answered_here(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Failure("intent-agent-not-found", after_transcript=True)) as (rig, _):
        await command(rig)
        assert (await rig.turn()).answer == "It is late."


@pytest.mark.contract(82)
@pytest.mark.parametrize("after", ["nothing", "transcribe", "transcript"])
@virtual
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
@virtual
async def test_a_home_assistant_that_goes_while_it_speaks_is_heard_as_far_as_it_came(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON) as (rig, home):
        await command(rig)
        await home.until(lambda: home.told)
        await home.stop()
        report = await rig.turn()
        assert rig.recorder.contains(SOUND)
    assert report.ended == "answered"


@pytest.mark.contract(82)
@virtual
async def test_when_home_assistant_is_back_it_answers_again(tmp_path: Path) -> None:
    async with linked(tmp_path, House()) as (rig, home):
        await home.stop()
        await command(rig)
        first = await rig.turn()
        async with home_assistant(rig.home_uri, NOON):
            await command(rig)
            second = await rig.turn()
    assert (first.answer, second.answer) == ("It is late.", "It is noon.")


@virtual
async def test_home_assistant_alone_is_an_error_chime_without_it(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), assistant="home_assistant") as (rig, home):
        await home.stop()
        await rig.room.hear(HEY_JARVIS)
        report = await rig.turn()
        await rig.heard(chimes.error())
        await rig.room.hear(COMMAND, seconds(1.0))
    assert report.ended == "failed" and "Home Assistant is not connected" in (report.error or "")
    assert house.asr.requests == []


@virtual
async def test_home_assistant_alone_is_not_replaced_when_it_fails(tmp_path: Path) -> None:
    async with linked(tmp_path, house := House(), Failure("stt-provider-missing"), assistant="home_assistant") as (rig, _):
        await command(rig)
        report = await rig.turn()
    assert (report.ended, house.asr.requests, house.voice.requests) == ("failed", [], [apologies("en")["home_assistant"]])
