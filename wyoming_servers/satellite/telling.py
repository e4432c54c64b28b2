"""Everybody who hears of a satellite's events and may switch its microphone, for as long as it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..shared.settings import SatelliteSection
from ..shared.tasks import TaskOwner
from .events import Events
from .hooks import Hooks
from .links import Link
from .loudness import Loudness
from .messages import Message, MicrophoneMuted
from .mqtt import Broker
from .mute import Mute
from .wyoming_link import HomeLink

_LOGGER = logging.getLogger(__name__)
_LAST_WORDS_S = 2.0


@asynccontextmanager
async def telling(
    section: SatelliteSection, events: Events, inbox: asyncio.Queue[Message], mute: Mute, volume: Loudness
) -> AsyncIterator[None]:
    """Hooks, the broker and the signal, from `started` to `stopped`.

    inbox: the state machine's; it is told when the microphone is switched.
    Raises: SettingsError.
    """
    owner = TaskOwner()
    hooks = Hooks(section.hooks, section.name)
    events.add(hooks.take)
    broker = None
    if section.mqtt.host:
        broker = await asyncio.to_thread(Broker, section.mqtt, section.name, events, mute.change, volume.change)
        events.add(broker.take)
        owner.start(broker.run(), "broker")
    hooks.start(owner)
    mute.tell = lambda muted: inbox.put(MicrophoneMuted(muted))
    volume.told = lambda state: events.tell("volume", percent=state["percent"], silenced=state["muted"])
    try:
        with mute.on_signal(owner):
            events.tell("started")
            if mute.muted:
                _LOGGER.info("the microphone is switched off")
                await inbox.put(MicrophoneMuted(True))
            yield
    finally:
        events.tell("stopped")
        await asyncio.gather(hooks.finish(_LAST_WORDS_S), broker.finish(_LAST_WORDS_S) if broker else asyncio.sleep(0))
        await owner.close()


def tell_of(events: Events, *links: Link | HomeLink) -> None:
    """Events are told when these connections come and go."""
    for link in links:
        link.told = lambda kind, uri, connected: events.tell("connected" if connected else "disconnected", kind=kind, uri=uri)
