"""English sentences, typed and transcribed, and what is understood."""

import dataclasses
from pathlib import Path

import pytest
from handle_house import HOUSE

from wyoming_servers.handle.matcher import MAX_CHARS, Matcher
from wyoming_servers.shared import paths, templates

START, CANCEL, STATUS = "HassStartTimer", "HassCancelTimer", "HassTimerStatus"
SENTENCES = [
    ("set a timer for five minutes", START, {"minutes": 5}),
    ("Set a timer for 5 minutes.", START, {"minutes": 5}),
    ("please set a timer for 3 minutes", START, {"minutes": 3}),
    ("can you start a timer for thirty seconds?", START, {"seconds": 30}),
    ("set a timer for an hour", START, {"hours": 1}),
    ("set a timer for a minute", START, {"minutes": 1}),
    ("set a timer for half an hour", START, {"minutes": 30}),
    ("set a half hour timer", START, {"minutes": 30}),
    ("set a timer for an hour and a half", START, {"hours": 1, "minutes": 30}),
    ("set a timer for one and a half hours", START, {"hours": 1, "minutes": 30}),
    ("Set a timer for 1.5 hours.", START, {"hours": 1, "minutes": 30}),
    ("set a timer for 2 1/2 hours", START, {"hours": 2, "minutes": 30}),
    ("set a timer for five and a half minutes", START, {"minutes": 5, "seconds": 30}),
    ("set a timer for 5½ minutes", START, {"minutes": 5, "seconds": 30}),
    ("set a timer for a minute and a half", START, {"minutes": 1, "seconds": 30}),
    ("set a timer for three quarters of an hour", START, {"minutes": 45}),
    ("set a timer for a quarter of an hour", START, {"minutes": 15}),
    ("set a timer for 2 hours and 30 minutes", START, {"hours": 2, "minutes": 30}),
    ("set a 2 hour 30 minute timer", START, {"hours": 2, "minutes": 30}),
    ("set a timer for one hour, five minutes and ten seconds", START, {"hours": 1, "minutes": 5, "seconds": 10}),
    ("set a timer for one hundred and twenty minutes", START, {"minutes": 120}),
    ("set a timer for a hundred minutes", START, {"minutes": 100}),
    ("set a timer for twenty-five minutes", START, {"minutes": 25}),
    ("10 min timer", START, {"minutes": 10}),
    ("ten-minute timer", START, {"minutes": 10}),
    ("timer for 90 seconds", START, {"seconds": 90}),
    ("set timer 20 minutes", START, {"minutes": 20}),
    ("create another timer for 7 minutes", START, {"minutes": 7}),
    ("set a pizza timer for 10 minutes", START, {"minutes": 10, "name": "pizza"}),
    ("set a ten minute pizza timer", START, {"minutes": 10, "name": "pizza"}),
    ("set a timer for ten minutes for the pizza", START, {"minutes": 10, "name": "pizza"}),
    ("set a timer called egg salad for 8 minutes", START, {"minutes": 8, "name": "egg salad"}),
    ("set a 10 minute timer named pizza", START, {"minutes": 10, "name": "pizza"}),
    ("set a timer", START, {}),
    ("set a pizza timer", START, {"name": "pizza"}),
    ("set a timer for zero seconds", START, {"seconds": 0}),
    ("set a timer for 30 hours", START, {"hours": 30}),
    ("turn on the light in 5 minutes", START, {"conversation_command": "turn on the light", "minutes": 5}),
    ("cancel the timer", CANCEL, {}),
    ("stop the timer", CANCEL, {}),
    ("cancel my pizza timer", CANCEL, {"name": "pizza"}),
    ("stop the moussaka timer", CANCEL, {"name": "moussaka"}),
    ("cancel the timer for pizza", CANCEL, {"name": "pizza"}),
    ("cancel the five minute timer", CANCEL, {"start_minutes": 5}),
    ("cancel the half hour timer", CANCEL, {"start_minutes": 30}),
    ("cancel the kitchen timer", CANCEL, {"area": "Kitchen"}),
    ("cancel all of my timers", "HassCancelAllTimers", {}),
    ("cancel all timers", "HassCancelAllTimers", {}),
    ("cancel all kitchen timers", "HassCancelAllTimers", {"area": "Kitchen"}),
    ("pause the timer in the kitchen", "HassPauseTimer", {"area": "Kitchen"}),
    ("add 5 minutes to the bedroom timer", "HassIncreaseTimer", {"minutes": 5, "area": "Bedroom"}),
    ("add two and a half hours to the five minute timer", "HassIncreaseTimer", {"hours": 2, "minutes": 30, "start_minutes": 5}),
    ("how much time is left", STATUS, {}),
    ("how much time is left on the timer?", STATUS, {}),
    ("how long is left on the pizza timer", STATUS, {"name": "pizza"}),
    ("how long until the pizza timer goes off", STATUS, {"name": "pizza"}),
    ("when does the pizza timer end", STATUS, {"name": "pizza"}),
    ("what timers do I have", STATUS, {}),
    ("list my timers", STATUS, {}),
    ("are there any timers", STATUS, {}),
    ("add 5 minutes", "HassIncreaseTimer", {"minutes": 5}),
    ("add another five minutes to the timer", "HassIncreaseTimer", {"minutes": 5}),
    ("add a minute to the pizza timer", "HassIncreaseTimer", {"minutes": 1, "name": "pizza"}),
    ("increase the pizza timer by 30 seconds", "HassIncreaseTimer", {"seconds": 30, "name": "pizza"}),
    ("take two minutes off the pizza timer", "HassDecreaseTimer", {"minutes": 2, "name": "pizza"}),
    ("shorten the timer by a minute", "HassDecreaseTimer", {"minutes": 1}),
    ("pause the timer", "HassPauseTimer", {}),
    ("pause the pizza timer", "HassPauseTimer", {"name": "pizza"}),
    ("resume the timer", "HassUnpauseTimer", {}),
    ("unpause the 5 minute timer", "HassUnpauseTimer", {"start_minutes": 5}),
    ("what time is it", "HassGetCurrentTime", {}),
    ("What’s the time?", "HassGetCurrentTime", {}),
    ("what is the date", "HassGetCurrentDate", {}),
    ("what's today's date", "HassGetCurrentDate", {}),
    ("what day is it", "EarshotWeekday", {}),
    ("what day is tomorrow", "EarshotWeekday", {"days_from_now": 1}),
    ("what year is it", "EarshotYear", {}),
    ("what month is it", "EarshotMonth", {}),
    ("stop", "EarshotStop", {}),
    ("Stop!", "EarshotStop", {}),
    ("be quiet", "EarshotStop", {}),
    ("never mind", "HassNevermind", {}),
    ("nevermind", "HassNevermind", {}),
    ("cancel that", "HassNevermind", {}),
    ("repeat that", "EarshotRepeat", {}),
    ("what did you say", "EarshotRepeat", {}),
    ("turn on the bed lamp", "HassTurnOn", {"name": "Bed Lamp"}),
    ("what's the weather in Paris", "HassGetWeather", {"name": "Paris"}),
]
OUTSIDE = [
    "tell me a joke",
    "how do I tie a tie",
    "",
    "   ",
    "?!",
    "timer",
    "five minutes",
    "a" * 10_000,
    "set a timer for " * 30,
    "\0\ud800",
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(templates.load("en", HOUSE, [paths.content("intents")], scope="text"), ["and then", "and"])


def meant(matcher: Matcher, text: str) -> list[tuple[str, dict]]:
    """Intents and slots."""
    return [(match.intent, match.slots) for match in matcher.match(text)]


@pytest.mark.parametrize(("text", "intent", "slots"), SENTENCES)
def test_a_sentence_is_understood(matcher: Matcher, text: str, intent: str, slots: dict) -> None:
    assert meant(matcher, text) == [(intent, slots)]


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("cancel all timers and tell me the time", ["HassCancelAllTimers", "HassGetCurrentTime"]),
        ("set a timer for 2 hours and 30 minutes and then pause it", []),
        ("set a timer for 2 hours and 30 minutes and what time is it", [START, "HassGetCurrentTime"]),
        ("stop and what time is it and then what day is it", ["EarshotStop", "HassGetCurrentTime", "EarshotWeekday"]),
        ("set a 10 minute timer for pizza and what time is it", [START, "HassGetCurrentTime"]),
        ("set a timer called salt and pepper for 5 minutes", [START]),
        ("what time is it and tell me a joke", []),
        ("tell me a joke and what time is it", []),
        ("and", []),
        ("what time is it and what time is it and what time is it and what time is it", []),
    ],
)
def test_several_commands_in_one_sentence_are_all_understood_or_none(matcher: Matcher, text: str, intents: list[str]) -> None:
    assert [match.intent for match in matcher.match(text)] == intents


@pytest.mark.parametrize("text", OUTSIDE)
def test_what_no_template_says_is_not_understood(matcher: Matcher, text: str) -> None:
    assert matcher.match(text) == ()


@pytest.mark.parametrize("text", [text for text, _, slots in SENTENCES if "minutes" in slots][:6])
def test_capitals_and_punctuation_change_nothing(matcher: Matcher, text: str) -> None:
    assert matcher.match(f"  {text.upper().rstrip('.?')} ... ") == matcher.match(text)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("cancel the Greek Salad timer", "Greek Salad"),
        ("cancel the greek salad timer", "greek salad"),
        ("CANCEL THE GREEK SALAD TIMER", "greek salad"),
        ("Cancel the   Greek  Salad timer!", "Greek Salad"),
    ],
)
def test_names_keep_their_capitals(matcher: Matcher, text: str, taken: str) -> None:
    assert meant(matcher, text) == [(CANCEL, {"name": taken})]


def test_an_own_template_wins_over_home_assistants_equal_one(tmp_path: Path) -> None:
    file = tmp_path / "en" / "own.yaml"
    file.parent.mkdir()
    file.write_text('language: en\nintents: {Zzz: {data: [{sentences: ["what time is it"]}]}}\n')
    own = Matcher(templates.load("en", HOUSE, [tmp_path], scope="text"))
    assert meant(own, "what time is it") == [("Zzz", {})]


def test_a_template_replaces_home_assistants_of_the_same_intent(tmp_path: Path) -> None:
    file = tmp_path / "en" / "own.yaml"
    file.parent.mkdir()
    block = "{metadata: {replaces: home_assistant}, sentences: [time]}"
    file.write_text(f"language: en\nintents: {{HassGetCurrentTime: {{data: [{block}]}}}}\n")
    own = Matcher(templates.load("en", HOUSE, [tmp_path], scope="text"))
    assert (meant(own, "time"), meant(own, "what time is it")) == ([("HassGetCurrentTime", {})], [])


def test_the_order_of_templates_changes_nothing(matcher: Matcher) -> None:
    loaded = templates.load("en", HOUSE, [paths.content("intents")], scope="text")
    loaded.intents.intents = dict(reversed(loaded.intents.intents.items()))
    backwards = Matcher(dataclasses.replace(loaded))
    some = [text for text, _, _ in SENTENCES[::5]]
    assert [backwards.match(text) for text in some] == [matcher.match(text) for text in some]


def test_a_sentence_at_the_limit_is_still_looked_at(matcher: Matcher) -> None:
    name = "x" * (MAX_CHARS - len("cancel the  timer"))
    assert meant(matcher, f"cancel the {name} timer") == [(CANCEL, {"name": name})]
