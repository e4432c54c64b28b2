"""Commands that Home Assistant answers through the satellite."""

import asyncio
from pathlib import Path

import pytest
from home_link_rig import COMMAND, HEY_JARVIS, NOON, SOUND, House, command, linked, pcm
from running import free_port
from satellite_rig import overlap, satellite, seconds
from scripted_ha import Answer, Failure, Silence, ask, home_assistant, tone
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.shared.responses import apologies


@pytest.mark.contract(75, 76)
@virtual
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
@virtual
async def test_the_wake_word_that_is_told_has_a_phrase_in_the_info_of_this_connection(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON) as (rig, home):
        await command(rig)
        await home.received("run-pipeline")
    detection, run = home.events[:2]
    phrases = {model.name: model.phrase for program in home.info.wake for model in program.models}
    assert phrases[detection.data["name"]] == "hey jarvis"
    assert run.data == {"start_stage": "asr", "end_stage": "tts", "restart_on_end": False}


@pytest.mark.contract(75)
@virtual
async def test_the_phrase_of_a_wake_server_that_comes_later_than_home_assistant_is_told_before_its_first_word(tmp_path: Path) -> None:
    services = House().services()
    wake = services.pop("wake")
    uri = f"tcp://127.0.0.1:{free_port()}"
    async with satellite(services, tmp_path, uri=uri) as rig, home_assistant(uri, NOON) as home:
        assert home.info.wake == []
        await rig.revive("wake", wake)
        await rig.ready.wait()
        await rig.room.hear(seconds(0.5))
        await command(rig)
        await rig.turn()
    assert "hey_jarvis" in [model.name for program in home.info.wake for model in program.models]


@virtual
async def test_the_whole_command_reaches_home_assistant(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON) as (rig, home):
        await command(rig)
        await home.received("audio-stop")
        assert overlap(pcm(home), COMMAND) > 0.95


@virtual
async def test_speech_that_begins_before_its_text_is_told_is_the_answer_and_no_announcement(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Answer(text="It is noon.", sound=SOUND, streamed=True)) as (rig, home):
        await command(rig)
        report = await rig.turn()
    assert report.answer == "It is noon."
    assert rig.recorder.contains(SOUND) and not rig.recorder.contains(chimes.announce())


@pytest.mark.contract(76)
@pytest.mark.parametrize("says_voice_stopped", [True, False], ids=["voice-stopped", "transcript"])
@virtual
async def test_no_more_is_sent_when_home_assistant_has_found_the_end(tmp_path: Path, says_voice_stopped: bool) -> None:
    line = Answer(sound=SOUND, ends_speech=True, says_voice_stopped=says_voice_stopped)
    async with linked(tmp_path, House(), line) as (rig, home):
        await rig.room.hear(HEY_JARVIS, seconds(0.6), *[COMMAND] * 4)
        sent = len(home.heard)
        report = await rig.turn()
    assert sent < 2 * len(COMMAND) * 3
    assert (report.ended, "audio-stop" in home.kinds()) == ("answered", False)


@pytest.mark.contract(76)
@virtual
async def test_no_more_is_sent_after_an_error(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Failure("stt-stream-failed")) as (rig, home):
        await rig.room.hear(HEY_JARVIS, seconds(0.6), *[COMMAND] * 4)
        assert len(home.heard) < len(COMMAND) * 2
        assert (await rig.turn()).answer == "It is late."


@pytest.mark.contract(76)
@virtual
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


@pytest.mark.contract(83)
@virtual
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
@virtual
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
@virtual
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
@virtual
async def test_an_announcement_while_home_assistant_thinks_has_its_chime_and_ends_the_command(tmp_path: Path) -> None:
    announcement = tone(0.5, 500.0)
    async with linked(tmp_path, house := House(), Silence("transcript")) as (rig, home):
        await command(rig)
        await home.until(lambda: home.told)
        await home.announce(announcement)
        report = await rig.turn()
        await home.received("played")
    assert [rig.recorder.count(sound) for sound in (chimes.announce(), announcement)] == [1, 1]
    assert (report.ended, house.asr.requests) == ("failed", [])
    assert house.voice.requests == [apologies("en")["home_assistant"]]


@pytest.mark.contract(79)
@virtual
async def test_an_announcement_soon_after_a_command_was_broken_off_is_no_late_answer(tmp_path: Path) -> None:
    announcement = tone(0.5, 500.0)
    async with linked(tmp_path, House(), Silence("transcript"), home_assistant_s=3.0) as (rig, home):
        await command(rig)
        assert (await rig.turn()).ended == "failed"
        await home.announce(announcement)
        await rig.heard(announcement)
        await home.received("played")
    assert rig.recorder.count(chimes.announce()) == 1


@pytest.mark.contract(79)
@virtual
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


@virtual
async def test_after_a_question_no_wake_word_is_needed(tmp_path: Path) -> None:
    question = Answer(text="Which lamp?", sound=SOUND)
    async with linked(tmp_path, House(), question, NOON) as (rig, home):
        await command(rig)
        await rig.turn()
        await rig.room.hear(seconds(0.8), speak("the one in the kitchen"), seconds(1.0))
        report = await rig.turn()
    assert (report.wake_word, report.answer) == (None, "It is noon.")
    assert home.kinds().count("detection") == 1


@virtual
async def test_after_a_question_nothing_is_heard_where_the_owner_does_not_want_it(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), Answer(text="Which lamp?", sound=SOUND), NOON, questions=False) as (rig, home):
        await command(rig)
        await rig.turn()
        await rig.room.hear(seconds(0.8), speak("the one in the kitchen"), seconds(1.0))
    assert home.kinds().count("run-pipeline") == 1


@virtual
async def test_nothing_said_after_the_wake_word_is_nothing_to_home_assistant(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, no_speech_s=2.0) as (rig, home):
        await rig.room.hear(HEY_JARVIS)
        report = await rig.turn()
    assert (report.ended, home.kinds()) == ("no-speech", [])


@virtual
async def test_local_never_asks_home_assistant_but_takes_its_announcements(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, assistant="local") as (rig, home):
        await command(rig)
        report = await rig.turn()
        await home.announce(SOUND)
        await home.received("played")
    assert (report.answer, home.kinds()) == ("It is late.", ["played"])


@virtual
async def test_a_wake_word_can_address_one_of_the_two(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), NOON, assistant="auto", targets={"hey_jarvis": "local"}) as (rig, home):
        await command(rig)
        assert (await rig.turn()).answer == "It is late."
        await asyncio.gather(ask(rig.home_uri))
    assert home.kinds() == []
