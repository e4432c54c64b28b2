"""Runs a satellite: its devices, its connections, and the state machine between them."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from wyoming.info import WakeProgram

from ..shared import service_manager
from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from ..shared.models import ModelStore
from ..shared.offers import programs
from ..shared.responses import apologies
from ..shared.settings import KINDS, Settings
from ..shared.tasks import cancel
from ..shared.uri import local_uri
from .devices import open_microphone, open_speaker
from .directory import Directory
from .echo import EchoCanceller, open_canceller
from .events import Events
from .home_ear import HomeEar
from .home_listener import listening
from .home_run import HomeSpeech
from .home_timers import HomeTimers, OwnTimers
from .links import FinishedTimer, Saying, TimerLink, WakeLink
from .loudness import Loudness
from .machine import Satellite
from .messages import Announcement, Frame, HomeChanged, MicrophoneLost, TimerCancelled, WakeWord, Yielded
from .microphones import Microphone
from .mute import Mute
from .playback import Player
from .report import TurnReport
from .soundcard import PortAudio
from .speakers import SoundError, Speaker
from .telling import tell_of, telling
from .wyoming_link import HomeLink

if TYPE_CHECKING:
    from ..shared.end_of_turn import EndOfTurnModel

_LOGGER = logging.getLogger(__name__)
_RETRY_S = 2.0
_LINGER_FRAMES = round(2.0 * RATE_HZ / FRAME_SAMPLES)  # after a recording's end, for what is under way


async def run(
    settings: Settings,
    on_turn: Callable[[TurnReport], None] | None = None,
    ready: Callable[[], None] | None = None,
    *,
    microphone: Microphone | None = None,
    speaker: Speaker | None = None,
) -> None:
    """Runs until cancelled, or until a recording as microphone has been heard to its end and answered.

    on_turn: called with every turn; None writes one line to the log. ready: called once, when sound comes and a wake server
    listens to it. microphone, speaker: used in place of those that the settings name.
    Raises: SettingsError, InvalidRequestError for what can never work; sound cards and servers that are missing are waited for.
    """
    section = settings.satellite
    portaudio = PortAudio()
    microphone = microphone or open_microphone(section.mic, portaudio)
    player = Player(speaker or open_speaker(section.speaker, portaudio), section.volume)
    nearby = {kind: local_uri(getattr(settings, kind).uri) for kind in KINDS}
    directory = Directory(section.peers, nearby=nearby, browse=settings.network.zeroconf)
    events = Events()
    satellite = Satellite(settings, directory, player, on_turn or _log, events)
    if canceller := await open_canceller(section.echo_cancel):
        player.tap = canceller.play
    volume = await asyncio.to_thread(Loudness, section.name, section.volume, player.set_volume)
    mute = await asyncio.to_thread(Mute, section.name, section.muted)
    await asyncio.to_thread(apologies, settings.language)  # they are read by now when something fails
    home_timers, home = _home(settings, satellite)
    wake, timers, ear = _links(settings, directory, satellite, (volume, mute), home)
    tell_of(events, wake, timers, home)
    timers.yielded = lambda turn: satellite.inbox.put(Yielded(turn))
    satellite.connect(ear or wake, OwnTimers(timers), home, canceller)
    await directory.start()
    try:
        async with (
            telling(section, events, satellite.inbox, mute, volume),
            listening(settings, home, lambda: _wake_programs(directory)),
            asyncio.TaskGroup() as group,
        ):
            satellite.melody.prepare(lambda: _end_of_turn_model(settings))
            work = (player.run(), wake.run(), timers.run(), satellite.run(), _say_ready(microphone, wake, ear, ready))
            tasks = [group.create_task(each, name=f"satellite {each.__qualname__}") for each in work]
            service_manager.ready()
            await _capture(microphone, canceller, satellite, events)
            for task in tasks:
                task.cancel()
    finally:
        await home_timers.close()
        await directory.stop()


def _home(settings: Settings, satellite: Satellite) -> tuple[HomeTimers, HomeLink]:
    inbox = satellite.inbox

    async def announced(speech: HomeSpeech) -> None:
        await inbox.put(Announcement(speech))

    async def changed() -> None:
        await inbox.put(HomeChanged())

    timers = HomeTimers(settings.language, inbox.put, lambda timer_id: inbox.put(TimerCancelled(timer_id)))
    return timers, HomeLink(announced, changed, timers)


def _links(
    settings: Settings, directory: Directory, satellite: Satellite, controls: tuple[Loudness, Mute], home: HomeLink
) -> tuple[WakeLink, TimerLink, HomeEar | None]:
    section, inbox = settings.satellite, satellite.inbox

    async def heard(name: str, end: int) -> None:
        word = WakeWord(name, end)
        await (ear.heard_here(word) if ear else inbox.put(word))

    async def finished(timer: FinishedTimer) -> None:
        await inbox.put(timer)

    async def cancelled(timer_id: str) -> None:
        await inbox.put(TimerCancelled(timer_id))

    async def say(saying: Saying) -> None:
        await inbox.put(saying)

    identity = {"satellite_id": satellite.id, "name": section.name, "area": section.area, "language": settings.language}
    known = {key: value for key, value in identity.items() if value}
    wake = WakeLink(directory, section.wake_words, heard)
    ear = None
    if section.mode != "wake" and section.assistant != "local":
        ear = home.remote_ear = HomeEar(home, wake, inbox.put, gated=section.mode == "vad")
        _LOGGER.info("wake words are Home Assistant's affair while it is connected (satellite.mode is %s)", section.mode)
    return wake, TimerLink(directory, known, finished, cancelled, say, *controls), ear


def _end_of_turn_model(settings: Settings) -> "EndOfTurnModel | None":
    """Blocking. Nothing of it is imported before it is wanted."""
    if settings.satellite.end_of_turn == "none":
        return None
    from ..shared.end_of_turn import load
    from ..shared.engines import EngineContext

    return load(settings.satellite.end_of_turn, EngineContext(language=settings.language, store=ModelStore(settings.models)))


def _wake_programs(directory: Directory) -> list[WakeProgram]:
    """Those of the wake word server in use; none while there is none."""
    peer = directory.available("wake")
    return [program for program in programs(peer.info, "wake") if isinstance(program, WakeProgram)] if peer else []


async def _capture(microphone: Microphone, canceller: EchoCanceller | None, satellite: Satellite, events: Events) -> None:
    """Hands on the microphone's frames. Returns when it has ended and nothing is left to do; waits while there is none."""
    now = asyncio.get_running_loop().time
    problem = None
    quiet = 0
    while True:
        try:
            async with aclosing(microphone.frames()) as frames:
                async for samples in frames:
                    if problem:
                        problem = None
                        _LOGGER.info("%s hears again", microphone.name)
                    quiet = quiet + 1 if microphone.ended and satellite.idle else 0  # before this frame makes it busy
                    clean = canceller.clean(samples) if canceller else samples
                    await satellite.inbox.put(Frame(clean, now() - microphone.latency_s))
                    microphone.keep_all(satellite.in_turn)
                    if quiet > _LINGER_FRAMES:
                        return
        except SoundError as err:
            await satellite.inbox.put(MicrophoneLost())
            if str(err) != problem:
                problem = str(err)
                _LOGGER.warning("no microphone: %s", problem)
                events.tell("error", text=f"no microphone: {problem}")
        await asyncio.sleep(_RETRY_S)


async def _say_ready(microphone: Microphone, wake: WakeLink, ear: HomeEar | None, ready: Callable[[], None] | None) -> None:
    there = [asyncio.ensure_future(each.listening.wait()) for each in (wake, ear) if each]
    try:
        await asyncio.wait(there, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel(*there)
    _LOGGER.info("listening on %s", microphone.name)
    if ready:
        ready()


def _log(report: TurnReport) -> None:
    _LOGGER.info("%s", report.line())
