"""Sentences that the intent server has a satellite say without having been asked for now."""

from pathlib import Path

import numpy as np
from satellite_rig import satellite, seconds
from satellite_servers import ScriptedAsr, ScriptedHandle, ScriptedVoice
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.settings import load
from wyoming_servers.tts.server import serve as serve_tts
from wyoming_servers.wake.server import serve as serve_wake

HEY_JARVIS = speak("hey jarvis")
LONG = "Once upon a time there was a king who had three daughters and no sons. " * 6


def house(asr: ScriptedAsr, handle: ScriptedHandle, voice: ScriptedVoice) -> dict:
    return {"wake": serve_wake(load(environment={})), "asr": asr, "handle": handle, "tts": voice}


@virtual
async def test_a_sentence_is_said_once(tmp_path: Path) -> None:
    handle, voice = ScriptedHandle(), ScriptedVoice()
    async with satellite(house(ScriptedAsr(), handle, voice), tmp_path) as rig:
        await handle.say("I see a cat.")
        await rig.heard(ScriptedVoice.SOUND)
        await rig.quiet()
    assert (voice.requests, rig.recorder.count(ScriptedVoice.SOUND)) == (["I see a cat."], 1)


@virtual
async def test_a_sentence_is_said_in_its_own_language(tmp_path: Path) -> None:
    handle, voice = ScriptedHandle(), ScriptedVoice()
    async with satellite(house(ScriptedAsr(), handle, voice), tmp_path) as rig:
        await handle.say("Ich sehe eine Katze.", language="de")
        await rig.heard(ScriptedVoice.SOUND)
    assert voice.languages == ["de"]


@virtual
async def test_several_sentences_are_said_one_after_the_other(tmp_path: Path) -> None:
    handle, voice = ScriptedHandle(), ScriptedVoice()
    async with satellite(house(ScriptedAsr(), handle, voice), tmp_path) as rig:
        await handle.say("One.")
        await handle.say("Two.")
        await rig.heard(ScriptedVoice.SOUND, times=2)
    assert voice.requests == ["One.", "Two."]


@virtual
async def test_a_sentence_that_comes_during_a_turn_is_said_after_its_answer(tmp_path: Path) -> None:
    handle, voice = ScriptedHandle("I am still looking."), ScriptedVoice()
    async with satellite(house(ScriptedAsr("what do you see"), handle, voice), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what do"))
        await handle.say("I see a cat.")
        report = await rig.turn()
        await rig.heard(ScriptedVoice.SOUND, times=2)
    assert (report.ended, voice.requests) == ("answered", ["I am still looking.", "I see a cat."])


@virtual
async def test_a_timer_that_ends_meanwhile_rings_afterwards(tmp_path: Path) -> None:
    handle, voice = ScriptedHandle(), ScriptedVoice()
    async with satellite(house(ScriptedAsr(), handle, voice), tmp_path, ring_s=1.0) as rig:
        await handle.say("I see a cat.")
        await handle.finish_timer("t1", "Pizza.")
        await rig.heard(chimes.ring())
        await rig.quiet()
    assert voice.requests[:2] == ["I see a cat.", "Pizza."]


@virtual
async def test_a_sentence_that_comes_while_a_timer_rings_is_said_when_that_is_over(tmp_path: Path) -> None:
    handle, voice = ScriptedHandle(), ScriptedVoice()
    async with satellite(house(ScriptedAsr(), handle, voice), tmp_path, ring_s=1.0) as rig:
        await handle.finish_timer("t1", "Pizza.")
        await rig.heard(chimes.ring())
        await handle.say("I see a cat.")
        assert [await handle.told.get() for _ in range(2)][1] == ("earshot-dismiss", "t1")
        await rig.recorder.until(lambda: "I see a cat." in voice.requests)


@virtual
async def test_the_wake_word_silences_a_sentence(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    services = house(ScriptedAsr(), handle, ScriptedVoice()) | {"tts": serve_tts(load(environment={}))}
    async with satellite(services, tmp_path, chimes=False) as rig:
        await handle.say(LONG)
        await rig.recorder.until(lambda: bool(np.any(rig.recorder.sound)))
        await rig.room.hear(HEY_JARVIS)
        await rig.quiet()
    assert np.count_nonzero(rig.recorder.sound) < 12 * PLAYBACK_RATE_HZ
