"""How soon after its deadline every fault of the table is heard, in virtual time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise

from virtual_time import VirtualLoop

from wyoming_servers.satellite import chimes
from wyoming_servers.satellite.playback import STALL_S
from wyoming_servers.shared.settings import SatelliteSection

from .house import Answer
from .interruptions import answering
from .scenes import Scene
from .stage import Stage, staged
from .targets import Row

MOST_S = 3.0
_ANSWER = "Because of the air around us, which scatters blue light. At sunset the way is longer. What is left looks red and golden."
_SCENES = (
    Scene("question", "", ("why is the sky blue",), Answer(_ANSWER, "llm", prospect="sentence"), True),
    Scene("command", "", ("what time is it",), Answer("It is twelve fifteen.")),
)
_SPOKEN = f"{_ANSWER} {_SCENES[1].answer.text}"
_STALL_S = 1.0
_LOOK_S = 0.1
LIMITS = SatelliteSection()
"""The usual ones: how long each kind of server may be silent."""
Deadline = Callable[[Stage, float, SatelliteSection], float]
"""From the loop time when the user's speech ended to the one by which all should have been well."""


def _at_once(stage: Stage, _: float, __: SatelliteSection) -> float:
    """When what is broken was wanted: after the commit, and what came before in the turn."""
    return max(stage.commits[0].at, *(work.end for work in stage.engines.work if work.used and work.kind != "tts"), 0.0)


def _silence_of_user(_: Stage, spoken_at: float, limits: SatelliteSection) -> float:
    return spoken_at + limits.no_speech_s


def _silence_of_recogniser(_: Stage, spoken_at: float, limits: SatelliteSection) -> float:
    return spoken_at + limits.asr_s


def _silence_of_model(stage: Stage, _: float, limits: SatelliteSection) -> float:
    """From the commit, or from its last words."""
    model = stage.work("llm")[0]
    return max(stage.commits[0].at, model.first if stage.house.faults["llm"] == "stalls" else 0.0) + limits.handle_s


def _silence_of_voice(stage: Stage, _: float, limits: SatelliteSection) -> float:
    """From the first request, or from its last sound."""
    voice = stage.work("tts")[0]
    return max(stage.commits[0].at, (voice.first if stage.house.faults["tts"] == "stalls" else voice.begin) + limits.tts_s)


@dataclass(frozen=True)
class Fault:
    """One row."""

    what: str
    said: str = "command"
    """A scene; empty for the wake word alone."""
    broken: dict[str, str] = field(default_factory=dict)
    """As in `House.faults`."""
    gone: tuple[str, ...] = ()
    """Servers that are not there."""
    deadline: Deadline = _at_once


FAULTS = (
    Fault("nothing is said after the wake word", "", deadline=_silence_of_user),
    Fault("nothing is understood", "question", {"asr": "understands nothing"}),
    Fault("the recogniser is not there", gone=("asr",)),
    Fault("the recogniser dies", broken={"asr": "dies"}),
    Fault("the recogniser hangs", broken={"asr": "hangs"}, deadline=_silence_of_recogniser),
    Fault("the intent server is not there", gone=("handle",)),
    Fault("the intent server dies", "question", {"llm": "dies"}),
    Fault("the intent server hangs before its first word", "question", {"llm": "hangs"}, deadline=_silence_of_model),
    Fault("the intent server hangs after its first clause", "question", {"llm": "stalls"}, deadline=_silence_of_model),
    Fault("the voice is not there", gone=("tts",)),
    Fault("the voice makes no sound", broken={"tts": "is silent"}),
    Fault("the voice hangs", broken={"tts": "hangs"}, deadline=_silence_of_voice),
    Fault("the voice hangs in its first words", broken={"tts": "stalls"}, deadline=_silence_of_voice),
)


async def outcome_s(fault: Fault, profile: str, limits: SatelliteSection = LIMITS) -> float:
    """From the fault's deadline to the first sound of an apology, or a chime; below 0 when that was heard before.

    Raises: TimeoutError when it never is.
    """
    own = {key: getattr(limits, key) for key in ("no_speech_s", "asr_s", "handle_s", "tts_s")}
    async with staged(_SCENES, profile, fault.gone, **own) as stage:
        stage.house.faults |= fault.broken
        spoken_at = stage.say(fault.said)[1] if fault.said else stage.wake()
        await stage.until(lambda: bool(stage.reports), _LOOK_S)
        apologies = [began for began, _, text in stage.speech if text not in _SPOKEN]
        if not apologies:
            await stage.until(lambda: bool(_chimes(stage)), _LOOK_S)
        return min(apologies + _chimes(stage)) - fault.deadline(stage, spoken_at, limits)


def _chimes(stage: Stage) -> list[float]:
    """When it was heard, without words, that there will be no answer."""
    return [began for chime in (chimes.error(), chimes.done()) for began in stage.times_of(chime)]


async def stalled_s(profile: str) -> float:
    """The network to the voice stands still for a second in the middle of an answer: how much longer nothing is heard.

    Raises: AssertionError when anything of the answer is lost.
    """
    async with staged(_SCENES, profile) as stage:
        await answering(stage, 0.5)
        await stage.to_voice.hold(_STALL_S)
        await stage.until(lambda: bool(stage.reports))
        said = " ".join(dict.fromkeys(text for _, _, text in stage.speech))
        assert said == _ANSWER, f"heard: {said}"
        return max(after - until for (_, until, _), (after, _, _) in pairwise(stage.speech)) - _STALL_S


async def jammed_s(profile: str) -> float:
    """The loudspeaker takes nothing any more in the middle of an answer: how long until nobody waits for it, but the time it is given."""
    async with staged(_SCENES, profile) as stage:
        await answering(stage, 0.5)
        jammed_at = stage.jam()
        await stage.until(lambda: bool(stage.reports))
        return stage.now - jammed_at - STALL_S


def rows(profile: str = "n100") -> list[Row]:
    """Every fault, in one house whose other engines are well."""
    taken = [(f"{fault.what}: heard after its deadline", _lived(outcome_s, fault, profile)) for fault in FAULTS]
    taken.append(("the network to the voice stands still for 1 s: silence in the answer beyond that", _lived(stalled_s, "spark")))
    taken.append(("the loudspeaker takes nothing for 2 s: how much longer it is waited for", _lived(jammed_s, profile)))
    return [_row(what, late_s) for what, late_s in taken]


def _lived(story: Callable[..., Awaitable[float]], *details: object) -> float | None:
    """In virtual time; None when nothing was heard."""
    logging.disable(logging.ERROR)  # that something fails is what is asked for
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        try:
            return runner.run(story(*details))
        except TimeoutError:
            return None
        finally:
            logging.disable(logging.NOTSET)


def _row(what: str, late_s: float | None) -> Row:
    name, target = f"{what} (G24)", f"≤ {MOST_S:g} s"
    if late_s is None:
        return Row(name, target, "never", 1, False, "nothing was heard")
    return Row(name, target, f"{max(0.0, late_s):.1f} s", 1, late_s <= MOST_S)
