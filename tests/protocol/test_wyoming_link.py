"""The satellite as Home Assistant sees it, apart from commands: connections, announcements, mute, timers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import free_port
from satellite_rig import Rig, satellite, seconds
from satellite_servers import ScriptedVoice, ScriptedWake
from scripted_ha import ScriptedHome, ask, home_assistant, tone
from virtual_time import virtual
from wire import wire
from wyoming.satellite import RunSatellite
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from wyoming_servers.satellite import chimes, home_listener
from wyoming_servers.shared.connection import ConnectionLimits
from wyoming_servers.shared.offers import kinds
from wyoming_servers.shared.server import ServerLimits
from wyoming_servers.shared.service import Service

SHORT = tone(0.5)


@asynccontextmanager
async def linked(tmp_path: Path, services: dict[str, Service] | None = None, **section: Any) -> AsyncIterator[tuple[Rig, ScriptedHome]]:
    """A satellite and a Home Assistant that uses it."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    async with satellite(services or {}, tmp_path, uri=uri, **section) as rig, home_assistant(uri) as home:
        rig.home_uri = uri
        yield rig, home


def voice() -> dict[str, Service]:
    return {"tts": ScriptedVoice()}


async def heard_once(rig: Rig, sound: np.ndarray) -> None:
    await rig.heard(sound)
    await rig.quiet()
    assert rig.recorder.count(sound) == 1


@virtual
async def test_info_holds_the_satellite_and_its_wake_words_with_phrases_and_nothing_else(tmp_path: Path) -> None:
    services = {"wake": ScriptedWake(0.3, 0.0)}
    async with linked(tmp_path, services, area="Kitchen") as (rig, _):
        info = await ask(rig.home_uri)
    assert info.satellite is not None
    assert (info.satellite.name, info.satellite.area, info.satellite.installed) == ("test", "Kitchen", True)
    assert [(model.name, model.phrase) for program in info.wake for model in program.models] == [("scripted", "any sound")]
    assert not (info.asr or info.tts or info.handle or info.intent or info.mic or info.snd)


@virtual
async def test_wake_words_that_are_not_listened_for_are_not_told(tmp_path: Path) -> None:
    async with linked(tmp_path, {"wake": ScriptedWake(0.3, 0.0)}, wake_words=("other",)) as (rig, _):
        info = await ask(rig.home_uri)
    assert info.wake == []


@virtual
async def test_no_other_satellite_takes_it_for_a_wake_server(tmp_path: Path) -> None:
    async with linked(tmp_path, {"wake": ScriptedWake(0.3, 0.0)}) as (rig, _):
        assert kinds(await ask(rig.home_uri)) == ["satellite"]


@pytest.mark.contract(72)
@virtual
async def test_pings_are_answered_within_a_second_while_three_minutes_of_speech_arrive_and_are_played(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home):
        await home.speak(tone(180.0))
        await rig.heard(tone(0.05)[:500])
        before = len(home.pong_s)
        await home.until(lambda: len(home.pong_s) >= before + 2)
        assert rig.recorder.heard
        assert not home.dropped
    assert max(home.pong_s) < 1.0


@pytest.mark.contract(73)
@virtual
async def test_connections_that_only_ask_change_nothing(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home):
        await asyncio.gather(*(ask(rig.home_uri) for _ in range(10)))
        await home.announce(SHORT)
        await home.received("played")
        assert not home.dropped


@pytest.mark.contract(74)
@virtual
async def test_the_newest_connection_that_runs_the_satellite_has_it(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, first), home_assistant(rig.home_uri) as second:
        await first.until(lambda: first.dropped)
        await second.announce(SHORT)
        await second.received("played")
        assert "played" not in first.kinds()


@pytest.mark.contract(78)
@virtual
async def test_played_comes_once_after_the_last_sample(tmp_path: Path) -> None:
    async with linked(tmp_path, chimes=False) as (rig, home):
        await home.announce(SHORT)
        await home.received("played")
        assert rig.recorder.contains(SHORT)
        await rig.quiet()
        assert home.kinds().count("played") == 1


@pytest.mark.contract(78)
@virtual
async def test_played_comes_for_speech_without_a_sample(tmp_path: Path) -> None:
    async with linked(tmp_path) as (_, home):
        await home.announce(SHORT[:0])
        await home.received("played")


@pytest.mark.contract(78)
@virtual
async def test_played_comes_for_sound_that_cannot_be_played(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home):
        async with wire(rig.home_uri) as other:
            await other.send({"type": "run-satellite"}, {"type": "audio-start", "data": {"rate": 1, "width": 9, "channels": 0}})
            await other.send(b'{"type": "audio-chunk", "data": {"rate": 1, "width": 9, "channels": 0}, "payload_length": 2}\n\x00\x00')
            await other.send({"type": "audio-stop"})
            assert await other.receive_type("played")
        await home.until(lambda: home.dropped)


@pytest.mark.contract(79)
@virtual
async def test_an_announcement_is_heard_behind_a_chime(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home):
        await home.announce(SHORT)
        await home.received("played")
    pcm = rig.recorder.sound.astype("<i2").tobytes()
    assert 0 <= pcm.index(chimes.announce().tobytes()) < pcm.index(SHORT.tobytes())


@pytest.mark.contract(79)
@virtual
async def test_two_announcements_are_heard_one_after_the_other_each_with_its_chime(tmp_path: Path) -> None:
    first, second = tone(1.0, 300.0), tone(1.0, 500.0)
    async with linked(tmp_path) as (rig, home):
        await home.announce(first)
        await home.announce(second)
        await home.received("played", times=2)
    assert [rig.recorder.count(sound) for sound in (chimes.announce(), first, second)] == [2, 1, 1]


@pytest.mark.contract(79)
@virtual
async def test_an_announcement_that_is_broken_off_is_heard_as_far_as_it_came(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home):
        await home.speak(SHORT, stop=False)
        await home.stop()
        await rig.heard(SHORT)


@pytest.mark.contract(80)
@virtual
async def test_a_hundred_mutes_later_it_still_answers(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home):
        for _ in range(100):
            await home.pause()
            await home.stop()
            home = ScriptedHome(rig.home_uri)
            await home.start()
        try:
            await home.announce(SHORT)
            await home.received("played")
        finally:
            await home.stop()


@pytest.mark.contract(80)
@virtual
async def test_a_muted_satellite_keeps_the_silent_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = ServerLimits(connection=ConnectionLimits(idle_s=3.0, request_idle_s=3.0))
    monkeypatch.setattr(home_listener, "LIMITS", limits)
    async with linked(tmp_path) as (rig, home):
        await home.pause()
        await rig.room.hear(seconds(8.0))
        await home.send(RunSatellite().event())
        await home.resume()
        await home.announce(SHORT)
        await home.received("played")


@virtual
async def test_a_home_assistant_that_says_nothing_any_more_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = ServerLimits(connection=ConnectionLimits(request_idle_s=3.0))
    monkeypatch.setattr(home_listener, "LIMITS", limits)
    async with linked(tmp_path) as (_, home):
        await home.freeze()
        await home.hung_up()


@pytest.mark.contract(81)
@virtual
async def test_a_timer_rings_though_home_assistant_is_gone(tmp_path: Path) -> None:
    async with linked(tmp_path, services := voice()) as (rig, home):
        await home.send(TimerStarted(id="t1", total_seconds=3, name="pizza").event())
        await ask(rig.home_uri)
        await home.stop()
        await rig.heard(chimes.ring())
        await rig.heard(ScriptedVoice.SOUND)
    assert services["tts"].requests[0] == "Your pizza timer is done."


@pytest.mark.contract(81)
@virtual
async def test_a_timer_without_a_name_is_told_by_its_length_in_the_houses_language(tmp_path: Path) -> None:
    async with linked(tmp_path, services := voice()) as (rig, home):
        await home.send(TimerStarted(id="t1", total_seconds=65, start_minutes=1, start_seconds=5).event())
        await home.send(TimerFinished(id="t1").event())
        await rig.heard(ScriptedVoice.SOUND)
    assert services["tts"].requests[0] == "Your 1 minute 5 second timer is done."


@pytest.mark.contract(81)
@pytest.mark.parametrize(
    "events",
    [
        [TimerStarted(id="t1", total_seconds=0)],
        [TimerStarted(id="t1", total_seconds=2), TimerFinished(id="t1"), TimerFinished(id="t1")],
        [TimerStarted(id="t1", total_seconds=500), TimerUpdated(id="t1", is_active=True, total_seconds=1)],
        [TimerFinished(id="set-before-we-started")],
    ],
    ids=["no length", "finished twice, and counted here", "made shorter", "never heard of"],
)
@virtual
async def test_a_timer_rings_once(tmp_path: Path, events: list) -> None:
    async with linked(tmp_path, voice(), ring_s=0.5) as (rig, home):
        for event in events:
            await home.send(event.event())
        await heard_once(rig, chimes.ring())
        await rig.room.hear(seconds(3.0))
        assert rig.recorder.count(chimes.ring()) == 1


@pytest.mark.contract(81)
@pytest.mark.parametrize(
    "events",
    [
        [TimerStarted(id="t1", total_seconds=1), TimerCancelled(id="t1"), TimerCancelled(id="t1"), TimerFinished(id="t1")],
        [TimerStarted(id="t1", total_seconds=1), TimerUpdated(id="t1", is_active=False, total_seconds=1)],
        [TimerUpdated(id="unknown", is_active=True, total_seconds=1), TimerCancelled(id="other")],
    ],
    ids=["cancelled", "paused", "unknown"],
)
@virtual
async def test_a_timer_does_not_ring(tmp_path: Path, events: list) -> None:
    async with linked(tmp_path, voice()) as (rig, home):
        for event in events:
            await home.send(event.event())
        await rig.room.hear(seconds(4.0))
        assert not rig.recorder.contains(chimes.ring())


@pytest.mark.contract(81)
@virtual
async def test_a_timer_cancelled_in_home_assistant_stops_ringing(tmp_path: Path) -> None:
    async with linked(tmp_path, voice()) as (rig, home):
        await home.send(TimerStarted(id="t1", total_seconds=0).event())
        await rig.heard(chimes.ring())
        await home.send(TimerCancelled(id="t1").event())
        await rig.quiet()
        assert rig.recorder.count(chimes.ring()) <= 2


@pytest.mark.contract(82)
@pytest.mark.parametrize("away_s", [1.0, 10.0])
@virtual
async def test_it_is_ready_at_once_when_home_assistant_returns(tmp_path: Path, away_s: float) -> None:
    async with linked(tmp_path) as (rig, home):
        await home.stop()
        await asyncio.sleep(away_s)  # on the satellite's clock
        async with asyncio.timeout(5.0), home_assistant(rig.home_uri) as again:
            await again.announce(SHORT)
            await again.received("played")


@pytest.mark.contract(82)
@virtual
async def test_a_half_open_connection_makes_way_at_once(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home):
        await home.freeze()
        async with asyncio.timeout(5.0), home_assistant(rig.home_uri) as again:
            await again.announce(SHORT)
            await again.received("played")


@pytest.mark.contract(82)
@virtual
async def test_a_satellite_that_starts_again_is_found_by_the_same_home_assistant(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home):
        await rig.stop()
        await home.until(lambda: home.dropped)
        uri = rig.home_uri
    async with satellite({}, tmp_path, uri=uri), home_assistant(uri) as again:
        await again.announce(SHORT)
        await again.received("played")


@virtual
async def test_what_comes_over_a_connection_that_has_not_run_the_satellite_is_left_alone(tmp_path: Path) -> None:
    async with linked(tmp_path) as (rig, home), wire(rig.home_uri) as other:
        await other.send({"type": "timer-finished", "data": {"id": "t1"}}, {"type": "pause-satellite"}, {"type": "ping"})
        await other.receive_type("pong")
        await home.announce(SHORT)
        await home.received("played")
        assert not rig.recorder.contains(chimes.ring())


@virtual
async def test_no_port_is_opened_where_the_owner_wants_none(tmp_path: Path) -> None:
    port = free_port()
    async with satellite({}, tmp_path, uri="none"):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


@virtual
async def test_a_port_that_is_taken_leaves_the_satellite_at_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        uri = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with satellite({"wake": ScriptedWake(0.3, 0.0)}, tmp_path, uri=uri) as rig:
            assert not rig.running.done()
    assert "cannot be listened on" in caplog.text and "satellite.uri=" in caplog.text
