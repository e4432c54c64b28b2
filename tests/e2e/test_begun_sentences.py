"""A recogniser that knows whole sentences only says when it heard but the beginning of one, and the satellite waits for the rest."""

from pathlib import Path

import pytest
from guessing_servers import GuessingHandle
from satellite_rig import satellite, seconds
from satellite_servers import ScriptedAsr, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual
from wyoming.asr import Transcript
from wyoming.event import Event

from wyoming_servers.satellite import chimes
from wyoming_servers.shared.service import Peer, Session


class BeginningAsr(ScriptedAsr):
    """Makes a whole sentence of everything."""

    def __init__(self, context: object) -> None:
        super().__init__("set the volume two")
        self.context = context

    def session(self, peer: Peer) -> Session:
        return _Telling(super().session(peer), peer, self.context)


class _Telling(Session):
    busy = False

    def __init__(self, inner: Session, peer: Peer, context: object) -> None:
        self._inner, self._peer, self._context = inner, peer, context

    async def handle(self, event: Event) -> None:
        if event.type == "audio-stop":
            await self._peer.send(Event("transcript", {**Transcript("set the volume two").event().data, "context": self._context}))
        else:
            await self._inner.handle(event)


@pytest.mark.parametrize(
    ("context", "wait_ms"),
    [
        ({"earshot": {"begun": "set the volume to"}}, 1600),
        ({"earshot": {"begun": ""}}, 200),
        ({"earshot": "begun"}, 200),
        (None, 200),
    ],
)
@virtual
async def test_a_sentence_that_was_only_begun_is_waited_for(tmp_path: Path, context: object, wait_ms: int) -> None:
    wake = ToldWake()
    services = {"wake": wake, "asr": BeginningAsr(context), "handle": GuessingHandle(judges="complete"), "tts": ScriptedVoice()}
    async with satellite(services, tmp_path, name=f"begun {wait_ms}") as rig:
        await wake.hears()
        await rig.heard(chimes.wake())
        await rig.room.hear(seconds(0.5), speak("set the volume to"), seconds(1.0))
        report = await rig.turn()
    assert wait_ms - 40 <= report.stages_ms["endpoint"] <= wait_ms + 70
