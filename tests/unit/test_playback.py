"""The loudspeaker's queue, pulled by hand: what is heard, when, and what is not heard any more."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from wyoming_servers.satellite.playback import PlaybackStream, Player
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ, Pull, SoundError, Speaker
from wyoming_servers.shared.audio import AudioFormat
from wyoming_servers.shared.tasks import cancel

SOURCE = AudioFormat(PLAYBACK_RATE_HZ, 2, 1)
BEGIN = round(0.08 * PLAYBACK_RATE_HZ)
FADE = round(0.02 * PLAYBACK_RATE_HZ)


class HandSpeaker(Speaker):
    """Takes sound when the test says so."""

    name = "the hand"
    always_open = True

    def __init__(self) -> None:
        self.opened: asyncio.Queue[Pull] = asyncio.Queue()
        self.closed = 0
        self.failure: SoundError | None = None

    async def open(self, pull: Pull) -> None:
        if self.failure:
            raise self.failure
        self.opened.put_nowait(pull)

    async def close(self) -> None:
        self.closed += 1


class Heard:
    """A player and the hand that pulls."""

    def __init__(self, player: Player, pull: Pull) -> None:
        self.player = player
        self.pull = pull


@pytest.fixture
async def heard(request: pytest.FixtureRequest) -> AsyncIterator[Heard]:
    speaker = HandSpeaker()
    player = Player(speaker, volume=getattr(request, "param", 1.0))
    running = asyncio.create_task(player.run())
    yield Heard(player, await speaker.opened.get())
    await cancel(running)
    assert speaker.closed == 1


def ramp(count: int, start: int = 1000) -> np.ndarray:
    return (np.arange(count) % 5000 + start).astype(np.int16)


async def written(player: Player, samples: np.ndarray) -> PlaybackStream:
    stream = player.open()
    await stream.write(samples.tobytes(), SOURCE)
    return stream


async def test_what_is_written_is_heard_in_order(heard: Heard) -> None:
    first, second = ramp(3000), ramp(2000, 7000)
    stream = await written(heard.player, first)
    stream.finish()
    heard.player.play(second)
    assert np.array_equal(heard.pull(5000), np.concatenate((first, second)))


async def test_silence_is_heard_when_there_is_nothing(heard: Heard) -> None:
    assert not heard.pull(1000).any()


async def test_it_begins_once_80_ms_are_there(heard: Heard) -> None:
    stream = await written(heard.player, ramp(BEGIN - 1))
    early = heard.pull(100)
    await stream.write(ramp(1).tobytes(), SOURCE)
    assert not early.any()
    assert heard.pull(100).all()


async def test_a_short_sound_is_heard_when_it_is_finished(heard: Heard) -> None:
    heard.player.play(ramp(50))
    assert heard.pull(100)[:50].all()


async def test_the_end_is_told_after_the_last_sample(heard: Heard) -> None:
    stream = heard.player.play(ramp(1000))
    heard.pull(999)
    over = asyncio.create_task(stream.over())
    await asyncio.sleep(0)
    assert not over.done()
    heard.pull(1)
    assert await over


async def test_silencing_ends_everything_with_a_short_fade(heard: Heard) -> None:
    playing, waiting = heard.player.play(ramp(20_000)), heard.player.play(ramp(20_000))
    heard.pull(1000)
    heard.player.silence()
    rest = heard.pull(5000)
    assert [await playing.over(), await waiting.over()] == [False, False]
    assert not rest[round(0.02 * PLAYBACK_RATE_HZ) :].any()


async def test_what_comes_for_a_silenced_stream_is_dropped(heard: Heard) -> None:
    stream = await written(heard.player, ramp(3000))
    heard.player.silence()
    assert await stream.write(ramp(3000).tobytes(), SOURCE) is False
    assert not heard.pull(3000)[500:].any()


async def test_a_new_sound_follows_a_silenced_one(heard: Heard) -> None:
    heard.player.play(ramp(20_000))
    heard.pull(1000)
    heard.player.silence()
    chime = ramp(500, 9000)
    heard.player.play(chime)
    assert chime.tobytes() in heard.pull(2000).tobytes()


async def test_a_paused_sound_goes_on_where_it_was(heard: Heard) -> None:
    sound = ramp(6000)
    heard.player.play(sound)
    heard.pull(500)
    heard.player.pause()
    heard.pull(2000)
    heard.player.resume()
    assert np.array_equal(heard.pull(5500)[FADE:], sound[500 + FADE :])


async def test_a_paused_sound_fades_out_and_in_without_a_step(heard: Heard) -> None:
    heard.player.play(np.full(8000, 12_000, np.int16))
    before = heard.pull(500)
    heard.player.pause()
    between = heard.pull(2000)
    heard.player.resume()
    steps = np.abs(np.diff(np.concatenate((before, between, heard.pull(2000))).astype(int)))
    assert steps.max() < 12_000 / FADE * 1.5


async def test_a_pause_is_silent_within_60_ms(heard: Heard) -> None:
    heard.player.play(ramp(60_000))
    heard.pull(500)
    heard.player.pause()
    assert not heard.pull(20_000)[round(0.06 * PLAYBACK_RATE_HZ) :].any()


async def test_what_was_paused_can_be_silenced(heard: Heard) -> None:
    playing = heard.player.play(ramp(60_000))
    heard.pull(500)
    heard.player.pause()
    heard.player.silence()
    heard.player.play(chime := ramp(500, 9000))
    assert await playing.over() is False
    assert chime.tobytes() in heard.pull(5000).tobytes()


async def test_it_goes_back_to_the_beginning_of_the_clause(heard: Heard) -> None:
    first, pause, second = ramp(20_000), np.zeros(4000, np.int16), ramp(40_000, 7000)
    stream = heard.player.play(np.concatenate((first, pause, second)))
    heard.pull(len(first) + len(pause) + 15_000)
    heard.player.pause()
    heard.player.resume(from_clause=True)
    heard.pull(2000)
    assert abs(stream.position - 2000 - len(first) - len(pause)) <= 0.04 * PLAYBACK_RATE_HZ


async def test_what_began_a_moment_ago_is_not_the_clause_to_go_back_to(heard: Heard) -> None:
    first, pause, second = ramp(20_000), np.zeros(4000, np.int16), ramp(40_000, 7000)
    stream = heard.player.play(np.concatenate((first, pause, second)))
    heard.pull(len(first) + len(pause) + 2000)
    heard.player.pause()
    heard.player.resume(from_clause=True)
    assert stream.position <= 0.02 * PLAYBACK_RATE_HZ


async def test_in_speech_without_a_pause_it_goes_back_a_word_or_two(heard: Heard) -> None:
    stream = heard.player.play(ramp(PLAYBACK_RATE_HZ * 20))
    heard.pull(PLAYBACK_RATE_HZ * 10)
    heard.player.pause()
    heard.player.resume(from_clause=True)
    assert 0.2 <= 10 - stream.played_s <= 1.6


async def test_what_gives_way_ends_when_speech_is_ready(heard: Heard) -> None:
    bridge = heard.player.play(ramp(60_000), gives_way=True)
    heard.pull(500)
    speech = await written(heard.player, ramp(BEGIN * 3, 7000))
    heard.pull(2 * FADE)
    assert await bridge.over() is False
    assert speech.position > 0


async def test_everything_that_is_heard_is_tapped(heard: Heard) -> None:
    tapped: list[np.ndarray] = []
    heard.player.tap = tapped.append
    heard.player.play(ramp(700))
    pulled = heard.pull(1000)
    assert np.array_equal(np.concatenate(tapped), pulled)


async def test_the_position_counts_what_was_taken(heard: Heard) -> None:
    stream = heard.player.play(ramp(2000))
    heard.pull(700)
    assert stream.position == 700


async def test_speech_that_comes_too_late_is_counted(heard: Heard) -> None:
    stream = await written(heard.player, ramp(3000))
    heard.pull(4000)
    await stream.write(ramp(3000).tobytes(), SOURCE)
    stream.finish()
    assert np.array_equal(heard.pull(3000), ramp(3000))
    assert heard.player.underruns == 1


async def test_the_end_of_speech_is_not_counted_as_too_late(heard: Heard) -> None:
    heard.player.play(ramp(3000))
    heard.pull(4000)
    assert heard.player.underruns == 0


async def test_the_first_audible_sample_is_noted_not_the_first(heard: Heard) -> None:
    stream = heard.player.play(np.concatenate((np.zeros(2000, np.int16), ramp(1000))))
    heard.pull(2000)
    await asyncio.sleep(0)
    assert stream.heard_at is None
    heard.pull(1000)
    await stream.over()
    assert stream.heard_at is not None


@pytest.mark.parametrize("heard", [2.0], indirect=True)
async def test_what_gets_too_loud_is_clipped(heard: Heard) -> None:
    heard.player.play(np.array([20_000, -20_000, 100] * 1000, np.int16))
    assert heard.pull(3).tolist() == [32767, -32768, 200]


async def test_other_rates_are_converted(heard: Heard) -> None:
    tone = (np.sin(np.arange(16_000) * 2 * np.pi * 440 / 16_000) * 8000).astype(np.int16)
    stream = heard.player.open()
    await stream.write(tone.tobytes(), AudioFormat(16_000, 2, 1))
    stream.finish()
    sound = heard.pull(PLAYBACK_RATE_HZ + 2000)
    assert np.count_nonzero(sound) == pytest.approx(PLAYBACK_RATE_HZ, rel=0.02)
    assert np.argmax(np.abs(np.fft.rfft(sound[:PLAYBACK_RATE_HZ]))) == pytest.approx(440, abs=2)


async def test_whoever_writes_far_ahead_waits(heard: Heard) -> None:
    stream = heard.player.open()
    much = np.ones(31 * PLAYBACK_RATE_HZ, np.int16)
    writing = asyncio.create_task(stream.write(much.tobytes(), SOURCE))
    await asyncio.sleep(0)
    assert not writing.done()
    heard.pull(2 * PLAYBACK_RATE_HZ)
    assert await writing


async def test_without_a_loudspeaker_nobody_waits_for_the_end() -> None:
    speaker = HandSpeaker()
    speaker.failure = SoundError("there is no loudspeaker on this machine")
    player = Player(speaker)
    stream = player.play(ramp(1000))
    running = asyncio.create_task(player.run())
    assert await stream.over() is False
    assert player.problem == "there is no loudspeaker on this machine"
    await cancel(running)


async def test_the_volume_is_changed_while_it_runs(heard: Heard) -> None:
    heard.player.set_volume(0.5)
    heard.player.play(ramp(1000, 2000))
    assert np.array_equal(heard.pull(1000), ramp(1000, 2000) // 2)


async def test_what_rings_is_heard_when_the_volume_is_turned_down(heard: Heard) -> None:
    heard.player.set_volume(0.0)
    heard.player.play(ramp(1000), rings=True)
    assert heard.pull(1000).any()


@pytest.mark.parametrize("heard", [0.0], indirect=True)
async def test_who_sets_no_volume_wants_no_ringing_either(heard: Heard) -> None:
    heard.player.play(ramp(1000), rings=True)
    assert not heard.pull(1000).any()
