"""What the endpointer hears of an utterance, and when a policy of waits would end it."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wyoming_servers.satellite.prosody import SILENCE_S
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ
from wyoming_servers.shared.endpointing import Endpointer, Patience
from wyoming_servers.shared.patience import Prosody, Prospect

from .corpus import Sound, Utterance

Judge = Callable[[Sound, float], Prospect | None]
"""What may follow, after the words until a second of the sound."""
Melody = Callable[[Sound, float], Prosody | None]
"""What the voice says, until a second of the sound in which it has been silent for a moment."""
Waits = Mapping[Prospect | tuple[Prospect | None, Prosody] | None, float]
"""By class, and by class and melody where that makes a difference."""
_PAUSE_S = 0.1  # of silence, before which nobody asks what may follow
_NEVER_S = 99.0


@dataclass(frozen=True)
class Pause:
    """A silence inside or after an utterance."""

    begin_s: float
    silence_s: float | None
    """Until speech goes on; None after the last word."""
    prospect: Prospect | None
    prosody: Prosody | None = None


@dataclass(frozen=True)
class Trial:
    """One utterance, heard."""

    utterance: Utterance
    end_s: float
    """Where the speech ends."""
    pauses: tuple[Pause, ...]
    """In order; the last is the end."""


@dataclass(frozen=True)
class Outcome:
    """What a policy does with a corpus."""

    delays_s: tuple[float, ...]
    """From the end of speech until the turn ends, of those that were heard out."""
    hesitations: int
    cut: int
    """Utterances ended before their end."""

    @property
    def per_hundred(self) -> float:
        """False commits per 100 hesitations; at most 100, though silences within words may end an utterance as well."""
        return min(100.0, 100.0 * self.cut / max(1, self.hesitations))

    @property
    def mean_ms(self) -> float:
        """Mean commit delay."""
        return 1000 * statistics.fmean(self.delays_s)

    @property
    def median_ms(self) -> float:
        """Median commit delay."""
        return 1000 * statistics.median(self.delays_s)


def heard(utterance: Utterance, sound: Sound, judge: Judge, melody: Melody = lambda sound, second: None) -> Trial:
    """Feeds the sound to the endpointer frame by frame, and has every pause judged."""
    endpointer = Endpointer(Patience(silence_s=_NEVER_S, no_speech_s=_NEVER_S, longest_s=_NEVER_S))
    pauses: list[Pause] = []
    last_s = 0.0
    for start in range(0, len(sound.samples), FRAME_SAMPLES):
        endpointer.feed(sound.samples[start : start + FRAME_SAMPLES])
        end_s = endpointer.speech_end / RATE_HZ
        if last_s and end_s - last_s > _PAUSE_S:
            silence_s = endpointer.position / RATE_HZ - last_s
            listened = melody(sound, last_s + SILENCE_S) if silence_s > SILENCE_S else None
            pauses.append(Pause(last_s, silence_s, judge(sound, last_s), listened))
        last_s = end_s
    end = Pause(last_s, None, judge(sound, sound.end_s), melody(sound, last_s + SILENCE_S))
    return Trial(utterance, sound.end_s, (*pauses, end))


def outcome(trials: Sequence[Trial], waits: Waits) -> Outcome:
    """What happens with these waits; a turn ends with the frame in which its wait does."""
    delays, cut = [], 0
    for trial in trials:
        if any(pause.silence_s is not None and _wait_s(waits, pause) < pause.silence_s for pause in trial.pauses):
            cut += 1
        else:
            last = trial.pauses[-1]
            delays.append(last.begin_s + _wait_s(waits, last) - trial.end_s)
    return Outcome(tuple(delays), sum(trial.utterance.place > 0 for trial in trials), cut)


def _wait_s(waits: Waits, pause: Pause) -> float:
    """As the endpointer counts: to the nearest frame."""
    frame_s = FRAME_SAMPLES / RATE_HZ
    melodic = waits.get((pause.prospect, pause.prosody)) if pause.prosody else None
    return round((waits[pause.prospect] if melodic is None else melodic) / frame_s) * frame_s
