"""What the weather's sentences are understood as, in every language that has some."""

import home_assistant_intents
import pytest
from hassil.intents import Intents, TextSlotList
from hassil.sample import sample_sentence
from tool_sentences import LANGUAGES, matcher, response_keys

from wyoming_servers.handle.matcher import Context

SENTENCES = {
    "en": {
        "what's the weather": {},
        "how is the weather outside": {},
        "what is the weather like tomorrow": {"when": "tomorrow"},
        "what's the weather in New York": {"name": "new york"},
        "what's the weather in Paris tomorrow": {"name": "paris", "when": "tomorrow"},
        "what will the weather be on Monday in Rome": {"name": "rome", "when": "monday"},
        "what's today's weather": {"when": "today"},
        "weather forecast for this weekend": {"when": "weekend"},
        "what's the weather going to be like tonight": {"when": "tonight"},
        "will it rain": {"what": "rain"},
        "will it rain tomorrow in Berlin": {"what": "rain", "when": "tomorrow", "name": "berlin"},
        "is it raining": {"what": "rain", "when": "now"},
        "do I need an umbrella": {"what": "umbrella"},
        "should I take an umbrella on Friday": {"what": "umbrella", "when": "friday"},
        "will it snow at the weekend": {"what": "snow", "when": "weekend"},
        "how warm is it outside": {"what": "temperature"},
        "how cold will it get tonight": {"what": "temperature", "when": "tonight"},
        "what is the temperature in Madrid": {"what": "temperature", "name": "madrid"},
        "how windy is it": {"what": "wind"},
        "what's the humidity": {"what": "humidity"},
        "when is sunrise tomorrow": {"what": "sunrise", "when": "tomorrow"},
        "what time does the sun set in Oslo": {"what": "sunset", "name": "oslo"},
    },
    "de": {
        "wie ist das Wetter": {},
        "wie wird das Wetter morgen": {"when": "tomorrow"},
        "wie wird morgen das Wetter in München": {"when": "tomorrow", "name": "münchen"},
        "wie ist das Wetter in Bad Homburg": {"name": "bad homburg"},
        "Wetterbericht für das Wochenende": {"when": "weekend"},
        "wie wird das Wetter am Wochenende": {"when": "weekend"},
        "regnet es morgen": {"what": "rain", "when": "tomorrow"},
        "wird es heute regnen": {"what": "rain", "when": "today"},
        "regnet es gerade": {"what": "rain", "when": "now"},
        "brauche ich einen Regenschirm": {"what": "umbrella"},
        "brauche ich morgen einen Schirm": {"what": "umbrella", "when": "tomorrow"},
        "schneit es übermorgen": {"what": "snow", "when": "overmorrow"},
        "wie kalt ist es draußen": {"what": "temperature"},
        "wie warm wird es am Montag": {"what": "temperature", "when": "monday"},
        "wie viel Grad sind es in Wien": {"what": "temperature", "name": "wien"},
        "wie windig ist es": {"what": "wind"},
        "wie hoch ist die Luftfeuchtigkeit": {"what": "humidity"},
        "wann geht die Sonne auf": {"what": "sunrise"},
        "wann geht morgen die Sonne unter": {"what": "sunset", "when": "tomorrow"},
    },
    "fr": {
        "quel temps fait-il": {},
        "quel temps fera-t-il demain": {"when": "tomorrow"},
        "quel temps fait-il à Lyon": {"name": "lyon"},
        "quel temps fera-t-il à Lyon demain": {"name": "lyon", "when": "tomorrow"},
        "quelle est la météo pour samedi": {"when": "saturday"},
        "météo": {},
        "est-ce qu'il va pleuvoir demain": {"what": "rain", "when": "tomorrow"},
        "est-ce qu'il pleut en ce moment": {"what": "rain", "when": "now"},
        "ai-je besoin d'un parapluie": {"what": "umbrella"},
        "est-ce qu'il va neiger ce week-end": {"what": "snow", "when": "weekend"},
        "il fait combien dehors": {"what": "temperature"},
        "quelle est la température à Nice": {"what": "temperature", "name": "nice"},
        "est-ce qu'il y a du vent": {"what": "wind"},
        "quel est le taux d'humidité": {"what": "humidity"},
        "à quelle heure se lève le soleil": {"what": "sunrise"},
        "quand se couche le soleil demain": {"what": "sunset", "when": "tomorrow"},
    },
    "es": {
        "qué tiempo hace": {},
        "qué tiempo hará mañana": {"when": "tomorrow"},
        "qué tiempo hace en Sevilla": {"name": "sevilla"},
        "dime el tiempo en Madrid para el lunes": {"name": "madrid", "when": "monday"},
        "cómo estará el tiempo este fin de semana": {"when": "weekend"},
        "va a llover mañana": {"what": "rain", "when": "tomorrow"},
        "está lloviendo": {"what": "rain", "when": "now"},
        "necesito un paraguas": {"what": "umbrella"},
        "va a nevar esta noche": {"what": "snow", "when": "tonight"},
        "cuántos grados hace fuera": {"what": "temperature"},
        "qué temperatura hará pasado mañana": {"what": "temperature", "when": "overmorrow"},
        "hace mucho viento": {"what": "wind"},
        "qué humedad hay": {"what": "humidity"},
        "a qué hora sale el sol": {"what": "sunrise"},
        "cuándo se pone el sol mañana": {"what": "sunset", "when": "tomorrow"},
    },
    "it": {
        "che tempo fa": {},
        "che tempo farà domani": {"when": "tomorrow"},
        "che tempo fa a Roma": {"name": "roma"},
        "che tempo farà a Milano domenica": {"name": "milano", "when": "sunday"},
        "dimmi le previsioni del tempo per domani": {"when": "tomorrow"},
        "pioverà domani": {"what": "rain", "when": "tomorrow"},
        "sta piovendo": {"what": "rain", "when": "now"},
        "mi serve l'ombrello": {"what": "umbrella"},
        "nevicherà nel fine settimana": {"what": "snow", "when": "weekend"},
        "quanti gradi ci sono fuori": {"what": "temperature"},
        "quanto freddo farà stanotte": {"what": "temperature", "when": "tonight"},
        "c'è vento": {"what": "wind"},
        "qual è l'umidità": {"what": "humidity"},
        "a che ora sorge il sole": {"what": "sunrise"},
        "quando tramonta il sole domani": {"what": "sunset", "when": "tomorrow"},
    },
    "nl": {
        "hoe is het weer": {},
        "hoe wordt het weer morgen": {"when": "tomorrow"},
        "wat voor weer is het in Gent": {"name": "gent"},
        "hoe wordt het weer in Utrecht op zaterdag": {"name": "utrecht", "when": "saturday"},
        "wat is de weersvoorspelling voor overmorgen": {"when": "overmorrow"},
        "gaat het morgen regenen": {"what": "rain", "when": "tomorrow"},
        "regent het nu": {"what": "rain", "when": "now"},
        "heb ik een paraplu nodig": {"what": "umbrella"},
        "gaat het sneeuwen dit weekend": {"what": "snow", "when": "weekend"},
        "hoe koud is het buiten": {"what": "temperature"},
        "hoe warm wordt het morgen": {"what": "temperature", "when": "tomorrow"},
        "hoe hard waait het": {"what": "wind"},
        "wat is de luchtvochtigheid": {"what": "humidity"},
        "hoe laat komt de zon op": {"what": "sunrise"},
        "wanneer gaat de zon morgen onder": {"what": "sunset", "when": "tomorrow"},
    },
}
FOLLOW_UPS = {
    "en": {
        "and tomorrow": {"when": "tomorrow"},
        "what about Berlin": {"name": "berlin"},
        "what about the wind": {"what": "wind"},
        "and in Rome on Sunday": {"name": "rome", "when": "sunday"},
    },
    "de": {
        "und morgen": {"when": "tomorrow"},
        "und in Berlin": {"name": "berlin"},
        "was ist mit dem Wochenende": {"when": "weekend"},
        "und der Wind": {"what": "wind"},
    },
    "fr": {"et demain": {"when": "tomorrow"}, "et à Berlin": {"name": "berlin"}, "et le vent": {"what": "wind"}},
    "es": {"y mañana": {"when": "tomorrow"}, "y en Berlín": {"name": "berlín"}, "y el viento": {"what": "wind"}},
    "it": {"e domani": {"when": "tomorrow"}, "e a Berlino": {"name": "berlino"}, "e il vento": {"what": "wind"}},
    "nl": {"en morgen": {"when": "tomorrow"}, "en in Berlijn": {"name": "berlijn"}, "en de wind": {"what": "wind"}},
}
REGIONS = {
    "en": {"the second one": "2", "the one in Illinois": "illinois"},
    "de": {"das zweite": "2", "das in Bayern": "bayern"},
    "fr": {"le deuxième": "2", "celui en Bretagne": "bretagne"},
    "es": {"el segundo": "2", "en Aragón": "aragón"},
    "it": {"il secondo": "2", "in Toscana": "toscana"},
    "nl": {"de tweede": "2", "die in Zeeland": "zeeland"},
}
PLACES = {"en": "in Paris", "de": "in Paris", "fr": "à Paris", "es": "en París", "it": "a Parigi", "nl": "in Parijs"}


def each(table: dict[str, dict]) -> list:
    return [(language, text, slots) for language, texts in table.items() for text, slots in texts.items()]


def one(language: str, text: str, **context: object) -> tuple[str, dict]:
    (match,) = matcher(language).match(text.lower(), Context(**context))
    return match.intent, match.slots


@pytest.mark.parametrize(("language", "text", "slots"), each(SENTENCES))
def test_a_sentence(language, text, slots):
    assert one(language, text) == ("HassGetWeather", slots)


@pytest.mark.parametrize(("language", "text", "slots"), each(FOLLOW_UPS))
def test_a_follow_up(language, text, slots):
    assert one(language, text, last="HassGetWeather") == ("HassGetWeather", slots)


@pytest.mark.parametrize(("language", "text", "region"), each(REGIONS))
def test_which_of_several_places(language, text, region):
    understood = one(language, text, asked="region", asking=frozenset({"HassGetWeather"}))
    assert understood == ("HassGetWeather", {"region": region})


@pytest.mark.parametrize(("language", "text"), PLACES.items())
def test_the_place_that_was_asked_for(language, text):
    understood = one(language, text, asked="name", asking=frozenset({"HassGetWeather"}))
    assert understood == ("HassGetWeather", {"name": text.split()[1].lower()})


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_assistants_sentences_are_still_understood(language):
    content = home_assistant_intents.get_intents(language)
    blocks = content["intents"]["HassGetWeather"]["data"]
    theirs = Intents.from_dict(
        {**content, "intents": {"HassGetWeather": {"data": [block for block in blocks if block["response"] == "default"]}}}
    )
    named, lost = {"name": TextSlotList.from_strings(["Paris"], name="name")}, []
    for data in theirs.intents["HassGetWeather"].data:
        for template in data.sentences:
            text = next(sample_sentence(template, named, {**theirs.expansion_rules, **data.expansion_rules}, language, skip_optionals=True))
            found = matcher(language).match(text)
            if [match.intent for match in found] != ["HassGetWeather"]:
                lost.append(text)
    assert lost == []


def test_every_language_says_the_same_things():
    assert all(response_keys(language, "weather") == response_keys("en", "weather") for language in LANGUAGES)
