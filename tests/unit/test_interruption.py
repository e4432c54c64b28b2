"""Somebody speaks while we do: when the loudspeaker is held, when it goes on, and who gets the word."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest
from speech import silence, speak
from virtual_time import virtual

from wyoming_servers.satellite.hearing import Hearing
from wyoming_servers.satellite.interruption import Interruption, Loud, Understood, Verdict
from wyoming_servers.satellite.playback import Player
from wyoming_servers.satellite.remarks import Remarks
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ, ClockSpeaker
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ
from wyoming_servers.shared.errors import PeerError
from wyoming_servers.shared.tasks import TaskOwner, cancel

FRAME_S = FRAME_SAMPLES / RATE_HZ
SAYING = "Tomorrow is mostly cloudy with some rain."
LONG_ANSWER = np.resize(np.arange(-6000, 6000, 13, dtype=np.int16), 60 * PLAYBACK_RATE_HZ)


class Scene:
    """An answer that is being spoken, a microphone, and somebody who may interrupt."""

    def __init__(self, player: Player, speaker: "Tape", text: str | None, asr_s: float, *, trusted: bool) -> None:
        self.player, self.speaker = player, speaker
        self.text, self.asr_s = text, asr_s
        self.asked = 0
        self.owner = TaskOwner()
        self.inbox: asyncio.Queue[Understood] = asyncio.Queue()
        self.hearing = Hearing(20.0)
        self.interruption = Interruption(player, self._hear, self._remarks, self.inbox.put, lambda: trusted, self.owner)
        self.noise = np.random.default_rng(7)
        self.loud = Loud(SAYING)
        self.echo = 0

    async def _hear(self, samples: np.ndarray) -> str:
        self.asked += 1
        await asyncio.sleep(self.asr_s)
        if self.text is None:
            raise PeerError("nobody recognises anything")
        return self.text

    async def _remarks(self) -> Remarks:
        return Remarks("en")

    async def hears(self, *sounds: np.ndarray) -> Verdict | None:
        """Feeds these to the end, or to a verdict, at the clock's pace."""
        sound = np.concatenate(sounds)
        for start in range(0, len(sound) - FRAME_SAMPLES, FRAME_SAMPLES):
            frame = sound[start : start + FRAME_SAMPLES] + self.noise.normal(0, 8, FRAME_SAMPLES)
            if verdict := await self._step(np.clip(frame, -32768, 32767).astype(np.int16)):
                return verdict
        return None

    async def _step(self, frame: np.ndarray) -> Verdict | None:
        await asyncio.sleep(FRAME_S)
        while not self.inbox.empty():
            if verdict := self.interruption.judged(self.inbox.get_nowait()):
                return verdict
        at = self.hearing.position
        self.hearing.append(frame, asyncio.get_running_loop().time())
        return self.interruption.feed(at, frame, lambda: self.hearing.between(at - RATE_HZ // 2, at), self.loud)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()


class Tape(ClockSpeaker):
    """A loudspeaker that notes when it was silent."""

    def __init__(self) -> None:
        super().__init__("tape")
        self.blocks: list[tuple[float, bool]] = []

    def take(self, samples: np.ndarray) -> None:
        if len(samples):
            self.blocks.append((asyncio.get_running_loop().time(), bool(samples.any())))

    def silent_since(self, moment: float) -> float:
        """Seconds from `moment` to the first silent block after it."""
        return next(at for at, sound in self.blocks if at >= moment and not sound) - moment

    @property
    def sounding(self) -> bool:
        return self.blocks[-1][1]


@asynccontextmanager
async def answering(text: str | None = "", asr_s: float = 0.1, *, trusted: bool = True) -> AsyncIterator[Scene]:
    """An answer is being spoken; `text` is what the recogniser will hear in an interruption."""
    tape = Tape()
    player = Player(tape)
    running = asyncio.create_task(player.run())
    player.play(LONG_ANSWER)
    scene = Scene(player, tape, text, asr_s, trusted=trusted)
    try:
        await scene.hears(silence(1.0))
        yield scene
    finally:
        await scene.owner.close()
        await cancel(running)


def word(text: str = "okay", rate_wpm: int = 175) -> np.ndarray:
    """Speech without silence around it."""
    spoken = speak(text, rate_wpm=rate_wpm)
    loud = np.flatnonzero(np.abs(spoken) > 300)
    return spoken[loud[0] : loud[-1]]


COUGH = (np.random.default_rng(2).normal(0, 5000, 4000) * np.exp(-np.arange(4000) / 900)).astype(np.int16)


@virtual
async def test_the_loudspeaker_is_silent_within_60_ms_of_the_onset() -> None:
    async with answering() as scene:
        onset: list[float] = []
        pause = scene.player.pause
        scene.player.pause = lambda: (onset.append(scene.now), pause())
        await scene.hears(word("what about the weekend"))
        assert scene.speaker.silent_since(onset[0]) <= 0.06


@virtual
async def test_the_loudspeaker_is_silent_within_250_ms_of_the_first_sound() -> None:
    async with answering() as scene:
        began = scene.now
        await scene.hears(word("what about the weekend"))
        assert scene.speaker.silent_since(began) <= 0.25


@virtual
async def test_somebody_who_goes_on_speaking_gets_the_word() -> None:
    async with answering() as scene:
        began = scene.hearing.position
        assert await scene.hears(word("what about the weekend in the mountains")) is Verdict.LISTEN
        assert abs(scene.interruption.began - began) <= 0.6 * RATE_HZ
        assert scene.asked == 0


@pytest.mark.parametrize("text", ["", "Okay.", "uh-huh", "some rain"])
def test_a_short_remark_that_is_nothing_lets_the_answer_go_on(text: str) -> None:
    @virtual
    async def check() -> None:
        async with answering(text) as scene:
            assert await scene.hears(word(), silence(1.2)) is None
            assert scene.asked == 1
            assert scene.speaker.sounding

    check()


@virtual
async def test_one_short_word_that_means_something_gets_the_word() -> None:
    async with answering("weekend") as scene:
        assert await scene.hears(word("weekend", 220), silence(1.2)) is Verdict.LISTEN


@virtual
async def test_stop_is_silence_and_nothing_else() -> None:
    async with answering("Stop.") as scene:
        assert await scene.hears(word("stop"), silence(1.2)) is Verdict.STOP


@virtual
async def test_a_cough_holds_the_answer_for_no_longer_than_1_2_s() -> None:
    async with answering("") as scene:
        await scene.hears(COUGH, silence(1.4))
        assert scene.speaker.sounding
        assert not scene.interruption.holding


@virtual
async def test_a_recogniser_that_takes_its_time_does_not_keep_the_answer_waiting() -> None:
    async with answering("uh-huh", asr_s=5.0) as scene:
        await scene.hears(word("hm", 260), silence(1.4))
        assert scene.speaker.sounding


@virtual
async def test_a_late_stop_still_counts() -> None:
    async with answering("stop", asr_s=3.0) as scene:
        assert await scene.hears(word("stop", 300)[: RATE_HZ // 3], silence(4.0)) is Verdict.STOP


@virtual
async def test_a_late_word_that_is_not_stop_changes_nothing() -> None:
    async with answering("tomorrow", asr_s=3.0) as scene:
        assert await scene.hears(word("hm", 260)[: RATE_HZ // 4], silence(4.0)) is None
        assert scene.speaker.sounding


@virtual
async def test_without_a_recogniser_a_whole_word_gets_the_word_and_a_hum_does_not() -> None:
    async with answering(None, asr_s=3.0) as scene:
        assert await scene.hears(word("afternoon", 150), silence(1.4)) is Verdict.LISTEN
    async with answering(None) as scene:
        assert await scene.hears(word("hm", 260)[: RATE_HZ // 4], silence(1.4)) is None
        assert scene.speaker.sounding


@virtual
async def test_a_television_does_not_make_the_answer_stutter_for_ever() -> None:
    async with answering("") as scene:
        for _ in range(6):
            await scene.hears(word("hm", 260)[: RATE_HZ // 4], silence(1.5))
        assert scene.asked == 3


@virtual
async def test_after_many_false_alarms_somebody_who_goes_on_speaking_is_still_heard() -> None:
    async with answering("") as scene:
        for _ in range(4):
            await scene.hears(word("hm", 260)[: RATE_HZ // 4], silence(1.5))
        assert await scene.hears(word("what about the weekend in the mountains")) is Verdict.LISTEN


@virtual
async def test_a_microphone_that_dies_in_an_interruption_does_not_hold_the_answer_for_ever() -> None:
    async with answering() as scene:
        await scene.hears(word("what about")[: RATE_HZ // 3])
        assert scene.interruption.holding
        await asyncio.sleep(2.0)
        assert scene.speaker.sounding


@virtual
async def test_what_ends_by_other_means_is_not_held_any_more() -> None:
    async with answering() as scene:
        await scene.hears(word("what about")[: RATE_HZ // 3])
        scene.interruption.over()
        await asyncio.sleep(0.1)
        assert scene.speaker.sounding


@virtual
async def test_a_remark_on_something_that_is_over_is_void() -> None:
    async with answering("stop", asr_s=1.0) as scene:
        await scene.hears(word("stop"), silence(0.4))
        scene.interruption.over()
        assert await scene.hears(silence(2.0)) is None


def with_echo(scene: Scene, level: float) -> Callable[[np.ndarray], np.ndarray]:
    """Puts our own voice, as the room sends it back, under a sound."""
    own = np.tile(word("Here is the story of a frog who lived in a pond behind the mill and could not sleep at night", 170), 10)

    def mixed(sound: np.ndarray) -> np.ndarray:
        at = scene.echo
        scene.echo += len(sound)
        return sound + (own[at : at + len(sound)] * level).astype(np.int16)

    return mixed


@virtual
async def test_without_an_echo_canceller_our_own_voice_interrupts_nothing() -> None:
    async with answering("stop", trusted=False) as scene:
        heard = with_echo(scene, 0.3)
        assert await scene.hears(heard(silence(15.0))) is None
        assert scene.asked == 0


@virtual
async def test_without_an_echo_canceller_stop_is_heard_from_somebody_near() -> None:
    async with answering("stop", trusted=False) as scene:
        heard = with_echo(scene, 0.1)
        assert await scene.hears(heard(silence(5.0)), heard(word("stop")), silence(1.2)) is Verdict.STOP


@virtual
async def test_without_an_echo_canceller_nothing_but_stop_interrupts() -> None:
    async with answering("what about tomorrow", trusted=False) as scene:
        heard = with_echo(scene, 0.1)
        assert await scene.hears(heard(silence(5.0)), heard(word("what about tomorrow")), silence(1.2)) is None
        assert scene.speaker.sounding


@virtual
async def test_over_a_ring_nobody_has_to_be_loud() -> None:
    async with answering("stop", trusted=False) as scene:
        scene.loud = Loud(speech=False)
        assert await scene.hears(word("stop"), silence(1.2)) is Verdict.STOP
