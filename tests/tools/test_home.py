"""The devices of the house by voice: over the wire, with a Home Assistant that does what it is told, or does not."""

import pytest
from fake_home_assistant import furnish, home_assistant
from home_rig import Home, at_home, serving_home
from tool_sentences import LANGUAGES, matcher, response_keys, understood

from wyoming_servers.handle.matcher import Context

ANSWERS = [
    ("turn on the bed lamp", "Bed Lamp is on.", "light.turn_on", {"entity_id": ["light.bed_lamp"]}),
    ("turn on the worktop", "Counter Lights is on.", "light.turn_on", {"entity_id": ["light.counter"]}),
    ("turn off the kitchen ceiling", "Kitchen Ceiling is off.", "light.turn_off", {"entity_id": ["light.kitchen_ceiling"]}),
    ("toggle the kettle", "Kettle is on.", "switch.turn_on", {"entity_id": ["switch.kettle"]}),
    ("set the bed lamp to 30 percent", "Bed Lamp is at thirty percent.", "light.turn_on", {"brightness_pct": 30}),
    ("set the bed lamp to warm white", "Done: Bed Lamp.", "light.turn_on", {"color_temp_kelvin": 2700}),
    ("close the bedroom blind", "Bedroom Blind is closed.", "cover.close_cover", {"entity_id": ["cover.blind"]}),
    ("set the bedroom blind to 40 percent", "Bedroom Blind is at forty percent.", "cover.set_cover_position", {"position": 40}),
    ("stop the bedroom blind", "Done: Bedroom Blind.", "cover.stop_cover", {"entity_id": ["cover.blind"]}),
    ("lock the front door", "Front Door is locked.", "lock.lock", {"entity_id": ["lock.front"]}),
    ("set the thermostat to 22 degrees", "Thermostat is set to twenty-two degrees.", "climate.set_temperature", {"temperature": 22.0}),
    ("pause the radio", "Radio is paused.", "media_player.media_pause", {"entity_id": ["media_player.radio"]}),
    ("set the radio volume to 20 percent", "Radio is at twenty percent.", "media_player.volume_set", {"volume_level": 0.2}),
    ("set the ceiling fan to 50 percent", "Ceiling Fan is at fifty percent.", "fan.set_percentage", {"percentage": 50}),
    ("activate movie night", "Done: Movie Night.", "scene.turn_on", {"entity_id": ["scene.movie"]}),
    ("run goodnight", "Done: Goodnight.", "script.turn_on", {"entity_id": ["script.goodnight"]}),
    ("start robo", "Robo is cleaning.", "vacuum.start", {"entity_id": ["vacuum.robo"]}),
    ("turn off the lights", "Counter Lights and Kitchen Ceiling are off.", "light.turn_off", {}),
    ("turn off the lights in the bedroom", "Bed Lamp and Reading Lamp are off.", "light.turn_off", {}),
    ("turn on the lights in the lounge", "Reading Lamp is on.", "light.turn_on", {"entity_id": ["light.lounge_reading"]}),
    ("turn off all the lights", "5 lights are off.", "light.turn_off", {}),
]
TOLD = [
    ("is the garage door open", "No. Garage Door is closed."),
    ("is the front door locked", "Yes. Front Door is locked."),
    ("is the kitchen window open", "Yes. Kitchen Window is open."),
    ("which lights are on", "Reading Lamp and Kitchen Ceiling."),
    ("are all the lights on in the kitchen", "No, not Counter Lights."),
    ("how many lights are on", "two."),
    ("what's the temperature in the bedroom", "Bedroom: eighteen point five degrees."),
    ("what's the temperature in the lounge", "Living Room: twenty point five degrees."),
]
REFUSED = [
    ("turn on the disco ball", "I don't know a device called disco ball."),
    ("turn on the secret lamp", "I don't know a device called secret lamp."),
    ("turn on the lights in the attic", "I don't know a room called attic."),
    ("turn on the lights in the garage", "I know of no lights in Garage."),
    ("turn on the bed lamp in the kitchen", "There is no Bed Lamp in Kitchen."),
]


DID_YOU = {
    "en": ("did you turn it off", "is it off"),
    "de": ("hast du sie ausgeschaltet", "ist es aus"),
    "fr": ("tu l'as éteinte", "est-elle éteinte"),
    "es": ("la has apagado", "está apagada"),
    "it": ("l'hai spenta", "è spenta"),
    "nl": ("heb je hem uitgezet", "is hij uit"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_after_a_command_one_may_ask_whether_it_was_done(language):
    asked = [matcher(language).match(text, Context(last="HassTurnOff")) for text in DID_YOU[language]]
    assert [[(match.intent, match.slots, match.follows) for match in found] for found in asked] == [
        [("HassGetState", {"state": "off"}, True)]
    ] * 2


async def test_whether_it_was_done_is_told_of_the_device_that_was_named(tmp_path):
    async with at_home(tmp_path) as home:
        await home.said("turn off the kitchen ceiling")
        assert await home.said("did you turn it off") == "Yes. Kitchen Ceiling is off."


async def test_commands_are_done_and_told(tmp_path):
    async with at_home(tmp_path) as home:
        told = []
        for text, _, _, data in ANSWERS:
            home.fake.calls.clear()
            furnish(home.fake)  # as it was
            speech = await home.said(text, conversation_id=text)
            called, given = home.fake.calls[0]
            told.append((text, speech, called, {key: given.get(key) for key in data}))
        assert told == ANSWERS


async def test_questions_are_answered_from_what_is(tmp_path):
    async with at_home(tmp_path) as home:
        assert [await home.said(text) for text, _ in TOLD] == [speech for _, speech in TOLD]
        assert home.fake.calls == []


async def test_what_is_wrong_or_hidden_is_said_and_nothing_is_done(tmp_path):
    async with at_home(tmp_path) as home:
        assert [await home.said(text) for text, _ in REFUSED] == [speech for _, speech in REFUSED]
        assert home.fake.calls == []


async def test_one_of_two_of_the_same_name_is_asked_for(tmp_path):
    async with at_home(tmp_path) as home:
        assert await home.said("turn on the reading lamp") == "Which Reading Lamp: the one in Bedroom or Living Room?"
        assert home.fake.calls == []
        assert await home.said("the one in the living room") == "Reading Lamp is on."
        assert home.fake.calls == [("light.turn_on", {"entity_id": ["light.lounge_reading"]})]


async def test_of_two_of_the_same_name_the_one_in_the_room_is_meant(tmp_path):
    async with at_home(tmp_path) as home:
        assert await home.said("turn off the reading lamp", area="Bedroom") == "Reading Lamp is off."
        assert home.fake.calls[0][1]["entity_id"] == ["light.bedroom_reading"]


async def test_without_a_room_it_is_asked_for(tmp_path):
    async with at_home(tmp_path) as home:
        assert await home.said("turn on the lights", area="") == "In which room?"
        assert await home.said("the bedroom", area="") == "Bed Lamp and Reading Lamp are on."


@pytest.mark.parametrize(
    ("text", "question", "service"),
    [
        ("open the garage door", "Shall I really open Garage Door?", "cover.open_cover"),
        ("unlock the front door", "Shall I really unlock Front Door?", "lock.unlock"),
    ],
)
async def test_what_is_risky_is_done_only_after_a_yes(tmp_path, text, question, service):
    async with at_home(tmp_path) as home:
        assert await home.said(text) == question
        assert home.fake.calls == []
        await home.said("yes")
        assert [called for called, _ in home.fake.calls] == [service]


async def test_a_no_leaves_it(tmp_path):
    async with at_home(tmp_path) as home:
        await home.said("unlock the front door")
        assert await home.said("no") == "All right, I'm leaving it."
        assert home.fake.calls == []


async def test_a_change_that_is_not_seen_is_not_claimed(tmp_path):
    async with at_home(tmp_path) as home:
        home.fake.stuck.add("light.bed_lamp")
        assert await home.said("turn on the bed lamp") == "I asked for it, but Bed Lamp has not changed yet."


async def test_a_change_that_comes_late_is_waited_for(tmp_path):
    async with at_home(tmp_path) as home:
        home.fake.delay_s = 0.2
        assert await home.said("turn on the bed lamp") == "Bed Lamp is on."


async def test_a_door_that_moves_is_told_to_move(tmp_path):
    async with at_home(tmp_path) as home:
        home.fake.becomes["close_cover"] = "closing"
        assert await home.said("close the bedroom blind") == "Bedroom Blind is closing."


async def test_a_device_that_fails_is_told(tmp_path):
    async with at_home(tmp_path) as home:
        home.fake.refuses.add("light.bed_lamp")
        assert await home.said("turn on the bed lamp") == "Bed Lamp did not do it."


async def test_a_device_that_does_not_answer_is_told(tmp_path):
    async with home_assistant() as fake:
        fake.states["light.bed_lamp"]["s"] = "unavailable"
        async with serving_home(tmp_path, fake) as uri:
            assert await Home(fake, uri).said("turn on the bed lamp") == "Bed Lamp does not answer right now."
            assert fake.calls == []


async def test_undo_switches_back(tmp_path):
    async with at_home(tmp_path) as home:
        await home.said("turn on the bed lamp")
        assert await home.said("undo that") == "Bed Lamp is off."


async def test_undo_brings_back_only_what_was_changed(tmp_path):
    async with at_home(tmp_path) as home:
        await home.said("turn off the lights")  # of the two in the kitchen one was on
        await home.said("undo that")
        assert home.fake.calls[-1] == ("light.turn_on", {"entity_id": ["light.kitchen_ceiling"]})


async def test_undo_sets_a_value_back(tmp_path):
    async with at_home(tmp_path) as home:
        await home.said("set the thermostat to 25 degrees")
        assert await home.said("undo that") == "Thermostat is set to twenty-one degrees."


async def test_a_lock_is_not_opened_by_undo(tmp_path):
    async with at_home(tmp_path) as home:
        await home.said("lock the front door")
        assert await home.said("undo that") == "I can't undo that."
        assert [called for called, _ in home.fake.calls] == ["lock.lock"]


async def test_two_commands_in_one_sentence_are_both_done(tmp_path):
    async with at_home(tmp_path) as home:
        assert (await home.said("turn on the kettle and turn off the kitchen ceiling")) == "Kettle is on. Kitchen Ceiling is off."


async def test_home_assistant_that_is_gone_is_told_with_the_names_still_known(tmp_path):
    async with home_assistant() as fake:
        await fake.stop()
        async with serving_home(tmp_path, fake) as uri:
            assert await Home(fake, uri).said("turn on the bed lamp") == "I can't reach Home Assistant right now."


async def test_a_token_that_is_not_accepted_is_told(tmp_path):
    async with home_assistant() as fake:
        fake.token = "another"
        async with serving_home(tmp_path, fake) as uri:
            assert await Home(fake, uri).said("turn on the bed lamp") == "Home Assistant doesn't accept my token."


async def test_without_home_assistant_it_is_said_that_devices_cannot_be_controlled(tmp_path):
    async with serving_home(tmp_path, None) as uri:
        assert await Home(None, uri).said("turn on the bed lamp") == "I can't control devices yet."


GERMAN = [
    ("mach die Bed Lamp an", "Bed Lamp ist an."),
    ("mach das Licht aus", "Counter Lights und Kitchen Ceiling sind aus."),
    ("ist Garage Door offen", "Nein. Garage Door ist geschlossen."),
    ("öffne Garage Door", "Soll ich wirklich öffnen: Garage Door?"),
    ("nein", "Gut, ich lasse es."),
    ("mach die Discokugel an", "Ich kenne kein Gerät namens Discokugel."),
]


async def test_another_language_is_answered_in_it(tmp_path):
    async with at_home(tmp_path) as home:
        await home.said("licht an", "de")  # may still load the language
        assert [await home.said(text, "de") for text, _ in GERMAN] == [speech for _, speech in GERMAN]


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_all_sentences(language):
    assert response_keys(language, "home") == response_keys("en", "home")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "mach das licht aus"),
        ("fr", "éteins la lumière"),
        ("es", "apaga las luces"),
        ("it", "spegni le luci"),
        ("nl", "doe de lampen uit"),
    ],
)
def test_lights_are_switched_off_in_every_language(language, text):
    assert understood(language, text) == ("HassTurnOff", {"domain": "light"})


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("de", "mach die discokugel an", "discokugel"),
        ("fr", "allume la boule disco", "boule disco"),
        ("es", "enciende la bola", "bola"),
        ("it", "accendi la palla", "palla"),
        ("nl", "doe de discobal aan", "discobal"),
    ],
)
def test_a_name_nobody_knows_is_understood_as_one(language, text, name):
    assert understood(language, text) == ("HassTurnOn", {"unknown": name})
