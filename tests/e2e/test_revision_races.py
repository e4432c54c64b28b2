"""Random turns among real servers: whatever comes when, each is answered once, for all that was said, after the commit."""

import asyncio
import random
from pathlib import Path

import pytest
from guessing_servers import GuessingAsr, GuessingHandle, GuessingVoice, Spoken, spoken_to
from virtual_time import virtual

_MS = 0.001


async def speak(user: Spoken, chance: random.Random) -> tuple[int, float]:
    """The user says something with pauses, and has finished; returns how many samples that were, and the loop time then."""
    for _ in range(chance.randrange(1, 6)):
        await user.says(chance.randrange(20, 400) * _MS)
        if chance.random() < 0.8:
            await user.pauses(chance.choice((0, 1, 20, 60, 200, chance.randrange(1500))) * _MS)
    said, committed = len(user.words), asyncio.get_running_loop().time()
    for _ in range(2 if chance.random() < 0.5 else 0):
        user.ends(settled=False)
        await asyncio.sleep(chance.choice((0, 1, 20, chance.randrange(1500))) * _MS)
        if not user.turn.reopens:
            return said, committed
        await user.says(chance.randrange(20, 400) * _MS)
        said, committed = len(user.words), asyncio.get_running_loop().time()
    user.ends()
    if chance.random() < 0.3:  # too late: the turn is over
        await asyncio.sleep(chance.choice((0, 1, 50)) * _MS)
        user.turn.go_on()
    return said, committed


async def one_turn(user: Spoken, servers: list, chance: random.Random) -> None:
    """Lives through it, and holds it to what is promised."""
    for server in servers:
        server.delay_s = chance.choice((0.0, 0.001, 0.05, 0.1, chance.random()))
    handle = servers[1]
    handle.harmless = chance.random() < 0.7
    before = len(handle.done)
    said, committed = await speak(user, chance)
    if chance.random() < 0.1:
        await asyncio.sleep(chance.random())
        await user.stop()
        assert len(handle.done) - before <= 1
    else:
        report = await user.report()
        assert handle.done[before:] == [report.transcript] == [f"{said} samples"]
        assert user.output.words == f"Answer to {said} samples."
    assert all(at >= committed for at, _ in user.output.heard)


async def many(folder: Path, turns: int, seed: int) -> None:
    chance = random.Random(seed)
    servers = [GuessingAsr(), GuessingHandle(), GuessingVoice()]
    async with spoken_to(folder, *servers) as user:
        for number in range(turns):
            await one_turn(user, servers, chance)
            assert not [task for task in asyncio.all_tasks() if "revision" in task.get_name()]
            user.begin(number + 2)


@pytest.mark.parametrize("seed", range(3))
@virtual
async def test_each_of_many_turns_is_answered_once(tmp_path: Path, seed: int) -> None:
    await many(tmp_path, 60, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 13))
@virtual
async def test_each_of_very_many_turns_is_answered_once(tmp_path: Path, seed: int) -> None:
    await many(tmp_path, 250, seed)


@virtual
async def test_speech_that_resumes_around_the_commit_is_answered_whole_or_not_at_all(tmp_path: Path) -> None:
    handle = GuessingHandle(0.01)
    async with spoken_to(tmp_path, GuessingAsr(0.01), handle, GuessingVoice(0.01)) as user:
        for number, early_ms in enumerate(range(-50, 51), 2):
            await user.says(0.1)
            await user.pauses(0.2)
            said = len(user.words)
            if early_ms > 0:
                await user.says(early_ms * _MS)
                said = len(user.words)
            user.ends()
            if early_ms <= 0:
                await asyncio.sleep(-early_ms * _MS)
                user.turn.go_on()
            report = await user.report()
            assert (report.transcript, handle.done[-1]) == (f"{said} samples",) * 2
            user.begin(number)
    assert len(handle.done) == 101


@pytest.mark.parametrize("harmless", [True, False])
@pytest.mark.parametrize("pause_s", [0.0, 0.005, 0.015])
@virtual
async def test_speech_that_resumes_after_the_commit_is_answered_whole_unless_something_was_done_or_heard(
    tmp_path: Path, pause_s: float, harmless: bool
) -> None:
    handle = GuessingHandle(0.01, harmless=harmless)
    reopened = 0
    async with spoken_to(tmp_path, GuessingAsr(0.01), handle, GuessingVoice(0.01)) as user:
        for late_ms in range(50):
            await user.says(0.1)
            if pause_s:
                await user.pauses(pause_s)
            user.ends(settled=False)
            await asyncio.sleep(late_ms * _MS)
            before = bool(user.output.heard) or len(handle.asked) > late_ms
            if user.turn.reopens:
                assert not before
                reopened += 1
                await user.says(0.1)
                user.ends()
            said = len(user.words)
            report = await user.report()
            assert (report.transcript, handle.done[-1], user.output.words) == (f"{said} samples",) * 2 + (f"Answer to {said} samples.",)
            user.begin(late_ms + 2)
    assert len(handle.done) == 50
    assert (0 < reopened < 50) or (pause_s > 0.01 and not harmless and not reopened)
