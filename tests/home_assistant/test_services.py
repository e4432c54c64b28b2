"""Our four servers on one port, used by a real Home Assistant: every stage of its pipeline, and the whole of it."""

import numpy as np
import pytest
from assist import speak_to
from household import House
from speech import speak

pytestmark = pytest.mark.home_assistant


async def test_one_port_makes_one_entity_of_each_kind(house: House) -> None:
    assert {"stt", "tts", "wake_word", "conversation"} <= set(house.entities)


async def test_the_agent_answers_in_text(house: House) -> None:
    async with house.core.client() as client:
        reply = await client.post("api/conversation/process", text="what is 12 times 12", agent_id=house.entities["conversation"])
    assert reply["response"]["speech"]["plain"]["speech"] == "That's one hundred forty-four."


async def test_a_spoken_command_is_answered_aloud(house: House) -> None:
    async with house.core.client() as client:
        run = await speak_to(client, house.pipeline, speak("what time is it"))
    assert run.transcript == "what time is it"
    assert run.answer
    sound, wanted = house.core.decode(run.sound), speak(run.answer)
    assert len(sound) == pytest.approx(len(wanted), rel=0.3)
    assert np.abs(sound).max() > 3000
