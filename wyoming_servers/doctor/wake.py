"""How sure the wake word detector is of the person who speaks now."""

import asyncio
import contextlib
import threading

from .. import services
from ..satellite.devices import open_microphone
from ..satellite.soundcard import PortAudio
from ..satellite.speakers import SoundError
from ..shared.errors import AssistantError
from ..wake.engine import WakeStream
from ..wake.server import WakeService
from .finding import Finding, Visit, failure, note, ok, warning
from .sound import satellite_runs

_SHOWN_FROM = 0.05
_CLEAR = 0.15
"""A score so far above the threshold leaves room for a worse day."""


async def wake(visit: Visit) -> list[Finding]:
    """The best score of each wake word while somebody speaks; asked for only, since it needs somebody."""
    if visit.settings.satellite.mic == "-":
        return [note("the microphone is standard input, which is not listened to here")]
    service = services.create("wake", visit.settings)
    assert isinstance(service, WakeService)
    try:
        await service.prepare()
        engine = await asyncio.to_thread(service.load)
    except AssistantError as err:
        return [failure(f"no wake word detector: {err}", "earshot engines")]
    try:
        stream = await asyncio.to_thread(engine.open, service.known(list(visit.settings.satellite.wake_words)))
        try:
            heard_s = await _hear(visit, stream)
            scores = stream.best_scores()
            return [_judged(name, score, engine.thresholds.of(name), heard_s) for name, score in scores.items()]
        finally:
            stream.close()
    except SoundError as err:
        mend = "stop it first" if satellite_runs(visit) else "earshot doctor --section microphone"
        return [failure(f"nothing could be heard: {err}", mend)]
    except AssistantError as err:
        return [failure(str(err), "earshot engines")]
    finally:
        engine.close()


async def _hear(visit: Visit, stream: WakeStream) -> float:
    """Feeds the stream from the microphone; returns the seconds heard."""
    source = open_microphone(visit.settings.satellite.mic, PortAudio())
    visit.prompt(f"Listening for {visit.wake_s:g} s: say the wake word a few times, from where you usually stand.")
    gave_up = threading.Event()
    heard_s = 0.0

    async def feed() -> None:
        nonlocal heard_s
        async with contextlib.aclosing(source.frames()) as coming:  # type: ignore[type-var]
            async for frame in coming:
                await asyncio.to_thread(stream.feed, frame)
                heard_s += len(frame) / 16_000
                if source.ended or gave_up.is_set():
                    return

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(visit.wake_s):
            await feed()
    await asyncio.to_thread(stream.finish)
    return heard_s


def _judged(name: str, score: float, threshold: float, heard_s: float) -> Finding:
    said = f"{name}: best score {score:.2f} in {heard_s:.0f} s, threshold {threshold:.2f}"
    data = {"word": name, "score": round(score, 3), "threshold": threshold, "heard_s": round(heard_s, 1)}
    lower = f"earshot threshold {name} {max(0.1, round(score - _CLEAR, 2)):g}"
    if score >= min(1.0, threshold + _CLEAR) or (score >= threshold and threshold > 1 - _CLEAR):
        return ok(said, **data)
    if score >= threshold:
        return note(f"{said}: only just heard", f"speak nearer, or {lower}", **data)
    if score >= _SHOWN_FROM:
        return warning(f"{said}: not heard", f"speak nearer, check the level (--section microphone), or {lower}", **data)
    return note(f"{said}: not said, or not heard at all", "earshot doctor --section microphone", **data)
