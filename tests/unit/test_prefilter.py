"""Leaving out templates that cannot fit loses nothing: hassil finds the same in what is left as in everything."""

import hassil
import pytest

from wyoming_servers.handle.matcher import CONTEXT_KEYS
from wyoming_servers.handle.prefilter import Prefilter
from wyoming_servers.shared import paths, templates
from wyoming_servers.shared.house import Area, Device, House

HOUSE = House(
    areas=(Area("Kitchen", ("Galley",)), Area("Küche"), Area("Salle à manger")),
    devices=(
        Device("Bed-Light", "light"),
        Device("Straßenlampe", "light", "Küche"),
        Device("TV", "media_player"),
        Device("Wake Up", "scene"),
    ),
    places=("New York", "Paris"),
)
SENTENCES = {
    "en": [
        "turn on the bed light",
        "please turn on the galley lights",
        "set a timer for twenty-five minutes",
        "pause",
        "what time is it in Paris?",
    ],
    "de": [
        "schalte die Straßenlampe ein",
        "mach bitte das licht in der küche an",
        "stelle einen timer auf fünfundzwanzig minuten",
        "wie spät ist es",
    ],
    "fr": ["allume la lumière dans la salle à manger", "mets un minuteur de vingt-cinq minutes", "quelle heure est-il", "éteins la tv"],
    "es": ["enciende la tv", "pon un temporizador de veinticinco minutos", "qué hora es", "sube el volumen un 20 %"],
    "it": ["accendi la tv", "imposta un timer di venticinque minuti", "che ore sono", "metti in pausa la tv"],
    "nl": ["zet de tv aan", "zet een timer voor vijfentwintig minuten", "hoe laat is het", "volume omhoog"],
    "pl": ["włącz tv", "ustaw minutnik na dwadzieścia pięć minut", "która jest godzina"],
    "ja": ["テレビをつけて", "今何時", "タイマーを5分セットして"],
}
CONTEXTS = [{}, {"area": "Kitchen"}]


@pytest.fixture(scope="module", params=sorted(SENTENCES))
def loaded(request: pytest.FixtureRequest) -> templates.Templates:
    """One language."""
    return templates.load(request.param, HOUSE, [paths.content("intents")], scope="text")


def found(loaded: templates.Templates, intents: hassil.Intents, text: str, context: dict) -> set[str]:
    results = hassil.recognize_all(text, intents, slot_lists=loaded.slot_lists, intent_context=context)
    return {f"{result.intent.name} {sorted((name, str(entity.value)) for name, entity in result.entities.items())}" for result in results}


@pytest.mark.parametrize("context", CONTEXTS)
def test_nothing_that_fits_is_lost(loaded: templates.Templates, context: dict) -> None:
    prefilter = Prefilter(loaded.intents, loaded.slot_lists, CONTEXT_KEYS)
    for text in (sentence for sentences in SENTENCES.values() for sentence in sentences):
        kept = prefilter.candidates(text, context, lambda _intent, _data: True)
        assert found(loaded, kept, text, context) == found(loaded, loaded.intents, text, context), text


def test_a_sentence_that_fits_leaves_few_templates() -> None:
    english = templates.load("en", HOUSE, [paths.content("intents")], scope="text")
    prefilter = Prefilter(english.intents, english.slot_lists, CONTEXT_KEYS)
    kept = prefilter.candidates("what is the meaning of life", {}, lambda _intent, _data: True)
    everything = sum(len(data.sentences) for intent in english.intents.intents.values() for data in intent.data)
    left = sum(len(data.sentences) for intent in kept.intents.values() for data in intent.data)
    assert left < everything / 20
