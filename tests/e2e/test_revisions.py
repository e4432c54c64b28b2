"""A pause is taken for the end on suspicion: what is prepared in it, what becomes of that, and what never happens before the commit."""

import asyncio
from pathlib import Path

import pytest
from guessing_servers import RATE_HZ, GuessingAsr, GuessingHandle, GuessingVoice, spoken_to
from virtual_time import virtual

from wyoming_servers.satellite.speculation import Speculation

NOW_S = 0.005
CANCELLED_S = 0.02


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual
async def test_an_answer_that_was_ready_in_the_pause_is_heard_at_the_commit(tmp_path: Path) -> None:
    async with spoken_to(tmp_path, GuessingAsr(0.1), GuessingHandle(0.1), GuessingVoice(0.1)) as user:
        await user.says()
        await user.pauses(0.5)
        user.ends()
        committed = now()
        report = await user.report()
    assert user.output.words == f"Answer to {RATE_HZ // 2} samples."
    assert user.output.heard[0][0] - committed < NOW_S
    assert [report.stages_ms[stage] for stage in ("asr", "handle", "tts")] == [0, 0, 0]


@virtual
async def test_nothing_is_heard_or_done_before_the_commit(tmp_path: Path) -> None:
    handle, voice = GuessingHandle(), GuessingVoice()
    async with spoken_to(tmp_path, GuessingAsr(), handle, voice) as user:
        await user.says()
        await user.pauses(3.0)
        assert (user.output.heard, handle.asked, len(voice.spoken)) == ([], [], 1)


@virtual
async def test_a_user_who_goes_on_is_answered_for_all_of_it_and_only_that(tmp_path: Path) -> None:
    handle = GuessingHandle()
    async with spoken_to(tmp_path, GuessingAsr(), handle, GuessingVoice()) as user:
        await user.says()
        await user.pauses(0.3)
        await user.says(1.0)
        await user.pauses(0.3)
        user.ends()
        report = await user.report()
    whole = f"{round(1.5 * RATE_HZ)} samples"
    assert (user.output.words, handle.done) == (f"Answer to {whole}.", [whole])
    assert (report.transcript, report.revisions) == (whole, 2)
    assert report.wasted_ms == 0  # nothing had to be waited for


@virtual
async def test_the_commit_repeats_what_was_provisional_word_for_word(tmp_path: Path) -> None:
    handle = GuessingHandle()
    async with spoken_to(tmp_path, GuessingAsr(), handle, GuessingVoice()) as user:
        await user.says()
        await user.pauses()
        user.ends()
        await user.report()
    assert [asked | {"holds": True} for asked in handle.asked] == handle.provisional
    assert handle.asked[0]["context"] == {"satellite_id": "test", "conversation_id": "talk", "turn": 1, "revision": 0}


@virtual
async def test_revisions_are_numbered(tmp_path: Path) -> None:
    handle = GuessingHandle()
    async with spoken_to(tmp_path, GuessingAsr(), handle, GuessingVoice()) as user:
        for _ in range(2):
            await user.says()
            await user.pauses()
        user.ends()
        await user.report()
    assert [each["context"]["revision"] for each in handle.provisional] == [0, 1]


@pytest.mark.parametrize("slow", ["asr", "handle", "tts"])
@virtual
async def test_work_that_nobody_wants_is_given_up_within_20_ms(tmp_path: Path, slow: str) -> None:
    servers = [GuessingAsr(), GuessingHandle(), GuessingVoice()]
    busy = next(server for server in servers if server.kind == slow)
    busy.delay_s = 2.0
    async with spoken_to(tmp_path, *servers) as user:
        await user.says()
        await user.pauses(0.5)
        goes_on = now()
        await user.says()
    assert [at - goes_on < CANCELLED_S for at in busy.given_up_at] == [True]


@pytest.mark.parametrize("slow", ["asr", "tts"])
@virtual
async def test_what_was_given_up_is_in_the_report(tmp_path: Path, slow: str) -> None:
    servers = [GuessingAsr(), GuessingHandle(), GuessingVoice()]
    next(server for server in servers if server.kind == slow).delay_s = 2.0
    async with spoken_to(tmp_path, *servers) as user:
        await user.says()
        await user.pauses(0.5)
        await user.says()
        await user.pauses(0.5)
        user.ends()
        report = await user.report()
    assert report.wasted_ms == pytest.approx(500, abs=20)


@virtual
async def test_the_line_of_a_turn_tells_what_it_went_through(tmp_path: Path) -> None:
    async with spoken_to(tmp_path, GuessingAsr(0.2), GuessingHandle(), GuessingVoice()) as user:
        for _ in range(2):
            await user.says()
            await user.pauses(0.1)
        await asyncio.sleep(1)
        user.ends()
        report = await user.report()
    assert report.line().endswith("complete 2 revisions, wasted 100 ms")
    assert {"prospect": "complete", "revisions": 2, "wasted_ms": 100}.items() <= report.as_json().items()


@virtual
async def test_a_verdict_reaches_whoever_decides(tmp_path: Path) -> None:
    async with spoken_to(tmp_path, GuessingAsr(), GuessingHandle(judges="extendable"), GuessingVoice()) as user:
        await user.says()
        await user.pauses()
        user.ends()
        report = await user.report()
    assert (user.judged, report.prospect) == ([(0, "extendable")], "extendable")


@virtual
async def test_a_class_that_nobody_knows_is_none(tmp_path: Path) -> None:
    async with spoken_to(tmp_path, GuessingAsr(), GuessingHandle(judges="perhaps"), GuessingVoice()) as user:
        await user.says()
        await user.pauses()
        user.ends()
        report = await user.report()
    assert (user.judged, report.prospect) == ([(0, None)], None)


@virtual
async def test_a_command_is_carried_out_at_the_commit_and_answered(tmp_path: Path) -> None:
    handle = GuessingHandle(harmless=False)
    async with spoken_to(tmp_path, GuessingAsr(), handle, GuessingVoice()) as user:
        await user.says()
        await user.pauses()
        assert handle.begun == 0
        user.ends()
        report = await user.report()
    assert (len(handle.done), report.ended, user.output.words) == (1, "answered", "Answer to 8000 samples.")


@virtual
async def test_a_stock_intent_server_is_asked_at_the_commit(tmp_path: Path) -> None:
    handle = GuessingHandle(stock=True)
    async with spoken_to(tmp_path, GuessingAsr(0.1), handle, GuessingVoice()) as user:
        await user.says()
        await user.pauses()
        user.ends()
        report = await user.report()
    assert (report.ended, report.prospect, len(handle.done)) == ("answered", None, 1)
    assert report.stages_ms["asr"] == 0


@virtual
async def test_an_intent_server_that_hangs_up_on_it_is_asked_plainly_and_spared_from_then_on(tmp_path: Path) -> None:
    handle = GuessingHandle(hangs_up=True)
    async with spoken_to(tmp_path, GuessingAsr(), handle, GuessingVoice()) as user:
        for number in (1, 2):
            await user.says()
            await user.pauses()
            user.ends()
            assert (await user.report()).ended == "answered"
            user.begin(number + 1)
    assert (len(handle.provisional), len(handle.done)) == (1, 2)


@virtual
async def test_an_intent_server_that_knows_them_and_dies_over_one_is_told_of_the_next(tmp_path: Path) -> None:
    handle = GuessingHandle()
    async with spoken_to(tmp_path, GuessingAsr(), handle, GuessingVoice()) as user:
        for number, hangs_up in enumerate((False, True, False), 2):
            handle.hangs_up = hangs_up
            await user.says()
            await user.pauses()
            user.ends()
            assert (await user.report()).ended == "answered"
            user.begin(number)
    assert (len(handle.provisional), len(handle.done)) == (3, 3)


@virtual
async def test_after_three_guesses_the_end_is_waited_for(tmp_path: Path) -> None:
    asr, handle = GuessingAsr(), GuessingHandle()
    async with spoken_to(tmp_path, asr, handle, GuessingVoice()) as user:
        for _ in range(5):
            await user.says()
            await user.pauses(0.2)
        assert len(asr.heard) == 3
        user.ends()
        report = await user.report()
    assert (report.transcript, handle.done, len(handle.provisional)) == ("40000 samples", ["40000 samples"], 3)


@virtual
async def test_where_it_is_switched_off_nothing_is_guessed(tmp_path: Path) -> None:
    asr, handle = GuessingAsr(), GuessingHandle()
    async with spoken_to(tmp_path, asr, handle, GuessingVoice(), Speculation(0.6, allowed=False)) as user:
        await user.says()
        await user.pauses()
        assert asr.heard == []
        user.ends()
        await user.report()
    assert (len(asr.heard), handle.provisional, len(handle.done)) == (1, [], 1)


@virtual
async def test_a_monologue_is_heard_out(tmp_path: Path) -> None:
    asr = GuessingAsr()
    async with spoken_to(tmp_path, asr, GuessingHandle(), GuessingVoice()) as user:
        await user.says(11.0)
        await user.pauses()
        assert asr.heard == []


@virtual
async def test_a_turn_that_is_dropped_has_done_nothing(tmp_path: Path) -> None:
    handle = GuessingHandle(1.0)
    async with spoken_to(tmp_path, GuessingAsr(), handle, GuessingVoice()) as user:
        await user.says()
        await user.pauses()
        await user.stop()
        await asyncio.sleep(0.1)
    assert (handle.done, user.output.heard, len(handle.given_up_at)) == ([], [], 1)


@pytest.mark.parametrize("harmless", [True, False])
@virtual
async def test_a_commit_that_is_refused_is_tried_again_unless_something_was_said(tmp_path: Path, harmless: bool) -> None:
    handle = GuessingHandle(harmless=harmless)
    async with spoken_to(tmp_path, GuessingAsr(), handle, GuessingVoice()) as user:
        await user.says()
        await user.pauses()
        handle.refuses = True
        user.ends()
        await asyncio.sleep(0.05)
        handle.refuses = False
        report = await user.report()
    assert (report.ended, len(handle.done)) == (("failed", 0) if harmless else ("answered", 1))
    assert user.output.words.count("Answer to") == 1
