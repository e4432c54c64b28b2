"""What the owner's hooks are told of a satellite in a room, from the wake word to the silence after the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from satellite_rig import satellite, seconds
from satellite_servers import PATIENCE_S, ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.shared.errors import SettingsError

COMMAND = speak("what time is it")


class Hook:
    """An HTTP server that takes what hooks post."""

    def __init__(self) -> None:
        self.url = ""
        self.posted: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.posted.append(await request.json())
        self._changed.set()
        return web.Response()

    @property
    def names(self) -> list[str]:
        return [each["event"] for each in self.posted]

    async def until(self, name: str, times: int = 1) -> dict[str, Any]:
        """Waits for an event; returns the last of that name."""
        async with asyncio.timeout(PATIENCE_S):
            while self.names.count(name) < times:
                self._changed.clear()
                await self._changed.wait()
        return next(each for each in reversed(self.posted) if each["event"] == name)


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    taking, app = Hook(), web.Application()
    app.router.add_post("/", taking.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taking.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield taking
    finally:
        await runner.cleanup()


@virtual
async def test_a_turn_is_told_from_the_wake_word_to_the_silence(tmp_path: Path) -> None:
    wake = ToldWake()
    services = {"wake": wake, "asr": ScriptedAsr("what time is it"), "handle": ScriptedHandle("It is noon."), "tts": ScriptedVoice()}
    async with hook() as told, hook() as words:
        section = {"hooks": {"*": told.url, "turn": words.url}, "targets": {"okay_nabu": "local"}, "name": "told"}
        async with satellite(services, tmp_path, **section) as rig:
            await told.until("connected", times=2)
            await wake.hears("okay_nabu")
            await rig.heard(chimes.wake())
            await rig.room.hear(COMMAND, seconds(1.0))
            await rig.turn()
            detected = await told.until("detected")
            turn = await words.until("turn")
            await told.until("idle")
        await told.until("stopped")
    turned = [name for name in told.names if name not in ("connected", "disconnected")]
    assert turned == ["started", "detected", "listening", "thinking", "speaking", "idle", "stopped"]
    assert (detected["wake_word"], detected["target"]) == ("okay_nabu", "local")
    assert (turn["transcript"], turn["answer"], turn["ended"]) == ("what time is it", "It is noon.", "answered")


@virtual
async def test_timers_and_the_microphone_are_told(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    async with hook() as told, satellite({"handle": handle}, tmp_path, hooks={"*": told.url}, name="told of", ring_s=1.0):
        await handle.switch_microphone(off=True)
        await told.until("muted")
        await handle.finish_timer("t1", "Pizza.")
        ringing = await told.until("timer-ringing")
        await told.until("timer-stopped")
        await handle.switch_microphone(off=False)
        await told.until("unmuted")
    assert (ringing["id"], ringing["text"]) == ("t1", "Pizza.")


@virtual
async def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    async with hook() as told, satellite({"handle": ScriptedHandle()}, tmp_path, hooks={"error": told.url}, name="told of errors") as rig:
        rig.room.plugged_in = False
        assert (await told.until("error"))["text"] == "no microphone: the room is gone"


@virtual
async def test_a_wake_word_must_address_somebody_there_is(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        async with satellite({}, tmp_path, targets={"okay_nabu": "alexa"}) as rig:
            await rig.running
    assert str(error.value) == "satellite.targets.okay_nabu: 'alexa' is not allowed (allowed: auto, local, home_assistant)"
