"""A satellite among servers that follow a script, and a Home Assistant that uses it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from running import free_port
from satellite_rig import Rig, satellite, seconds
from satellite_servers import ScriptedAsr, ScriptedHandle, ScriptedVoice
from scripted_ha import Answer, ScriptedHome, home_assistant, tone
from speech import speak

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
    """What the satellite sent for the last run, (n,) int16 16 kHz."""
    return np.frombuffer(home.heard, "<i2")
