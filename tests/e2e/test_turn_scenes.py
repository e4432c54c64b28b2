"""What people do to an answer, and engines to a turn: spoken over, coughed at, died on. In virtual time, judged by what is heard."""

import asyncio

import numpy as np
import pytest
from turn.house import Answer
from turn.scenes import Scene
from turn.stage import staged
from virtual_time import virtual

from wyoming_servers.shared.audio import RATE_HZ

_LONG = "Because of the air around us, which scatters blue light. At sunset the way is longer. What is left looks red and golden."
QUESTION = Scene("question", "", ("why is the sky blue",), Answer(_LONG, "llm", prospect="sentence"), True)
COMMAND = Scene("command", "", ("what time is it",), Answer("It is twelve fifteen."))
CHANGE = Scene("change", "", ("turn on the kitchen light",), Answer("The light is on.", changes=True))
MONOLOGUE = Scene("monologue", "", ("and then I said that it was not so",) * 13, Answer("I see.", "llm", prospect="sentence"), True)
SCENES = (QUESTION, COMMAND, CHANGE, MONOLOGUE)


def noise(seconds: float, level: float) -> np.ndarray:
    """Like a fan; without marks."""
    return np.random.default_rng(0).normal(0, level, round(seconds * RATE_HZ)).astype(np.int16) & ~np.int16(1)


async def answering(stage, spoken_s: float) -> None:
    """Has the long answer spoken for so long."""
    stage.say("question")
    await stage.until(lambda: bool(stage.speech) and stage.speech[-1][1] - stage.speech[0][0] >= spoken_s)


@pytest.mark.parametrize("spoken_s", [pytest.param(0.5, marks=pytest.mark.slow), 2.0, pytest.param(5.0, marks=pytest.mark.slow)])
def test_s7_a_wake_word_silences_an_answer_at_once(spoken_s):
    @virtual
    async def run():
        async with staged(SCENES, "n100") as stage:
            await answering(stage, spoken_s)
            word_end = stage.wake()
            await stage.pass_by(2.0)
            assert stage.speech[-1][1] <= word_end + 0.06

    run()


@virtual
async def test_s7_what_was_interrupted_is_cancelled_in_every_engine_within_20_ms():
    async with staged(SCENES, "n100") as stage:
        await answering(stage, 0.5)
        assert not stage.engines.idle
        word_end = stage.wake()
        await stage.pass_by(2.0)
        given_up = [work for work in stage.engines.work if not work.used]
        assert (
            given_up and max(work.end for work in given_up) <= word_end + 0.064 + 0.02
        )  # what is sent to the wake server at a time, and that


@virtual
async def test_s7_speech_silences_an_answer_within_250_ms_of_its_onset():
    async with staged(SCENES, "n100", echo_cancel="device") as stage:
        await answering(stage, 2.0)
        onset, end = stage.say("command", wake=False)
        await stage.until(lambda: asyncio.get_running_loop().time() > end)
        assert max(until for since, until, _ in stage.speech if since < onset) <= onset + 0.25


@virtual
async def test_s8_a_cough_does_not_end_an_answer():
    async with staged(SCENES, "n100", echo_cancel="device") as stage:
        await answering(stage, 2.0)
        stage.make_sound(noise(0.15, 6000))
        await stage.until(lambda: stage.engines.idle)
        await stage.pass_by(12.0)
        assert stage.speech[-1][2] == "What is left looks red and golden."


@virtual
async def test_s9_steady_noise_does_not_keep_a_turn_open():
    async with staged(SCENES) as stage:
        _, ended = stage.say("command")
        stage.make_sound(noise(20.0, 150))
        await stage.until(lambda: bool(stage.speech))
        assert stage.speech[0][0] <= ended + 2.0


@virtual
async def test_s10_what_follows_within_the_window_needs_no_wake_word():
    async with staged(SCENES, follow_up_s=4.0) as stage:
        stage.say("command")
        await stage.until(lambda: len(stage.reports) == 1)
        await stage.pass_by(1.0)
        stage.say("change", wake=False)
        await stage.until(lambda: len(stage.engines.effects) == 1)


@virtual
async def test_s10_what_follows_outside_the_window_does():
    async with staged(SCENES, follow_up_s=2.0) as stage:
        stage.say("command")
        await stage.until(lambda: len(stage.reports) == 1)
        await stage.pass_by(4.0)
        stage.say("change", wake=False)
        await stage.pass_by(5.0)
        assert stage.engines.effects == []


@virtual
async def test_s11_a_command_in_the_same_breath_is_heard_whole():
    async with staged(SCENES) as stage:
        stage.say("change", gap_s=0.05)
        await stage.until(lambda: len(stage.reports) == 1)
        assert stage.engines.effects == ["turn on the kitchen light"]


@virtual
async def test_s15_a_network_that_stands_still_for_a_second_loses_nothing_of_an_answer():
    async with staged(SCENES, "spark") as stage:
        await answering(stage, 0.5)
        await stage.to_voice.hold(1.0)
        await stage.until(lambda: len(stage.reports) == 1)
        said = list(dict.fromkeys(text for _, _, text in stage.speech))
        assert " ".join(said) == _LONG
        assert stage.reports[0].ended == "answered"


@virtual
async def test_after_every_fault_the_next_turn_is_as_good_as_ever():
    async with staged(SCENES) as stage:
        for engine, fault in (("tts", "is silent"), ("asr", "dies")):  # a voice that has once said it is not asked again
            stage.house.faults[engine] = fault
            stage.say("command")
            await stage.until(lambda: stage.reports and stage.reports[-1].ended == "failed")
            stage.house.faults.clear()
            await stage.pass_by(3.0)
            before = len(stage.reports)
            stage.say("command")
            await stage.until(lambda before=before: len(stage.reports) > before)
            assert stage.reports[-1].ended == "answered"


def race(after_s: float) -> tuple[int, list[str]]:
    """The user goes on so long after the words that could have been all. How often something was done, and what was heard."""
    scenes = (Scene("on", "", ("turn on the kitchen light", after_s, "and the hall light"), Answer("Both are on.", changes=True)), CHANGE)
    effects, heard = 0, []

    @virtual
    async def run():
        nonlocal effects, heard
        async with staged(scenes) as stage:
            stage.say("on")
            await stage.until(lambda: bool(stage.reports))
            await stage.pass_by(3.0)
            effects, heard = len(stage.engines.effects), [said for _, _, said in stage.speech]

    run()
    return effects, heard


@pytest.mark.parametrize("after_ms", [185, 199, 224])
def test_s17_speech_that_goes_on_around_the_commit_is_answered_once(after_ms):
    effects, heard = race(after_ms / 1000)
    assert effects == 1
    assert len(set(heard)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("after_ms", range(150, 261))
def test_s17_the_same_in_steps_of_a_millisecond(after_ms):
    effects, heard = race(after_ms / 1000)
    assert (effects, len(set(heard))) == (1, 1)


@virtual
async def test_s18_a_monologue_is_cut_at_the_longest_and_something_is_heard():
    async with staged(SCENES) as stage:
        began, _ = stage.say("monologue")
        await stage.until(lambda: len(stage.reports) == 1)
        await stage.pass_by(1.0)
        assert stage.commits[0].at <= began + 15.0 + 1.0
        assert stage.heard_since(stage.commits[0].at)
