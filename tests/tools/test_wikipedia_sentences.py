"""What sentences about anything are understood as, and that they take none that means something else."""

import pytest
from hassil import recognize_all
from hassil.expression import Alternative, Expression, Group, ListReference, RuleReference, TextChunk
from hassil.intents import Intents, TextSlotList
from tool_sentences import LANGUAGES, matcher, response_keys

from wyoming_servers.handle.matcher import Context
from wyoming_servers.shared import paths, templates
from wyoming_servers.shared.house import House

SENTENCES = {
    "en": {
        "who was Albert Einstein": "albert einstein",
        "who is the president of France": "president of france",
        "who were the Beatles": "beatles",
        "what is photosynthesis": "photosynthesis",
        "what's a black hole": "black hole",
        "what are black holes": "black holes",
        "tell me about the Eiffel Tower": "eiffel tower",
        "what do you know about jazz": "jazz",
        "look up Simon and Garfunkel on Wikipedia": "simon and garfunkel",
    },
    "de": {
        "wer war Albert Einstein": "albert einstein",
        "wer sind die Beatles": "beatles",
        "was ist Photosynthese": "photosynthese",
        "was ist ein schwarzes Loch": "schwarzes loch",
        "erzähl mir etwas über den Eiffelturm": "eiffelturm",
        "was weißt du über Jazz": "jazz",
    },
    "fr": {
        "qui était Albert Einstein": "albert einstein",
        "qui sont les Beatles": "beatles",
        "qu'est-ce que la photosynthèse": "photosynthèse",
        "qu'est-ce qu'un trou noir": "trou noir",
        "c'est quoi le jazz": "jazz",
        "parle-moi de la tour Eiffel": "tour eiffel",
        "que sais-tu du jazz": "jazz",
    },
    "es": {
        "quién fue Albert Einstein": "albert einstein",
        "quiénes son los Beatles": "beatles",
        "qué es la fotosíntesis": "fotosíntesis",
        "qué es un agujero negro": "agujero negro",
        "háblame de la torre Eiffel": "torre eiffel",
        "qué sabes sobre jazz": "jazz",
    },
    "it": {
        "chi era Albert Einstein": "albert einstein",
        "chi sono i Beatles": "beatles",
        "cos'è la fotosintesi": "fotosintesi",
        "che cos'è un buco nero": "buco nero",
        "parlami della torre Eiffel": "torre eiffel",
        "cosa sai del jazz": "jazz",
    },
    "nl": {
        "wie was Albert Einstein": "albert einstein",
        "wie zijn de Beatles": "beatles",
        "wat is fotosynthese": "fotosynthese",
        "wat is een zwart gat": "zwart gat",
        "vertel me iets over de Eiffeltoren": "eiffeltoren",
        "wat weet je over jazz": "jazz",
    },
}
MORE = {
    "en": ("tell me more", "more", "go on"),
    "de": ("erzähl mir mehr", "mehr", "weiter"),
    "fr": ("dis-m'en plus", "continue"),
    "es": ("cuéntame más", "sigue"),
    "it": ("dimmi di più", "continua"),
    "nl": ("vertel me meer", "ga door"),
}
CHOICES = {
    "en": {"the first one": "1", "the planet": "planet"},
    "de": {"das zweite": "2", "der Planet": "planet"},
    "fr": {"la première": "1", "la planète": "planète"},
    "es": {"el segundo": "2", "el planeta": "planeta"},
    "it": {"il primo": "1", "il pianeta": "pianeta"},
    "nl": {"de tweede": "2", "de planeet": "planeet"},
}

_NOBODY = "\0"
"""Stands for a name of a house that has none."""


def each(table: dict) -> list:
    return [(language, text, *([texts[text]] if isinstance(texts, dict) else [])) for language, texts in table.items() for text in texts]


@pytest.mark.parametrize(("language", "text", "subject"), each(SENTENCES))
def test_a_sentence(language, text, subject):
    (match,) = matcher(language).match(text.lower())
    assert (match.intent, match.slots) == ("EarshotWikipedia", {"subject": subject})


@pytest.mark.parametrize(("language", "text"), each(MORE))
def test_more(language, text):
    (match,) = matcher(language).match(text.lower(), Context(last="EarshotWikipedia"))
    assert (match.intent, match.slots, match.follows) == ("EarshotWikipedia", {"more": True}, True)


@pytest.mark.parametrize(("language", "text", "which"), each(CHOICES))
def test_a_choice(language, text, which):
    (match,) = matcher(language).match(text.lower(), Context(asked="which", asking=frozenset({"EarshotWikipedia"})))
    assert (match.slots, match.asked) == ({"which": which}, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_another_tool_is_taken(language):
    loaded = templates.load(language, House(), [paths.content("intents")], scope="text")
    lists = {**loaded.intents.slot_lists, **loaded.slot_lists}
    ours = Intents(loaded.language, {"EarshotWikipedia": loaded.intents.intents["EarshotWikipedia"]}, lists, loaded.intents.expansion_rules)
    taken = []
    for text in sorted(_sentences(loaded, lists)):
        if any(True for _ in recognize_all(text, ours)) and "EarshotWikipedia" in {match.intent for match in matcher(language).match(text)}:
            taken.append(text)
    assert taken == []


def _sentences(loaded: templates.Templates, lists: dict) -> set[str]:
    """A sentence of every template of the other tools, and of Home Assistant's, that may be said at any time."""
    found = set()
    for name, intent in loaded.intents.intents.items():
        for block in intent.data if name != "EarshotWikipedia" else ():
            known = {**lists, **block.slot_lists}, {**loaded.intents.expansion_rules, **block.expansion_rules}
            if not block.requires_context:
                found |= {" ".join(_first(template.expression, *known).split()) for template in block.sentences}
    return {text for text in found if _NOBODY not in text}


def _first(item: Expression, lists: dict, rules: dict) -> str:
    """The shortest way through a template."""
    if isinstance(item, TextChunk):
        return item.original_text
    if isinstance(item, RuleReference):
        return _first(rules[item.rule_name].expression, lists, rules)
    if isinstance(item, ListReference):
        values = lists.get(item.list_name)
        if not isinstance(values, TextSlotList):
            return _NOBODY if item.list_name == "zone" else "ten"  # "who is {zone}" is what ours says, word for word
        return _first(values.values[0].text_in, lists, rules) if values.values else _NOBODY
    assert isinstance(item, Group)
    if isinstance(item, Alternative):
        return "" if item.is_optional else _first(item.items[0], lists, rules)
    return "".join(_first(part, lists, rules) for part in item.items)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language):
    assert response_keys(language, "wikipedia") == response_keys("en", "wikipedia")
