"""How far a sentence has come: with the house's names, numbers, polite words and several commands, in six languages."""

from functools import lru_cache
from pathlib import Path

import pytest

from wyoming_servers.handle import prefixes
from wyoming_servers.handle.matcher import Context, Matcher
from wyoming_servers.handle.phrases import read_responses
from wyoming_servers.handle.prospects import off_grammar
from wyoming_servers.handle.routing import read_cases
from wyoming_servers.shared import paths, templates
from wyoming_servers.shared.house import Area, Device, House
from wyoming_servers.shared.patience import Prospect

HOUSE = House(areas=(Area("Kitchen"), Area("Bedroom")), devices=(Device("Bed Lamp", "light", "Bedroom"),), places=("Paris",))
ROUTING = Path(__file__).resolve().parents[1] / "routing"
COMPLETE, EXTENDABLE, PREFIX = Prospect.COMPLETE, Prospect.EXTENDABLE, Prospect.PREFIX
SENTENCE, UNFINISHED = Prospect.SENTENCE, Prospect.UNFINISHED


@lru_cache
def matcher(language: str) -> Matcher:
    folders = [paths.content("intents")]
    common = read_responses(language, folders)["common"]
    return Matcher(templates.load(language, HOUSE, folders, scope="text"), common["conjunctions"], common["unfinished"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("never mind", COMPLETE),
        ("Never mind.", COMPLETE),
        ("please never mind", COMPLETE),
        ("stop", EXTENDABLE),
        ("add milk to the shopping list", COMPLETE),
        ("add milk to the", PREFIX),
        ("turn on", PREFIX),
        ("turn on the", PREFIX),
        ("turn on the bed", PREFIX),
        ("turn on the bed lamp", EXTENDABLE),
        ("turn on the bed lamp and", PREFIX),
        ("turn on the bed lamp and turn off the", PREFIX),
        ("set a timer", PREFIX),  # it would ask for how long
        ("wake me up tomorrow", PREFIX),
        ("cancel the timer", EXTENDABLE),
        ("set a timer for", PREFIX),
        ("set a timer for 20", PREFIX),
        ("set a timer for twenty five", PREFIX),
        ("set a timer for 25 minutes", EXTENDABLE),
        ("what is the weather in", PREFIX),
        ("what is the weather in Paris tomorrow", COMPLETE),
        ("remind me to", PREFIX),
        ("the bottom line of this is clear", SENTENCE),
        ("the bottom line of this is,", UNFINISHED),
        ("so I was wondering um", UNFINISHED),
        ("", UNFINISHED),
    ],
)
def test_english(text, expected):
    assert matcher("en").prospect(text) is expected


@pytest.mark.parametrize(
    ("language", "begun", "whole"),
    [
        pytest.param("de", "stell einen Timer auf", "stell einen Timer auf zehn Minuten", marks=pytest.mark.slow),
        pytest.param("de", "was ist sieben mal", "was ist sieben mal acht", marks=pytest.mark.slow),  # else "mal" is a filler
        ("fr", "mets un minuteur de", "mets un minuteur de dix minutes"),
        pytest.param("es", "pon un temporizador de", "pon un temporizador de diez minutos", marks=pytest.mark.slow),
        pytest.param("it", "imposta un timer di", "imposta un timer di dieci minuti", marks=pytest.mark.slow),
        pytest.param("nl", "zet een timer op", "zet een timer op tien minuten", marks=pytest.mark.slow),
    ],
)
def test_other_languages(language, begun, whole):
    classes = (matcher(language).prospect(begun), matcher(language).prospect(whole))
    assert classes[0] is PREFIX
    assert classes[1] in (COMPLETE, EXTENDABLE)


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "it", "nl"])
def test_a_language_knows_the_words_that_end_no_sentence(language):
    words = read_responses(language, [paths.content("intents")])["common"]["unfinished"]
    assert len(words) > 30 and words == [word.lower() for word in words]


@pytest.mark.parametrize("language", ["en", *(pytest.param(name, marks=pytest.mark.slow) for name in ("de", "es", "fr", "it", "nl"))])
def test_whatever_the_templates_understand_is_a_sentence(language):
    cases = read_cases(ROUTING / f"{language}.yaml")
    understood = [case.text for case in cases if matcher(language).match(case.text)]
    judged = {text: matcher(language).prospect(text) for text in understood}
    assert len(judged) > 20
    missed = [text for text, prospect in judged.items() if prospect not in (COMPLETE, EXTENDABLE)]
    assert len(missed) <= 0.05 * len(judged), missed  # "zwölf mal sieben …" may go on as a number in German


@pytest.mark.parametrize("text", ["cancel the pizza timer", "which lights are on"])
def test_what_only_a_room_could_follow_is_complete_where_no_room_has_a_name(text):
    houses = (HOUSE, House())
    loaded = [Matcher(templates.load("en", house, [paths.content("intents")], scope="text")) for house in houses]
    assert [one.prospect(text) for one in loaded] == [EXTENDABLE, COMPLETE]


def test_the_answer_to_a_question_is_a_sentence_only_after_the_question():
    context = Context(asked="item", asking=frozenset({"EarshotListAdd"}))
    assert (matcher("en").prospect("milk", context), matcher("en").prospect("milk")) == (EXTENDABLE, SENTENCE)


def test_a_sentence_longer_than_any_template_is_judged_by_its_end():
    assert matcher("en").prospect("turn " * 400) is SENTENCE


def test_what_was_worked_out_is_forgotten_before_it_grows_without_bound(monkeypatch):
    matcher("en").prospect("turn on the bed lamp")
    known = matcher("en")._prefixes._positions
    monkeypatch.setattr(prefixes, "_MOST_POSITIONS", 10)
    assert matcher("en").prospect("turn on the bed") is PREFIX
    assert matcher("en")._prefixes._positions is not known


@pytest.mark.parametrize(
    ("text", "expected"),
    [("and", UNFINISHED), ("AND", UNFINISHED), ("it is so-", UNFINISHED), ("well…", UNFINISHED), ("I see.", SENTENCE)],
)
def test_off_the_grammar_the_last_word_counts(text, expected):
    assert off_grammar(text, ["and"]) is expected
