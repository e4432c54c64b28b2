"""The critical path: what a turn costs at least, from what its engines really took and the rules it waited by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ

from .house import Busy
from .scenes import Scene

_FRAME_S = FRAME_SAMPLES / RATE_HZ


@dataclass(frozen=True)
class Rules:
    """How long a turn waits on purpose. Nothing else of its waiting is excused."""

    lag_s: float
    """From the annotated end of speech to where the voice detector hears it: a property of the detector, in the audio's own time."""
    pause_s: float
    """Silence before the recogniser is asked; longer where nothing is done on suspicion, or where that was done often enough."""
    wait_s: float
    """Silence before the commit: by the class of what was said, longer for a speaker who has paused for long before."""

    @property
    def pause_end_s(self) -> float:
        """From the end of speech to that. Silence comes in whole frames."""
        return self.lag_s + _frames(self.pause_s)

    @property
    def commit_s(self) -> float:
        """From the end of speech to the commit."""
        return self.lag_s + _frames(self.wait_s)


@dataclass(frozen=True)
class Path:
    """The longest way through one turn, in seconds from the end of speech."""

    rules: Rules
    asr_s: float
    answer_s: float
    """Templates, and a model up to its first clause."""
    voice_s: float
    """To the first piece of sound; 0 when it was not asked, for it has said the same before."""
    after_commit_s: float
    """What of these has to wait for the commit."""

    @property
    def critical_s(self) -> float:
        """The least there can be, by these rules."""
        before_s = self.asr_s + self.answer_s + self.voice_s - self.after_commit_s
        return max(self.rules.commit_s, self.rules.pause_end_s + before_s) + self.after_commit_s

    @property
    def clairvoyant_s(self) -> float:
        """The least for whoever knows at once that the user has finished."""
        return self.asr_s + self.answer_s + self.voice_s

    @property
    def why(self) -> str:
        """What it is made of, the longest first."""
        waited_s = self.critical_s - self.clairvoyant_s
        parts = {"waiting": waited_s, "recogniser": self.asr_s, "words": self.answer_s, "voice": self.voice_s}
        return ", ".join(f"{name} {took:.2f}" for name, took in sorted(parts.items(), key=lambda part: -part[1]) if took >= 0.005)


def path_of(work: Sequence[Busy], scene: Scene, rules: Rules) -> Path | None:
    """From the log of one turn; None when nobody heard what was said. Work that was given up does not count."""
    used: dict[str, list[Busy]] = {}
    for each in work:
        if each.used:
            used.setdefault(each.kind, []).append(each)
    if "asr" not in used:
        return None
    asr, voice = used["asr"][-1], next(iter(used.get("tts", ())), None)
    answer_s = sum(each.first - each.begin for each in (*used.get("intent", [])[-1:], *used.get("llm", [])[-1:]))
    voice_s = voice.first - voice.begin if voice else 0.0
    return Path(rules, asr.end - asr.begin, answer_s, voice_s, voice_s if scene.answer.changes else 0.0)


def _frames(seconds: float) -> float:
    """To the nearest: half a frame too soon is as good as half a frame too late."""
    return math.ceil(round(seconds / _FRAME_S - 0.5, 6)) * _FRAME_S
