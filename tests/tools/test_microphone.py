"""The microphone switched off by voice: over the wire with a satellite that answers, and what is understood in each language."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from handle_house import ask, linked, running, said
from tool_sentences import LANGUAGES, response_keys, understood
from wire import event

from wyoming_servers.shared.tasks import cancel

OFF, TELL = "EarshotMicrophoneOff", "EarshotMicrophoneTell"
HERE = {"satellite_id": "kitchen", "conversation_id": "talk"}


@asynccontextmanager
async def satellite(uri: str, obeys: bool = True):
    """A satellite's link that does what `earshot-microphone` asks for, or tells that it does not; what it was asked."""
    asked: list[dict] = []

    async def answer(peer) -> None:
        while (message := await peer.receive()) is not None:
            if message.type == "earshot-microphone":
                asked.append(message.data)
                await peer.send(event("earshot-microphone", {"muted": obeys and message.data.get("muted", False)}))

    async with linked(uri, "kitchen") as peer:
        answering = asyncio.create_task(answer(peer))
        try:
            yield asked
        finally:
            await cancel(answering)


@pytest.fixture
async def uri(tmp_path):
    async with running(tmp_path) as address:
        yield address


async def test_it_is_switched_off_at_the_satellite_that_hears_it(uri):
    async with satellite(uri) as asked:
        answer = await said(uri, "mute the microphone", **HERE)
    assert (asked, answer) == (
        [{"muted": True}],
        "The microphone is off. You can switch it on again at the device or in its app, but not by voice.",
    )


async def test_it_can_be_asked_about(uri):
    async with satellite(uri) as asked:
        assert (await said(uri, "is the microphone on", **HERE), asked) == ("The microphone is on.", [{}])


async def test_what_the_satellite_does_not_confirm_is_not_claimed(uri):
    async with satellite(uri, obeys=False):
        answer = await ask(uri, "turn off the microphone", **HERE)
    assert (answer.type, answer.data["text"]) == ("not-handled", "This satellite did not confirm that its microphone is off.")


async def test_who_is_no_satellite_has_no_microphone(uri):
    answer = await ask(uri, "mute the microphone", conversation_id="talk")
    assert answer.type == "not-handled" and answer.data["text"].startswith("I can only switch off the microphone of a satellite")


async def test_a_satellite_that_tells_nonsense_is_refused(uri):
    async with linked(uri, "kitchen") as peer:
        await peer.send(event("earshot-microphone", {"muted": "yes"}))
        assert (await peer.receive()).data["text"] == "earshot-microphone needs muted, true or false"


def test_every_language_says_it_all():
    assert {language: response_keys(language, "microphone") for language in LANGUAGES} == dict.fromkeys(
        LANGUAGES, response_keys("en", "microphone")
    )


SENTENCES = [
    ("en", "turn off your mic", OFF),
    ("en", "switch the microphone off", OFF),
    ("en", "are you listening", TELL),
    ("de", "schalte das Mikrofon aus", OFF),
    ("de", "Mikrofon stumm", OFF),
    ("de", "ist dein Mikrofon an", TELL),
    ("fr", "coupe le micro", OFF),
    ("fr", "désactive ton microphone", OFF),
    ("fr", "est-ce que le micro est coupé", TELL),
    ("es", "apaga el micrófono", OFF),
    ("es", "silencia tu micro", OFF),
    ("es", "está encendido el micrófono", TELL),
    ("it", "spegni il microfono", OFF),
    ("it", "smetti di ascoltarmi", OFF),
    ("it", "è acceso il microfono", TELL),
    ("nl", "zet de microfoon uit", OFF),
    ("nl", "demp je microfoon", OFF),
    ("nl", "staat de microfoon aan", TELL),
]


@pytest.mark.parametrize(("language", "sentence", "intent"), SENTENCES)
def test_a_sentence_is_understood(language: str, sentence: str, intent: str) -> None:
    assert understood(language, sentence) == (intent, {})
