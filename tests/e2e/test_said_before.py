"""What the voice has said before, word for word, is heard at once: who keeps it, how long, and when it is asked again."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from one_voice import ANSWER, QUICK, StockServer, house
from satellite_rig import satellite, seconds
from satellite_servers import HANG, HANG_UP, PATIENCE_S, ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from tts_fakes import ScriptedEngine, scripted, service
from virtual_time import virtual
from writing_servers import StreamingVoice
from wyoming.info import TtsProgram

from wyoming_servers.satellite.held_speech import HeldSpeech
from wyoming_servers.satellite.said_before import LONGEST_S, SaidBefore
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.satellite.speech import SpeechBlock, synthesize
from wyoming_servers.satellite.voice_pace import VoicePace
from wyoming_servers.satellite.wording import Wording
from wyoming_servers.shared.errors import PeerError
from wyoming_servers.tts.engine import AudioBlock, TtsRequest


def pcm(blocks: Sequence[SpeechBlock]) -> bytes:
    return b"".join(block.pcm for block in blocks)


@virtual
async def test_the_same_answer_is_heard_again_without_a_request(tmp_path: Path) -> None:
    voice = ScriptedVoice()
    async with house(tmp_path, voice) as there:
        first, second = await there.say(), await there.say()
    assert (pcm(second), voice.requests) == (pcm(first), [ANSWER])


@virtual
async def test_blanks_make_no_other_answer(tmp_path: Path) -> None:
    voice = ScriptedVoice()
    async with house(tmp_path, voice) as there:
        await there.say()
        await there.say(f" {ANSWER.replace(' ', '  ')}\n")
    assert len(voice.requests) == 1


@virtual
async def test_it_is_told_that_nobody_was_asked(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedVoice()) as there:
        told = [[block.from_memory for block in await there.say()] for _ in range(2)]
    assert (any(told[0]), told[1]) == (False, [True])


@pytest.mark.parametrize(("text", "language"), [("The light is off.", "en"), (ANSWER, "de"), (ANSWER.lower(), "en")])
def test_another_text_or_language_is_asked_for(text: str, language: str, tmp_path: Path) -> None:
    @virtual
    async def check() -> None:
        voice = ScriptedVoice()
        async with house(tmp_path, voice) as there:
            await there.say()
            await there.say(text, language)
        assert len(voice.requests) == 2

    check()


@virtual
async def test_a_voice_that_was_started_again_is_asked_again_though_it_says_the_same_of_itself(tmp_path: Path) -> None:
    before, after = ScriptedVoice(), ScriptedVoice()
    async with house(tmp_path, before) as there:
        await there.say()
        await there.send_away()
        await there.let_in(after)
        await there.noticed(True)
        await there.say()
    assert (len(before.requests), len(after.requests)) == (1, 1)


@virtual
async def test_a_stock_voice_is_asked_once_and_again_after_a_restart(tmp_path: Path) -> None:
    requests: list[str] = []
    async with house(tmp_path, ScriptedVoice()) as there:
        for _ in range(2):
            await there.send_away()
            there.server = StockServer(there.uri, requests)
            await there.server.start()
            await there.noticed(True)
            for _ in range(3):
                await there.say()
                await asyncio.sleep(100.0)
    assert requests == [ANSWER] * 2


class ChangingVoice(ScriptedVoice):
    """Has another model from one moment on, without a restart."""

    version = "1"

    def programs(self) -> Sequence[TtsProgram]:
        program = super().programs()[0]
        assert isinstance(program, TtsProgram)
        program.version = self.version
        return [program]


@virtual
async def test_a_voice_that_says_it_has_changed_is_asked_again(tmp_path: Path) -> None:
    voice = ChangingVoice()
    async with house(tmp_path, voice) as there:
        await there.say()
        voice.version, voice.revision = "2", voice.revision + 1
        await asyncio.sleep(2 * QUICK.healthy_s)
        await there.say()
        await there.say()
    assert len(voice.requests) == 2


@virtual
async def test_it_is_kept_for_longer_than_servers_keep_silent_connections(tmp_path: Path) -> None:
    voice = ScriptedVoice()
    async with house(tmp_path, voice) as there:
        await there.say()
        await asyncio.sleep(3600)
        await there.say()
    assert len(voice.requests) == 1


@virtual
async def test_every_voice_has_answers_of_its_own(tmp_path: Path) -> None:
    one, two = ScriptedVoice(), ScriptedVoice()
    (tmp_path / "two").mkdir()
    async with house(tmp_path, one) as there, house(tmp_path / "two", two) as other:
        other.directory.said = there.directory.said
        for _ in range(2):
            await there.say()
            await other.say()
    assert (len(one.requests), len(two.requests)) == (1, 1)


@virtual
async def test_when_no_voice_is_there_it_is_heard_as_it_was(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedVoice()) as there:
        first = await there.say()
        await there.send_away()
        await there.noticed(False)
        again = await there.say()
    assert pcm(again) == pcm(first)


@virtual
async def test_when_the_voice_makes_no_sound_any_more_it_is_heard_as_it_was(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedVoice()) as there:
        first = await there.say()
        await there.send_away()
        await there.let_in(StreamingVoice(hangs=True))
        await there.noticed(True)
        again = await there.say()
    assert pcm(again) == pcm(first)


@virtual
async def test_what_nobody_has_said_is_an_error_when_no_voice_is_there(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedVoice()) as there:
        await there.say()
        await there.send_away()
        with pytest.raises(PeerError):
            await there.say("The light is off.")


@virtual
async def test_what_was_cut_off_is_not_kept(tmp_path: Path) -> None:
    voice = ScriptedVoice(HANG)
    async with house(tmp_path, voice) as there:
        blocks = synthesize(there.directory, ANSWER, "en", 1.0)
        await anext(blocks)
        await blocks.aclose()
        await there.say()
    assert len(voice.requests) == 2


@virtual
async def test_what_a_second_attempt_went_on_with_is_not_kept(tmp_path: Path) -> None:
    voice = ScriptedVoice(HANG_UP)
    async with house(tmp_path, voice) as there:
        await there.say()
        await there.say()
    assert len(voice.requests) == 3


@pytest.mark.parametrize(("speech_s", "requests"), [(LONGEST_S - 0.1, 1), (LONGEST_S + 0.1, 2)])
def test_only_what_is_short_is_kept(speech_s: float, requests: int, tmp_path: Path) -> None:
    @virtual
    async def check() -> None:
        voice = ScriptedVoice()
        voice.sound = np.resize(ScriptedVoice.SOUND, round(speech_s * PLAYBACK_RATE_HZ))
        async with house(tmp_path, voice) as there:
            await there.say()
            await there.say()
        assert len(voice.requests) == requests

    check()


@virtual
async def test_silence_is_not_kept(tmp_path: Path) -> None:
    voice = ScriptedVoice()
    voice.sound = np.zeros(PLAYBACK_RATE_HZ, np.int16)
    async with house(tmp_path, voice) as there:
        await there.say()
        await there.say()
    assert len(voice.requests) == 2


class Steady(ScriptedEngine):
    """Never fails."""

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        yield AudioBlock(b"ab" * 2048, PLAYBACK_RATE_HZ)


@virtual
async def test_what_a_fallback_had_to_say_is_not_kept(tmp_path: Path) -> None:
    engine = scripted()
    async with house(tmp_path, service(engine, Steady)) as there:
        await there.say("please fail")
        attempts = len(engine.requests)
        await there.say("please fail")
    assert len(engine.requests) == 2 * attempts


@virtual
async def test_what_was_not_heard_for_longest_makes_room(tmp_path: Path) -> None:
    voice, names = ScriptedVoice(), ("One.", "Two.", "Three.")
    async with house(tmp_path, voice) as there:
        there.directory.said = SaidBefore(2 * ScriptedVoice.SOUND.nbytes)
        for name in (*names[:2], names[0], names[2], names[0], names[1]):
            await there.say(name)
    assert voice.requests == ["One.", "Two.", "Three.", "Two."]


@virtual
async def test_an_answer_that_grew_is_kept_when_its_text_was_there_before_its_sound(tmp_path: Path) -> None:
    voice, wording = StreamingVoice(), Wording()
    async with house(tmp_path, voice) as there:
        speaking = asyncio.create_task(there.say(wording))
        wording.append(ANSWER)
        wording.finish()
        await speaking
        await there.say()
    assert voice.spoken == [ANSWER]


@virtual
async def test_an_answer_that_the_voice_had_to_wait_for_is_not_kept(tmp_path: Path) -> None:
    voice, wording, text = StreamingVoice(), Wording(), "That is done. It is on."
    async with house(tmp_path, voice) as there:
        speaking = asyncio.create_task(there.say(wording))
        wording.append("That is done. ")
        await asyncio.sleep(1.0)
        wording.append("It is on.")
        wording.finish()
        await speaking
        await there.say(text)
    assert voice.got[-1] == "synthesize"


@virtual
async def test_a_sentence_that_is_known_is_heard_before_it_is_known_to_be_all(tmp_path: Path) -> None:
    voice, wording = StreamingVoice(), Wording()
    async with house(tmp_path, voice) as there:
        await there.say()
        wording.append(ANSWER)
        blocks = synthesize(there.directory, wording, "en", 1.0)
        assert (await anext(blocks)).from_memory
        wording.finish()
        assert [block async for block in blocks] == []
    assert voice.spoken == [ANSWER]


@virtual
async def test_what_follows_a_known_sentence_is_spoken_behind_it(tmp_path: Path) -> None:
    voice, wording = StreamingVoice(), Wording()
    async with house(tmp_path, voice) as there:
        await there.say()
        wording.append(ANSWER)
        blocks = synthesize(there.directory, wording, "en", 1.0)
        await anext(blocks)
        wording.append(" So is the heating.")
        wording.finish()
        assert [block.from_memory for block in [block async for block in blocks]] == [False]
    assert [text.strip() for text in voice.spoken] == [ANSWER, "So is the heating."]


@pytest.mark.parametrize("kept", ["It is 20", "Okay"])
def test_a_beginning_that_may_not_end_there_is_not_taken_for_the_whole(kept: str, tmp_path: Path) -> None:
    @virtual
    async def check() -> None:
        voice, wording = StreamingVoice(), Wording()
        async with house(tmp_path, voice) as there:
            await there.say(kept)
            wording.append(kept)
            speaking = asyncio.create_task(there.say(wording))
            await asyncio.sleep(0.1)
            wording.append(" degrees.")
            wording.finish()
            await speaking
        assert voice.spoken[-1] == f"{kept} degrees."

    check()


@virtual
async def test_an_answer_from_memory_teaches_nothing_of_the_voices_pace(tmp_path: Path) -> None:
    pace = VoicePace()
    async with house(tmp_path, ScriptedVoice()) as there:
        await there.say()
        held = HeldSpeech(Wording(ANSWER), pace)
        await held.fill(synthesize(there.directory, ANSWER, "en", 1.0))
    assert pace.lead_s(ANSWER) == 0.0


@virtual
async def test_the_report_of_a_turn_says_that_the_answer_came_from_memory(tmp_path: Path) -> None:
    told = []
    handle, voice = ScriptedHandle(ANSWER, ANSWER), ScriptedVoice()
    services = {"wake": ToldWake(), "asr": ScriptedAsr("light on", "light on"), "handle": handle, "tts": voice}
    async with satellite(services, tmp_path) as rig:
        for _ in range(2):
            await services["wake"].hears()
            await rig.room.hear(seconds(0.3), speak("turn on the light"), seconds(3.0))
            report = await rig.turn()
            told.append((report.from_memory, report.as_json().get("from_memory"), "from memory" in report.line()))
    assert told == [(False, None, False), (True, True, True)]


@virtual
async def test_who_interrupts_an_answer_from_memory_has_heard_as_much_of_it_as_of_any(tmp_path: Path) -> None:
    text, half_s = "one two three four five six seven eight nine ten", LONGEST_S / 2
    handle, voice = ScriptedHandle(text, text, ANSWER), ScriptedVoice()
    voice.sound = np.resize(ScriptedVoice.SOUND, round(LONGEST_S * PLAYBACK_RATE_HZ))
    services = {"wake": ToldWake(), "asr": ScriptedAsr("count", "count", "stop"), "handle": handle, "tts": voice}
    async with satellite(services, tmp_path) as rig:
        for heard_s in (LONGEST_S + 1.0, half_s):
            await services["wake"].hears()
            await rig.room.hear(seconds(0.3), speak("count to ten please"), seconds(1.0 + heard_s))
        await services["wake"].hears()
        cut = await asyncio.wait_for(handle.spoken.get(), PATIENCE_S)
    assert voice.requests == [text]
    assert text.startswith(cut["text"]) and 4 <= len(cut["text"].split()) <= 7
