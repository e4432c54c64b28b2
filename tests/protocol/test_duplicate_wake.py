"""Two satellites hear one wake word: one of them answers, and nobody has waited for that."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from handle_house import MovedClock, linked, running
from satellite_rig import satellite, seconds
from satellite_servers import ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual
from wire import Wire, event
from wyoming.event import Event


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Wire, Wire, MovedClock]]:
    """The links of a kitchen's and a hall's satellite, and the server's clock."""
    clock = MovedClock()
    async with running(tmp_path, clock) as uri, linked(uri, "kitchen") as kitchen, linked(uri, "hall") as hall:
        yield kitchen, hall, clock


async def woken(link: Wire, level_dbfs: float, turn: int, wake_word: str = "hey_jarvis") -> None:
    await link.send(event("earshot-woken", {"turn": turn, "wake_word": wake_word, "level_dbfs": level_dbfs}))
    await link.send(event("earshot-microphone", {"muted": False}))  # taken in order; then the link is served


async def told(link: Wire) -> dict[str, Any]:
    """What a satellite is told next."""
    async with asyncio.timeout(5):
        message = await link.receive()
    assert message is not None and message.type == "earshot-yield"
    return message.data


async def silent(link: Wire) -> bool:
    """True when there is nothing to be told: a ping's answer comes first."""
    await link.send(event("ping"))
    async with asyncio.timeout(5):
        return (await link.receive()).type == "pong"


async def test_the_second_gives_way_when_it_heard_it_no_better(two: tuple[Wire, Wire, MovedClock]) -> None:
    kitchen, hall, _ = two
    await woken(kitchen, -30.0, 4)
    assert await silent(kitchen)
    await woken(hall, -29.0, 9)
    assert (await told(hall)) == {"turn": 9}


async def test_the_first_gives_way_to_one_that_heard_it_better(two: tuple[Wire, Wire, MovedClock]) -> None:
    kitchen, hall, _ = two
    await woken(kitchen, -40.0, 4)
    assert await silent(kitchen)
    await woken(hall, -25.0, 9)
    assert (await told(kitchen)) == {"turn": 4}


@pytest.mark.parametrize(("later_s", "word"), [(2.0, "hey_jarvis"), (0.1, "okay_nabu")])
async def test_another_wake_word_is_another_turn(two: tuple[Wire, Wire, MovedClock], later_s: float, word: str) -> None:
    kitchen, hall, clock = two
    await woken(kitchen, -30.0, 4)
    assert await silent(kitchen)
    clock.advance(later_s)
    await woken(hall, -30.0, 9, word)
    assert await silent(hall) and await silent(kitchen)


@pytest.mark.parametrize("data", [{}, {"turn": "4", "wake_word": "x", "level_dbfs": 1}, {"turn": 1, "wake_word": None, "level_dbfs": []}])
async def test_what_makes_no_sense_is_left_alone(two: tuple[Wire, Wire, MovedClock], data: dict[str, Any]) -> None:
    kitchen, _, _ = two
    await kitchen.send(event("earshot-woken", data))
    assert await silent(kitchen)


@virtual
async def test_a_satellite_that_gives_way_is_silent(tmp_path: Path) -> None:
    handle = ScriptedHandle("It is noon.")
    services = {"wake": ToldWake(), "asr": ScriptedAsr("what time is it"), "handle": handle, "tts": ScriptedVoice()}
    async with satellite(services, tmp_path, chimes=False) as rig:
        async with asyncio.timeout(10):
            await handle.subscribed.wait()
        await services["wake"].hears()
        heard = await asyncio.wait_for(handle.woken.get(), 10)
        await handle.links[-1].send(Event("earshot-yield", {"turn": heard["turn"]}))
        await rig.room.hear(seconds(0.3), speak("what time is it"), seconds(2.0))
        report = await rig.turn()
    assert (report.ended, handle.requests) == ("ignored", [])
    assert not rig.recorder.sound.any()


@virtual
async def test_a_wake_word_that_was_heard_while_the_server_was_away_is_not_told_when_it_is_back(tmp_path: Path) -> None:
    services = {
        "wake": ToldWake(),
        "asr": ScriptedAsr(*["what time is it"] * 3),
        "handle": ScriptedHandle(),
        "tts": ScriptedVoice(*[""] * 3),
    }
    async with satellite(services, tmp_path, chimes=False) as rig:
        await rig.kill("handle")
        await rig.room.hear(seconds(0.2))
        await services["wake"].hears()
        await rig.room.hear(seconds(0.3), speak("what time is it"))
        assert (await rig.turn()).ended == "failed"
        back = ScriptedHandle("It is noon.")
        await rig.revive("handle", back)
        async with asyncio.timeout(20):
            await back.subscribed.wait()
            await services["wake"].hears()
            assert (await back.woken.get())["turn"] == 2
