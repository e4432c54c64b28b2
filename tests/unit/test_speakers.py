"""Loudspeakers that are files."""

import asyncio
import wave
from pathlib import Path

import numpy as np
from virtual_time import virtual

from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ, FileSpeaker


def tones(value: int):
    """Gives nothing but this value."""
    return lambda count: np.full(count, value, np.int16)


async def play(speaker: FileSpeaker, value: int) -> None:
    """Opens it for a second."""
    await speaker.open(tones(value))
    await asyncio.sleep(1.0)
    await speaker.close()


@virtual
async def test_a_file_goes_on_where_it_was_when_the_speaker_is_opened_again(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "heard.wav")
    await play(speaker, 1)
    await play(speaker, 2)
    with wave.open(str(tmp_path / "heard.wav")) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(np.array([np.sum(heard == 1), np.sum(heard == 2)]) - PLAYBACK_RATE_HZ).max() < PLAYBACK_RATE_HZ * 0.05
    assert (heard[0], heard[-1]) == (1, 2)
