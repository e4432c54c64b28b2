"""Blocks to chunks: sizes, pauses, and one rate whatever the blocks have."""

import numpy as np
import pytest

from wyoming_servers.tts.chunks import Cutter
from wyoming_servers.tts.engine import AudioBlock


async def cut(cutter: Cutter, *blocks: AudioBlock, pause_ms: int = 0) -> list[bytes]:
    cutter.begin(pause_ms)
    chunks = [chunk for block in blocks for chunk in [chunk async for chunk in cutter.add(block)]]
    return chunks + list(cutter.end())


def tone(rate_hz: int, seconds: float) -> bytes:
    return (np.sin(np.arange(int(rate_hz * seconds)) * 2 * np.pi * 440 / rate_hz) * 10_000).astype("<i2").tobytes()


async def test_chunks_grow_and_nothing_is_lost():
    pcm = tone(16_000, 1.0)
    chunks = await cut(Cutter(), AudioBlock(pcm[:1000], 16_000), AudioBlock(pcm[1000:], 16_000))
    assert [len(chunk) for chunk in chunks[:4]] == [640, 1280, 2560, 4096]
    assert b"".join(chunks) == pcm


async def test_a_pause_stands_before_a_piece_but_not_instead_of_one():
    cutter = Cutter()
    assert b"".join(await cut(cutter, AudioBlock(b"ab" * 10, 16_000), pause_ms=100)) == bytes(3200) + b"ab" * 10
    assert await cut(cutter, pause_ms=100) == []


async def test_an_attempt_that_is_given_up_leaves_nothing_behind():
    cutter = Cutter()
    cutter.begin(0)
    assert [chunk async for chunk in cutter.add(AudioBlock(b"ab" * 10, 16_000))] == []
    assert b"".join(await cut(cutter, AudioBlock(b"cd" * 10, 16_000))) == b"cd" * 10


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 24_000, 48_000])
async def test_what_comes_at_another_rate_is_converted(rate_hz):
    cutter = Cutter()
    await cut(cutter, AudioBlock(tone(16_000, 0.1), 16_000))
    pcm = tone(rate_hz, 1.0)
    heard = b"".join(await cut(cutter, *(AudioBlock(pcm[start : start + 960], rate_hz) for start in range(0, len(pcm), 960))))
    assert cutter.rate_hz == 16_000
    assert len(heard) == pytest.approx(32_000, abs=40)
    samples = np.frombuffer(heard, "<i2").astype(float)[1000:15_000]
    assert np.argmax(np.abs(np.fft.rfft(samples))) * 16_000 / len(samples) == pytest.approx(440, abs=2)
    assert np.abs(samples).max() == pytest.approx(10_000, rel=0.03)


async def test_a_rate_that_changes_within_a_piece_is_converted_too():
    chunks = await cut(Cutter(), AudioBlock(tone(16_000, 0.5), 16_000), AudioBlock(tone(8_000, 0.5), 8_000))
    assert sum(map(len, chunks)) == pytest.approx(32_000, abs=40)


async def test_half_a_sample_at_the_end_is_left_out():
    assert b"".join(await cut(Cutter(), AudioBlock(b"abc", 16_000))) == b"ab"
