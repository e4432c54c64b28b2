"""The camera tool's languages, its several cameras, and what it tells of itself."""

import re

import pytest
from fake_camera import looking, picture
from handle_house import MovedClock, ask, running, said, sentence
from tool_sentences import LANGUAGES, phrases, response_keys, understood
from web_services import proxying, status
from wire import wire

from wyoming_servers.shared.settings import NetworkSection

SENTENCES = {
    "en": (
        "what do you see",
        "look at this",
        "is somebody at the door?",
        "what's in my hand?",
        "what do you see at the front door?",
        "check with the camera if the light is on",
        "do you see my keys",
        "are you watching me?",
    ),
    "de": (
        "was siehst du",
        "schau dir das mal an",
        "ist jemand an der Tür?",
        "was habe ich in der Hand?",
        "was siehst du an der Haustür?",
        "schau mal nach, ob das Licht an ist",
        "siehst du meinen Schlüssel",
        "beobachtest du mich?",
    ),
    "fr": (
        "qu'est-ce que tu vois",
        "regarde ça",
        "est-ce qu'il y a quelqu'un à la porte ?",
        "qu'est-ce que j'ai dans la main ?",
        "qu'est-ce que tu vois à la porte d'entrée ?",
        "regarde si la lumière est allumée",
        "est-ce que tu vois mes clés",
        "est-ce que tu me regardes ?",
    ),
    "es": (
        "qué ves",
        "mira esto",
        "¿hay alguien en la puerta?",
        "¿qué tengo en la mano?",
        "¿qué ves en la puerta principal?",
        "mira si la luz está encendida",
        "ves mis llaves",
        "¿me estás mirando?",
    ),
    "it": (
        "che cosa vedi",
        "guarda questo",
        "c'è qualcuno alla porta?",
        "cosa ho in mano?",
        "che cosa vedi alla porta d'ingresso?",
        "guarda se la luce è accesa",
        "vedi le mie chiavi",
        "mi stai guardando?",
    ),
    "nl": (
        "wat zie je",
        "kijk hier eens naar",
        "is er iemand aan de deur?",
        "wat heb ik in mijn hand?",
        "wat zie je bij de voordeur?",
        "kijk eens of het licht aan is",
        "zie je mijn sleutels",
        "houd je me in de gaten?",
    ),
}
INTENTS = [
    ("EarshotLook", set()),
    ("EarshotLook", set()),
    ("EarshotLook", {"camera", "question"}),
    ("EarshotLook", {"question"}),
    ("EarshotLook", {"camera"}),
    ("EarshotLookWhether", {"question"}),
    ("EarshotLookFor", {"question"}),
    ("EarshotWatching", set()),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_to_say(language):
    assert response_keys(language, "camera") == response_keys("en", "camera")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_to_say_has_the_same_names_in_it(language):
    def names(of: str) -> dict:
        known = phrases(of, "camera")
        return {key: sorted(set(re.findall(r"\{(\w+)\}", str(known._sentences[key])))) for key in response_keys("en", "camera")}

    assert names(language) == names("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_understands(language):
    got = [understood(language, text) for text in SENTENCES[language]]
    assert [(intent, set(slots)) for intent, slots in got] == INTENTS


async def test_in_german_the_model_is_asked_in_german(tmp_path, model, webcam):
    model.says = "Ich sehe eine Katze."
    async with running(tmp_path, options=looking(model, {"Tisch": webcam})) as uri:
        assert await said(uri, "Was habe ich in der Hand?", language="de") == "Ich sehe eine Katze."
    assert model.shown[0].question.startswith("Was hält die Person in der Hand? Antworte auf Deutsch")


async def test_trouble_is_said_in_the_language_of_the_request(tmp_path, model, webcam):
    model.fault(status(500))
    async with running(tmp_path, options=looking(model, {"desk": webcam})) as uri:
        assert await said(uri, "was siehst du", language="de") == "Das Modell, das Bilder ansieht, ist gescheitert."


CAMERAS = {"front door": "front", "back door": "back", "living room": "living"}


@pytest.fixture
def three(camera):
    """Three cameras; their paths tell which was asked."""
    for path in CAMERAS.values():
        camera.reply(f"/{path}", picture())
    return {name: f"{camera.uri}/{path}" for name, path in CAMERAS.items()}


async def test_the_camera_that_is_named_is_asked(tmp_path, model, camera, three):
    paths = {
        "what do you see": "/front",
        "what do you see in the living room": "/living",
        "what do you see at the back door camera": "/back",
        "is somebody at the front door": "/front",
    }
    async with running(tmp_path, options=looking(model, three)) as uri:
        for text in paths:
            await ask(uri, text)
    assert [asked.path for asked in camera.asked] == list(paths.values())


async def test_without_a_name_the_camera_of_the_room_is_meant(tmp_path, model, camera, three):
    async with running(tmp_path, options=looking(model, three)) as uri:
        await ask(uri, "what do you see", area="Living Room")
    assert [asked.path for asked in camera.asked] == ["/living"]


async def test_a_name_that_could_be_several_is_asked_for_and_the_question_kept(tmp_path, model, camera, three):
    async with running(tmp_path, options=looking(model, three)) as uri:
        question = await said(uri, "is somebody at the door", conversation_id="a")
        answer = await said(uri, "the back door", conversation_id="a")
    assert (question, answer) == ("Which camera do you mean? There are front door and back door.", "I see a cat.")
    assert [asked.path for asked in camera.asked] == ["/back"] and model.shown[0].question.startswith("Is there a person?")


async def test_a_camera_that_there_is_not_is_said_with_those_there_are(tmp_path, model, webcam):
    async with running(tmp_path, options=looking(model, {"desk": webcam})) as uri:
        assert await said(uri, "is anybody at the gate") == "I have no camera called gate, only desk."
    assert model.shown == []


async def test_the_same_can_be_asked_of_the_next_camera(tmp_path, model, camera, three):
    async with running(tmp_path, options=looking(model, three)) as uri:
        await ask(uri, "is somebody at the front door", conversation_id="a")
        await ask(uri, "and at the back door", conversation_id="a")
    assert [asked.path for asked in camera.asked] == ["/front", "/back"]
    assert model.shown[1].question.startswith("Is there a person?")


@pytest.mark.parametrize("address", ["rtsp://10.0.0.2/stream", "video0", "camera.front_door"])
async def test_an_address_of_no_kind_is_refused_at_the_start(tmp_path, model, address):
    async with running(tmp_path, options=looking(model, {"desk": address})) as uri:
        message = await ask(uri, "what do you see")
    assert (message.type, message.data["context"]["earshot"]["route"]) == ("not-handled", "no-tool")


async def test_without_a_camera_it_is_not_watching(tmp_path):
    async with running(tmp_path) as uri:
        assert await said(uri, "are you watching me?") == "No. I have no camera."


async def test_with_a_camera_it_tells_when_it_looks_and_when_it_did(tmp_path, model, webcam):
    clock = MovedClock()
    rule = "No. I only look when I'm asked, at a single picture, and I don't keep it. I can use desk."
    async with running(tmp_path, clock, options=looking(model, {"desk": webcam})) as uri:
        told = [await said(uri, "are you watching me?")]
        await ask(uri, "what do you see")
        told.append(await said(uri, "are you watching me?"))
        clock.advance(180)
        told.append(await said(uri, "are you watching me?"))
    lasts = ("I haven't looked since I was started.", "I last looked less than a minute ago.", "I last looked 3 minutes ago.")
    assert told == [f"{rule} {last}" for last in lasts]


async def test_while_it_looks_it_says_so(tmp_path, model, webcam):
    clock = MovedClock()
    model.fault(model.stuck)
    async with running(tmp_path, clock, options=looking(model, {"desk": webcam})) as uri, wire(uri) as peer:
        await peer.send(sentence("what do you see"))
        await model.once_reached()
        assert (await said(uri, "are you watching me?")).startswith("At this moment, yes, because I was asked to.")


async def test_what_cameras_on_the_network_do_it_does_not_know(tmp_path, model, camera):
    async with running(tmp_path, options=looking(model, {"desk": camera.snapshot})) as uri:
        assert (await said(uri, "are you watching me?")).endswith("What cameras on the network do by themselves, I don't know.")


async def test_pictures_that_have_left_the_house_are_told(tmp_path, webcam):
    told = {"choices": [{"message": {"content": "A cat."}}]}
    with proxying(lambda asked: told) as proxy:
        options = {"camera": {"cameras": {"desk": webcam}, "base_url": "http://vision.example.com/v1"}}
        async with running(tmp_path, options=options, network=NetworkSection(proxy=proxy.uri)) as uri:
            assert await said(uri, "what do you see") == "A cat."
            assert (await said(uri, "are you watching me?")).endswith("Pictures have left the house, to vision.example.com.")
