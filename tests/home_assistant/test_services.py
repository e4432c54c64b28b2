"""Our four servers on one port, used by a real Home Assistant: every stage of its pipeline, and the whole of it."""

import wave
from io import BytesIO

import numpy as np
import pytest
from assist import Run, speak_to
from core import Core
from household import House
from speech import silence, speak

from wyoming_servers.wake.words import bundled_words

pytestmark = pytest.mark.home_assistant

WHAT_TIME = speak("what time is it")


def assert_said(core: Core, sound: bytes, text: str) -> None:
    """The sound file holds speech as long as this text takes."""
    samples = core.decode(sound)
    assert len(samples) == pytest.approx(len(speak(text)), rel=0.3)
    assert np.abs(samples).max() > 3000


def as_wav(samples: np.ndarray) -> bytes:
    """(n,) int16 16 kHz as the bytes of a WAV file."""
    with BytesIO() as out:
        with wave.open(out, "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(samples.astype("<i2").tobytes())
        return out.getvalue()


async def spoken(house: House, *pieces: np.ndarray, pipeline: str = "", start_stage: str = "stt") -> Run:
    async with house.core.client() as client:
        return await speak_to(client, pipeline or house.pipeline, np.concatenate(pieces), start_stage)


async def test_one_port_makes_one_entity_of_each_kind(house: House) -> None:
    assert set(house.entities) == {"stt", "tts", "wake_word", "conversation", "eager"}


async def test_every_wake_word_is_offered(house: House) -> None:
    async with house.core.client() as client, client.socket() as socket:
        words = (await socket.command("wake_word/info", entity_id=house.entities["wake_word"]))["wake_words"]
    assert {word.name: word.phrase for word in bundled_words()}.items() <= {word["id"]: word["phrase"] for word in words}.items()


async def test_the_voices_of_a_language_are_offered_by_name(house: House) -> None:
    async with house.core.client() as client, client.socket() as socket:
        voices = (await socket.command("tts/engine/voices", engine_id=house.entities["tts"], language="de"))["voices"]
    assert len(voices) == 1, voices
    assert voices[0]["name"] != voices[0]["voice_id"]


async def test_the_agent_answers_in_text(house: House) -> None:
    async with house.core.client() as client:
        reply = await client.post("api/conversation/process", text="what is 12 times 12", agent_id=house.entities["conversation"])
    assert reply["response"]["speech"]["plain"]["speech"] == "That's one hundred forty-four."


async def test_a_spoken_command_is_answered_aloud(house: House) -> None:
    run = await spoken(house, WHAT_TIME)
    assert run.transcript == "what time is it"
    assert_said(house.core, run.sound, run.answer)


async def test_a_command_after_the_wake_word_is_answered_aloud(house: House) -> None:
    run = await spoken(house, silence(0.5), speak("hey jarvis"), silence(0.6), WHAT_TIME, start_stage="wake_word")
    assert run.of("wake_word-end")["wake_word_output"]["wake_word_id"] == "hey_jarvis"
    assert run.transcript == "what time is it"
    assert_said(house.core, run.sound, run.answer)


async def test_our_recogniser_ends_the_turn_where_home_assistant_lets_it(house: House) -> None:
    async with house.core.client() as client:
        lets = await client.ends_turns()
    run = await spoken(house, WHAT_TIME, pipeline=house.eager_pipeline)
    assert run.transcript == "what time is it"
    assert ("stt-vad-end" in run.kinds) is not lets


async def test_silence_is_nothing_understood(house: House) -> None:
    quiet = np.random.default_rng(1).normal(0, 8, 16_000).astype(np.int16)
    run = await spoken(house, quiet, pipeline=house.eager_pipeline)
    assert run.of("error")["code"] == "stt-no-text-recognized"


async def test_what_is_not_understood_is_said(house: House) -> None:
    async with house.core.client() as client:
        reply = await client.post("api/conversation/process", text="mumble the jumble", agent_id=house.entities["conversation"])
    assert reply["response"]["response_type"] == "error"
    assert reply["response"]["speech"]["plain"]["speech"]


async def test_a_text_is_spoken_by_the_voice_that_was_chosen(house: House) -> None:
    text = "Guten Morgen, das Wetter wird heute schön."
    async with house.core.client() as client:
        made = await client.post("api/tts_get_url", engine_id=house.entities["tts"], message=text, language="de", cache=False)
        async with client.http.get(made["url"]) as reply:
            assert_said(house.core, await reply.read(), text)


async def test_a_recording_is_transcribed_over_rest(house: House) -> None:
    about = "format=wav; codec=pcm; sample_rate=16000; bit_rate=16; channel=1; language=en"
    async with house.core.client() as client:
        url = f"{house.core.url}api/stt/{house.entities['stt']}"
        async with client.http.post(url, data=as_wav(WHAT_TIME)[44:], headers={"X-Speech-Content": about}) as reply:
            assert await reply.json() == {"text": "what time is it", "result": "success"}
