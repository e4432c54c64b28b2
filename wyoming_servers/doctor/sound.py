"""The microphone, while it listens for 3 s, and the loudspeaker."""

import asyncio
import contextlib
import math
from pathlib import Path

import numpy as np

from ..satellite import chimes
from ..satellite.devices import open_microphone, open_speaker
from ..satellite.microphones import Microphone
from ..satellite.soundcard import PortAudio
from ..satellite.speakers import SoundError
from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from .finding import Finding, Visit, failure, note, ok, warning, writable

_FULL_SCALE = 32768
_CLIPPED = 32_700
_CLIPPED_SHARE = 0.0005
"""Of all samples: a single loud click is none of the owner's business."""
_QUIET_DBFS = -70.0
"""Of the loudest tenth of a second; rooms at night give -60 and more through any microphone that is switched on."""
_NOISY_DBFS = -30.0
"""Of the quietest tenth of a second; speech at 2 m comes with about -30."""
_WINDOW = RATE_HZ // 10
_SILENCE_S = 0.3
_OTHER = "`arecord -l` lists the others; choose with satellite.mic"


async def microphone(visit: Visit) -> list[Finding]:
    """Device, level, clipping, and silence that means it is muted."""
    name = visit.settings.satellite.mic
    if name == "-":
        return [note("the microphone is standard input, which is not listened to here")]
    source = open_microphone(name, PortAudio())
    visit.prompt(f"Listening for {visit.listen_s:g} s: say something as you would to the satellite.")
    try:
        heard = await listen(source, visit.listen_s)
    except SoundError as err:
        if satellite_runs(visit) and not _install(err):
            return [note(f"the satellite that runs here has the microphone, so it was not listened to ({err})", "stop it first")]
        return [failure(str(err), _install(err) or _OTHER)]
    return [judged(source.name, heard)]


async def listen(source: Microphone, seconds: float) -> np.ndarray:
    """(n,) int16 mono 16 kHz of a microphone.

    Raises: SoundError.
    """
    frames: list[np.ndarray] = []
    async with contextlib.aclosing(source.frames()) as coming:  # type: ignore[type-var]
        async for frame in coming:
            frames.append(frame)
            if len(frames) * FRAME_SAMPLES >= seconds * RATE_HZ or source.ended:
                break
    return np.concatenate(frames)


def judged(name: str, heard: np.ndarray) -> Finding:
    """What (n,) int16 samples say about the microphone they are from."""
    windows = [heard[start : start + _WINDOW] for start in range(0, max(1, len(heard) - _WINDOW + 1), _WINDOW)]
    levels = sorted(dbfs(window) for window in windows)
    quietest, loudest = levels[0], levels[-1]
    clipped = float(np.mean(np.abs(heard.astype(np.int32)) >= _CLIPPED))
    data = {"device": name, "quietest_dbfs": round(quietest, 1), "loudest_dbfs": round(loudest, 1), "clipped_share": round(clipped, 5)}
    if not np.any(heard):
        return failure(
            f"{name} gives nothing but zeros: it is muted, or it is not a microphone", f"`alsamixer` (F4, then M); {_OTHER}", **data
        )
    said = f"{name}: quietest {quietest:.0f} dBFS, loudest {loudest:.0f} dBFS"
    if clipped > _CLIPPED_SHARE:
        return warning(
            f"{said}, {clipped:.1%} of it clipped: words are cut off at the top", "turn the capture level down: `alsamixer` (F4)", **data
        )
    if loudest < _QUIET_DBFS:
        return warning(f"{said}: nearly nothing; it may be muted, or turned right down", f"`alsamixer` (F4); {_OTHER}", **data)
    if quietest > _NOISY_DBFS:
        return warning(f"{said}: noise even where nobody speaks", "turn the capture level down (`alsamixer`, F4), or move it", **data)
    return ok(said, **data)


def dbfs(samples: np.ndarray) -> float:
    """Root mean square of int16 samples in dB of full scale; -120 for digital silence."""
    mean_square = float(np.mean((samples.astype(np.float64) / _FULL_SCALE) ** 2))
    return max(-120.0, 10 * math.log10(mean_square)) if mean_square > 0 else -120.0


async def loudspeaker(visit: Visit) -> list[Finding]:
    """Opens it, and plays the chime where that is allowed."""
    name = visit.settings.satellite.speaker
    if name == "null":
        return [note("satellite.speaker is null: nobody hears an answer")]
    if name.lower().endswith(".wav"):
        return [_recording(Path(name))]
    speaker = open_speaker(name, PortAudio())
    sound = chimes.wake() if visit.play else np.zeros(round(_SILENCE_S * chimes.RATE_HZ), np.int16)
    played = asyncio.Event()
    loop = asyncio.get_running_loop()
    place = 0

    def pull(count: int) -> np.ndarray:
        nonlocal place
        piece = sound[place : place + count]
        place += count
        if place >= len(sound):
            loop.call_soon_threadsafe(played.set)
        return np.pad(piece, (0, count - len(piece)))

    try:
        await speaker.open(pull)
        try:
            await played.wait()
            await asyncio.sleep(speaker.latency_s)
        finally:
            await speaker.close()
    except SoundError as err:
        if satellite_runs(visit) and not _install(err):
            return [note(f"the satellite that runs here has the loudspeaker ({err})", "stop it first")]
        return [failure(str(err), _install(err) or "`aplay -l` lists the others; choose with satellite.speaker")]
    if visit.play:
        return [ok(f"{speaker.name} has played a chime; if nobody heard it, turn it up with `alsamixer`")]
    return [ok(f"{speaker.name} opens; `earshot doctor --play` lets you hear it")]


def _recording(name: Path) -> Finding:
    """A WAV file as loudspeaker; not opened, for that would empty it."""
    file = name.expanduser()
    if writable(file):
        return note(f"the loudspeaker is the file {file}")
    return failure(f"the loudspeaker is the file {file}, which cannot be written", f"ls -ld {file.parent}")


def _install(error: SoundError) -> str:
    """The command that installs what is missing, which such errors end with; empty for others."""
    command = str(error).rpartition(": ")[2]
    return command if command.startswith("sudo ") else ""


def satellite_runs(visit: Visit) -> bool:
    """True when an `earshot satellite` runs on this machine."""
    for path in visit.found("proc/[0-9]*/cmdline"):
        words = visit.read(path).split("\0")
        if "satellite" in words and any(word.endswith("earshot") or word == "wyoming_servers" for word in words):
            return True
    return False
