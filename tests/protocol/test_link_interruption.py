"""Home Assistant speaks through the satellite, and somebody speaks into it."""

from pathlib import Path

from home_link_rig import COMMAND, HEY_JARVIS, NOON, House, command, linked
from satellite_rig import Rig, seconds
from satellite_servers import ScriptedAsr
from scripted_ha import Answer, tone
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ

LONG = tone(8.0)
STORY = Answer(text="Once upon a time.", sound=LONG)


def silent(rig: Rig, last_s: float = 0.5) -> bool:
    return not rig.recorder.sound[-round(last_s * PLAYBACK_RATE_HZ) :].any()


@virtual
async def test_a_wake_word_ends_an_announcement(tmp_path: Path) -> None:
    async with linked(tmp_path, House()) as (rig, home):
        await home.announce(LONG)
        await rig.heard(chimes.announce())
        await rig.room.hear(seconds(1.0), HEY_JARVIS)
        await home.received("played")
        await rig.room.hear(seconds(1.0))
        assert silent(rig)


@virtual
async def test_a_wake_word_ends_home_assistants_answer(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), STORY, NOON) as (rig, _):
        await command(rig)
        await rig.room.hear(seconds(1.0))
        await command(rig)
        first, second = await rig.turn(), await rig.turn()
    assert (first.ended, second.answer) == ("interrupted", "It is noon.")


@virtual
async def test_stop_ends_an_announcement_without_a_wake_word(tmp_path: Path) -> None:
    house = House()
    house.asr = ScriptedAsr("stop")
    async with linked(tmp_path, house, echo_cancel="device") as (rig, home):
        await home.announce(LONG)
        await rig.heard(chimes.announce())
        await rig.room.hear(seconds(1.0), speak("stop"), seconds(1.0))
        await home.received("played")
        assert silent(rig)


@virtual
async def test_who_speaks_into_home_assistants_answer_speaks_to_home_assistant(tmp_path: Path) -> None:
    async with linked(tmp_path, House(), STORY, NOON, echo_cancel="device") as (rig, _):
        await command(rig)
        await rig.room.hear(seconds(1.0), COMMAND, speak("in the kitchen"), seconds(1.0))
        first, second = await rig.turn(), await rig.turn()
    assert (first.ended, second.route, second.answer) == ("interrupted", "home_assistant", "It is noon.")
