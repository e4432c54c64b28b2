"""Speech as other machines send it: PCM or WAV, cut anywhere."""

import numpy as np
import pytest
from fake_openai import wav_header

from wyoming_servers.shared.errors import EngineError
from wyoming_servers.tts.received import Received

SAMPLES = np.arange(-3000, 3000, dtype="<i2")
PCM = SAMPLES.tobytes()


def received(data: bytes, piece_bytes: int = 7, rate_hz: int = 24_000) -> tuple[bytes, int]:
    taken = Received(rate_hz, EngineError)
    blocks = [taken.add(data[start : start + piece_bytes]) for start in range(0, len(data), piece_bytes)]
    return b"".join(block.pcm for block in blocks if block), next(block.rate_hz for block in blocks if block)


@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 4801, 100_000])
def test_pcm_is_the_same_however_it_is_cut(piece_bytes):
    assert received(PCM, piece_bytes) == (PCM, 24_000)


def test_blocks_are_whole_samples():
    taken = Received(24_000, EngineError)
    assert all(len(block.pcm) % 2 == 0 for start in range(0, 999, 3) if (block := taken.add(PCM[start : start + 3])))


@pytest.mark.parametrize("piece_bytes", [1, 13, 100_000])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, len(PCM)])
def test_a_wav_header_is_taken_off_whatever_length_it_says(piece_bytes, size):
    assert received(wav_header(16_000, size) + PCM, piece_bytes) == (PCM, 16_000)


def test_what_follows_the_sound_of_a_wav_file_is_not_heard():
    assert received(wav_header(16_000, len(PCM)) + PCM + b"LIST" + bytes(100)) == (PCM, 16_000)


def test_chunks_before_the_sound_are_skipped():
    header = wav_header(22_050)
    extra = b"LIST\x05\x00\x00\x00INFO1\x00"
    assert received(header[:12] + extra + header[12:] + PCM) == (PCM, 22_050)


@pytest.mark.parametrize("piece_bytes", [5, 100_000])
def test_other_widths_and_channels_become_16_bit_mono(piece_bytes):
    wide = np.repeat(SAMPLES.astype("<i4") << 16, 2).astype("<i4").tobytes()
    pcm, rate_hz = received(wav_header(24_000, channels=2, bits=32) + wide, piece_bytes)
    assert rate_hz == 24_000
    assert np.abs(np.frombuffer(pcm, "<i2").astype(int) - SAMPLES).max() <= 1


@pytest.mark.parametrize(
    "header", [wav_header(24_000, kind=3, bits=32), wav_header(1), wav_header(24_000, channels=0), wav_header(24_000, bits=12)]
)
def test_wav_that_cannot_be_played_is_refused(header):
    with pytest.raises(EngineError, match="WAV"):
        received(header + PCM)


@pytest.mark.parametrize("junk", [b"RIFF\0\0\0\0WAVEdata\0\0\0\0", b"RIFF\0\0\0\0WAVE" + b"junk\x10\0\0\0" + bytes(70_000)])
def test_a_wav_file_without_format_or_sound_is_refused(junk):
    with pytest.raises(EngineError, match="WAV"):
        received(junk, 1000)


def test_the_seconds_of_speech_are_counted():
    taken = Received(16_000, EngineError)
    taken.add(bytes(16_000))
    assert taken.seconds == pytest.approx(0.5)
