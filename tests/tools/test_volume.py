"""The volume by voice: over the wire with a satellite that answers, and what is understood in each language."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from handle_house import ask, linked, running, said
from tool_sentences import LANGUAGES, response_keys, understood
from wire import event

from wyoming_servers.shared.tasks import cancel

UP, DOWN, SET, TELL, MUTE, UNMUTE = (
    "EarshotVolumeUp",
    "EarshotVolumeDown",
    "EarshotVolume",
    "EarshotVolumeTell",
    "EarshotMute",
    "EarshotUnmute",
)
HERE = {"satellite_id": "kitchen", "conversation_id": "talk"}


@asynccontextmanager
async def satellite(uri: str, id: str = "kitchen", percent: int = 50, **details: str):
    """A satellite's link that does what `earshot-volume` asks for; what it was asked."""
    asked: list[dict] = []

    async def answer(peer) -> None:
        state = {"percent": percent, "muted": False}
        while (message := await peer.receive()) is not None:
            if message.type == "earshot-volume":
                request = message.data.pop("request")
                asked.append(message.data)
                state["muted"] = message.data.get("muted", False)
                state["percent"] = message.data.get("percent", min(100, max(0, state["percent"] + message.data.get("by", 0))))
                await peer.send(event("earshot-volume", {**state, "request": request}))

    async with linked(uri, id, **details) as peer:
        await peer.send(event("earshot-volume", {"percent": percent, "muted": False}))
        answering = asyncio.create_task(answer(peer))
        try:
            yield asked
        finally:
            await cancel(answering)


@pytest.fixture
async def uri(tmp_path):
    async with running(tmp_path) as address:
        yield address


ANSWERS = [
    ("turn the volume up", "Volume at sixty percent.", {"by": 10}),
    ("quieter", "Volume at forty percent.", {"by": -10}),
    ("set the volume to 35 percent", "Volume at thirty-five percent.", {"percent": 35}),
    ("volume 3", "Volume at thirty percent.", {"percent": 30}),
    ("increase the volume by 20 percent", "Volume at seventy percent.", {"by": 20}),
    ("maximum volume", "Volume at one hundred percent.", {"percent": 100}),
    ("what's the volume", "The volume is at fifty percent.", {}),
    ("unmute", "Volume at fifty percent.", {"muted": False}),
]


@pytest.mark.parametrize(("text", "answer", "wanted"), ANSWERS)
async def test_the_satellite_that_asks_is_told(uri, text, answer, wanted):
    async with satellite(uri) as asked:
        assert (await said(uri, text, **HERE), asked) == (answer, [wanted])


async def test_after_muting_nothing_is_said(uri):
    async with satellite(uri) as asked:
        assert (await said(uri, "mute", **HERE), asked) == ("", [{"muted": True}])


async def test_no_other_satellite_is_changed(uri):
    async with satellite(uri), satellite(uri, "bedroom") as other:
        await said(uri, "turn the volume up", **HERE)
        assert other == []


async def test_that_of_another_room_can_be_meant(uri):
    async with satellite(uri) as here, satellite(uri, "bedside", area="Bedroom") as there:
        await said(uri, "turn up the bedroom volume by 20 percent", **HERE)
        assert (here, there) == ([], [{"by": 20}])


async def test_a_room_without_a_satellite_is_named(uri):
    async with satellite(uri):
        answer = await ask(uri, "turn up the bedroom volume by 20 percent", **HERE)
    assert (answer.type, answer.data["text"]) == ("not-handled", "There is no satellite in the Bedroom.")


async def test_who_is_no_satellite_has_no_volume(uri):
    answer = await ask(uri, "louder")
    assert (answer.type, answer.data["text"].partition(",")[0]) == (
        "not-handled",
        "I can only change the volume of a satellite that is connected",
    )


async def test_a_satellite_that_does_not_answer_is_given_up(uri):
    async with linked(uri):
        assert (await ask(uri, "louder", **HERE)).data["text"] == "This satellite doesn't let me change its volume."


async def test_it_is_taken_back(uri):
    async with satellite(uri) as asked:
        await said(uri, "turn the volume up", **HERE)
        assert (await said(uri, "undo that", **HERE), asked[-1]) == ("Volume at fifty percent.", {"percent": 50})


async def test_a_satellite_that_tells_nonsense_is_refused(uri):
    async with linked(uri) as peer:
        await peer.send(event("earshot-volume", {"percent": "loud"}))
        assert (await peer.receive()).data["text"] == "earshot-volume needs percent, a whole number, and muted, true or false"


def test_every_language_has_every_sentence():
    assert {language: response_keys(language, "volume") for language in LANGUAGES} == dict.fromkeys(
        LANGUAGES, response_keys("en", "volume")
    )


SENTENCES = [
    ("en", "turn it up", UP, {}),
    ("en", "turn the volume up a bit", UP, {}),
    ("en", "turn the volume down", DOWN, {}),
    ("en", "you're too loud", DOWN, {}),
    ("en", "set the volume to 50", SET, {"volume_level": 50}),
    ("en", "turn the volume up to 70%", SET, {"volume_level": 70}),
    ("en", "volume to five", SET, {"level": 5}),
    ("en", "decrease the volume by 5 percent", DOWN, {"volume_step": -5}),
    ("en", "how loud are you", TELL, {}),
    ("de", "lauter", UP, {}),
    ("de", "mach die Lautstärke etwas lauter", UP, {}),
    ("de", "sprich leiser", DOWN, {}),
    ("de", "stell die Lautstärke auf 40 Prozent", SET, {"volume_level": 40}),
    ("de", "Lautstärke fünf", SET, {"level": 5}),
    ("de", "10 Prozent lauter", UP, {"volume_step": 10}),
    ("de", "schalte den Ton aus", MUTE, {}),
    ("de", "Ton wieder an", UNMUTE, {}),
    ("de", "wie laut bist du", TELL, {}),
    ("fr", "monte le son", UP, {}),
    ("fr", "parle moins fort", DOWN, {}),
    ("fr", "mets le volume à 40 pour cent", SET, {"volume_level": 40}),
    ("fr", "volume à cinq", SET, {"level": 5}),
    ("fr", "baisse le volume de 20 pour cent", DOWN, {"volume_step": -20}),
    ("fr", "coupe le son", MUTE, {}),
    ("fr", "remets le son", UNMUTE, {}),
    ("fr", "quel est le volume", TELL, {}),
    ("es", "sube el volumen", UP, {}),
    ("es", "habla más bajo", DOWN, {}),
    ("es", "pon el volumen al 40 por ciento", SET, {"volume_level": 40}),
    ("es", "volumen cinco", SET, {"level": 5}),
    ("es", "sube el volumen un 20 por ciento", UP, {"volume_step": 20}),
    ("es", "quita el sonido", MUTE, {}),
    ("es", "activa el sonido", UNMUTE, {}),
    ("es", "cuál es el volumen", TELL, {}),
    ("it", "alza il volume", UP, {}),
    ("it", "parla più piano", DOWN, {}),
    ("it", "metti il volume al 40 per cento", SET, {"volume_level": 40}),
    ("it", "volume a cinque", SET, {"level": 5}),
    ("it", "abbassa il volume del 20 per cento", DOWN, {"volume_step": -20}),
    ("it", "togli l'audio", MUTE, {}),
    ("it", "riattiva l'audio", UNMUTE, {}),
    ("it", "qual è il volume", TELL, {}),
    ("nl", "zet het volume hoger", UP, {}),
    ("nl", "praat zachter", DOWN, {}),
    ("nl", "zet het volume op 40 procent", SET, {"volume_level": 40}),
    ("nl", "volume vijf", SET, {"level": 5}),
    ("nl", "verhoog het volume met 20 procent", UP, {"volume_step": 20}),
    ("nl", "zet het geluid uit", MUTE, {}),
    ("nl", "zet het geluid weer aan", UNMUTE, {}),
    ("nl", "hoe hard sta je", TELL, {}),
]


@pytest.mark.parametrize(("language", "text", "intent", "slots"), SENTENCES)
def test_a_sentence_is_understood(language, text, intent, slots):
    assert understood(language, text) == (intent, slots)
