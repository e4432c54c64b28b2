"""Speech that is held until it may be heard, and until a slow voice will not stutter."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from virtual_time import virtual

from wyoming_servers.satellite.held_speech import HeldSpeech
from wyoming_servers.satellite.speech import SpeechBlock
from wyoming_servers.satellite.voice_pace import VoicePace
from wyoming_servers.satellite.wording import Wording
from wyoming_servers.shared.audio import AudioFormat
from wyoming_servers.shared.errors import PeerError
from wyoming_servers.shared.tasks import cancel

BLOCK_S = 0.2
BLOCK = SpeechBlock(bytes(round(2 * 16_000 * BLOCK_S)), AudioFormat(16_000, 2, 1))
TEXT = "It is a quarter past twelve in the afternoon, and the sun is out."  # 65 characters, 4.3 s
BLOCKS = 22


async def voice(rtf: float, blocks: int = BLOCKS, error: PeerError | None = None) -> AsyncIterator[SpeechBlock]:
    """Takes `rtf` seconds for a second of speech."""
    for _ in range(blocks):
        await asyncio.sleep(BLOCK_S * rtf)
        yield BLOCK
    if error:
        raise error


async def play(held: HeldSpeech) -> tuple[float, float]:
    """(when the first sound was there, seconds of silence after it), heard at the pace of sound."""
    now = asyncio.get_running_loop().time
    began, gaps, heard_to = None, 0.0, 0.0
    async for block in held.blocks():
        began = now() if began is None else began
        gaps += max(0.0, now() - max(heard_to, began))
        heard_to = max(heard_to, now()) + block.seconds
    return began or 0.0, gaps


async def answer(pace: VoicePace, rtf: float) -> tuple[float, float]:
    """Seconds to the first sound, and of silence in it."""
    since = asyncio.get_running_loop().time()
    held = HeldSpeech(Wording(TEXT), pace)
    filling = asyncio.create_task(held.fill(voice(rtf)))
    began, gaps = await play(held)
    await filling
    return began - since, gaps


@virtual
async def test_a_quick_voice_is_heard_at_its_first_piece():
    pace = VoicePace()
    for _ in range(3):
        assert await answer(pace, 0.4) == (pytest.approx(0.4 * BLOCK_S), 0.0)


@pytest.mark.parametrize("rtf", [1.3, 2.0, 4.0])
@virtual
async def test_a_slow_voice_stutters_once_and_never_again(rtf: float):
    pace = VoicePace()
    _, first = await answer(pace, rtf)
    assert first > 0.5
    began, gaps = await answer(pace, rtf)
    assert gaps < BLOCK_S * rtf
    assert began < BLOCKS * BLOCK_S * rtf  # sooner than when all of it is there


@virtual
async def test_a_voice_that_has_become_quick_is_heard_at_once_again():
    pace = VoicePace()
    await answer(pace, 2.0)
    for _ in range(6):
        await answer(pace, 0.3)
    assert (await answer(pace, 0.3))[0] == pytest.approx(0.3 * BLOCK_S)


@virtual
async def test_what_is_held_is_bounded():
    held = HeldSpeech(Wording(TEXT), VoicePace())
    made = 0

    async def endless() -> AsyncIterator[SpeechBlock]:
        nonlocal made
        while True:
            made += 1
            yield BLOCK

    filling = asyncio.create_task(held.fill(endless()))
    await asyncio.sleep(1)
    await cancel(filling)
    assert made * BLOCK_S < 31


@virtual
async def test_an_error_is_raised_behind_what_came_before_it():
    held = HeldSpeech(Wording(TEXT), VoicePace())
    filling = asyncio.create_task(held.fill(voice(0.1, 2, PeerError("gone"))))
    heard = []
    with pytest.raises(PeerError, match="gone"):
        async for block in held.blocks():
            heard.append(block)
    await filling
    assert len(heard) == 2


@virtual
async def test_a_slow_writer_does_not_make_the_voice_slow():
    pace, wording = VoicePace(), Wording()
    wording.append("It is")
    held = HeldSpeech(wording, pace)
    filling = asyncio.create_task(held.fill(voice(5.0)))
    await play(held)
    await filling
    assert pace.lead_s(TEXT) == 0
