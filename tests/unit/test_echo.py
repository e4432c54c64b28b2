"""Our own voice taken out of the microphone's sound, in computed rooms: how much is left, and what happens to others' voices."""

import sys

import numpy as np
import pytest
from echo_room import EchoRoom, impulse_response
from speech import silence, speak

from wyoming_servers.satellite.echo import EchoCanceller
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ, AudioFormat, Converter
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.vad import VoiceDetector

FRAME_S = FRAME_SAMPLES / RATE_HZ
SENTENCES = (
    "The weather tomorrow is mostly cloudy with some rain in the afternoon and a high of fourteen degrees.",
    "Here is the story of a frog who lived in a pond behind the mill, and who could not sleep at night.",
    "You have three timers: the pasta timer with four minutes left, the tea timer, and the laundry timer.",
)
SHORTEST_INTERRUPTION_S = 0.4
ROOMS = {
    "a desk": (0.03, 0.15, 0.3, 1.0),
    "a living room": (0.06, 0.4, 0.5, 1.0),
    "loud, in a kitchen": (0.09, 0.6, 1.0, 1.0),
    "a loudspeaker that distorts": (0.06, 0.3, 0.5, 3.0),
    "behind Bluetooth": (0.25, 0.3, 0.5, 1.0),
}
"""Delay and reverberation in seconds, gain, and how hard the loudspeaker is driven."""


def own_speech(repeats: int = 1) -> np.ndarray:
    """(n,) int16 at the player's rate."""
    converter = Converter(AudioFormat(RATE_HZ, 2, 1), PLAYBACK_RATE_HZ)
    sound = np.concatenate([speak(sentence) for sentence in SENTENCES * repeats])
    return np.concatenate((converter.convert(sound.tobytes()), converter.flush()))


class Talk:
    """A satellite that speaks in a room, block by block on one clock; what it hears with and without the canceller."""

    def __init__(self, room: EchoRoom, jitter_s: float = 0.0) -> None:
        self.now = 0.0
        self.room = room
        self.canceller = EchoCanceller(lambda: self.now)
        self.heard: list[np.ndarray] = []
        self.clean: list[np.ndarray] = []
        self._jitter = np.random.default_rng(4)
        self._jitter_s = jitter_s
        self._noise = np.random.default_rng(5)

    def run(self, own: np.ndarray, others: np.ndarray) -> None:
        """own: at the player's rate. others: at 16 kHz; its length is the length of it all."""
        played = 0
        for number in range(len(others) // FRAME_SAMPLES):
            began = self.now
            until = round((number + 1) * FRAME_S * PLAYBACK_RATE_HZ)
            block = own[played:until]
            block = np.pad(block, (0, until - played - len(block)))
            played = until
            self.canceller.play(block)
            self.room.play(block)
            self.now = began + FRAME_S + self._jitter.uniform(0, self._jitter_s)
            frame = others[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES] + self.room.surroundings()
            frame = np.clip(frame + self._noise.normal(0, 8, FRAME_SAMPLES), -32768, 32767).astype(np.int16)
            self.heard.append(frame)
            self.clean.append(self.canceller.clean(frame))
            self.now = began + FRAME_S

    def loss_db(self, start_s: float, end_s: float) -> float:
        """How much softer it has become: of nothing but echo, the echo return loss."""
        first, last = round(start_s / FRAME_S), round(end_s / FRAME_S)
        before, after = (np.concatenate(frames[first:last]).astype(float) for frames in (self.heard, self.clean))
        return float(10 * np.log10(np.mean(before**2) / max(np.mean(after**2), 1.0)))


def speech_frames(frames: list[np.ndarray]) -> np.ndarray:
    """Which frames a voice detector takes for speech."""
    detector = VoiceDetector()
    return np.array([detector.feed(frame)[0] >= 0.5 for frame in frames])


def longest_run(flags: np.ndarray) -> int:
    """The most in a row."""
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def talk_in(name: str, own: np.ndarray, others: np.ndarray, jitter_s: float = 0.0) -> Talk:
    """A whole talk in one of the rooms."""
    delay_s, reverberation_s, gain, drive = ROOMS[name]
    talk = Talk(EchoRoom(impulse_response(delay_s, reverberation_s, gain), drive), jitter_s)
    talk.run(own, others)
    return talk


@pytest.mark.parametrize("name", ROOMS)
def test_our_own_voice_is_taken_out(name: str) -> None:
    talk = talk_in(name, own_speech(), silence(8.0))
    assert talk.loss_db(1, 8) >= 12
    assert longest_run(speech_frames(talk.clean)[round(1 / FRAME_S) :]) * FRAME_S < SHORTEST_INTERRUPTION_S


def test_a_busy_machine_does_not_put_it_off() -> None:
    talk = talk_in("a desk", own_speech(), silence(8.0), jitter_s=0.025)
    assert talk.loss_db(2, 8) >= 12


def test_somebody_elses_voice_comes_through() -> None:
    others = np.concatenate((silence(5.0), speak("turn off the kitchen lights please", speaker="f3"), silence(2.0)))
    talk = talk_in("a living room", own_speech(), others)
    spoken = slice(round(5.0 / FRAME_S), round(7.0 / FRAME_S))
    assert longest_run(speech_frames(talk.clean)[spoken]) >= 3


def test_while_nothing_is_played_nothing_is_changed() -> None:
    others = np.concatenate((silence(1.0), speak("turn off the kitchen lights please")))
    talk = talk_in("a living room", np.zeros(0, np.int16), others)
    heard, clean = np.concatenate(talk.heard), np.concatenate(talk.clean)
    assert np.array_equal(clean[RATE_HZ // 100 :], heard[: -RATE_HZ // 100])


def test_it_is_settled_after_three_seconds_of_our_own_voice() -> None:
    talk = talk_in("a desk", np.zeros(0, np.int16), silence(2.0))
    assert not talk.canceller.settled
    talk.run(own_speech(), silence(5.0))
    assert talk.canceller.settled


def test_without_the_library_the_settings_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)
    with pytest.raises(SettingsError, match=r"earshot-voice\[echo\]"):
        EchoCanceller(lambda: 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROOMS)
def test_ten_minutes_of_our_own_voice_interrupt_nothing(name: str) -> None:
    talk = talk_in(name, own_speech(40), silence(600.0))
    speech = speech_frames(talk.clean)[round(1 / FRAME_S) :]
    holds = sum(longest_run(speech[start : start + 40]) >= 3 for start in range(0, len(speech), 40))
    print(f"{name}: {talk.loss_db(1, 600):.1f} dB, {holds} holds in 10 minutes, at most {longest_run(speech) * FRAME_S:.2f} s")
    assert longest_run(speech) * FRAME_S < SHORTEST_INTERRUPTION_S
