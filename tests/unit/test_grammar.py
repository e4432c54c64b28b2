"""The sentence grammar: what it accepts, how far a sentence has come, how text is said."""

from pathlib import Path

import pytest

from wyoming_servers.shared import paths
from wyoming_servers.shared.grammar import Grammar, PrefixClass, compile_grammar, spoken_words
from wyoming_servers.shared.house import Area, Device, House
from wyoming_servers.shared.templates import load

HOUSE = House(
    areas=(Area("Kitchen"), Area("Office")),
    devices=(Device("Bed Light", "light"), Device("Front Door", "lock"), Device("TV", "media_player"), Device("EcoBee", "sensor")),
    places=("New York",),
    timers=("pizza", "tea"),
)


def compiled(folder: Path, *sentences: str, more: str = "") -> Grammar:
    """A grammar with these sentences besides Home Assistant's, in a house without names."""
    path = folder / "en" / "own.yaml"
    path.parent.mkdir(exist_ok=True)
    listed = "".join(f'          - "{sentence}"\n' for sentence in sentences)
    path.write_text(f"language: en\n{more}\nintents:\n  Own:\n    data:\n      - sentences:\n{listed}", "utf-8")
    return compile_grammar(load("en", House(timers=("tea", "pizza")), [folder], scope="speech"))


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    """The shipped sentences in a small house."""
    return compile_grammar(load("en", HOUSE, [paths.content("intents")], scope="speech"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Set a timer for 5 minutes!", "set a timer for five minutes"),
        ("25%", "twenty five percent"),
        ("What's the time?", "what's the time"),
        ("whats up", "what's up"),
        ("1/2 an hour", "half an hour"),
        ("EcoBee  TV", "ecobee tv"),
        ("100", "one hundred"),
        ("21.5", "twenty one point five"),
        ("", ""),
    ],
)
def test_text_as_it_is_said(text: str, said: str) -> None:
    assert " ".join(spoken_words(text)) == said


@pytest.mark.parametrize(
    "text",
    [
        "set a timer for 5 minutes",
        "set a five minute timer",
        "timer five minutes",
        "create a timer for 5 and a half minutes",
        "create timer for 6 hours and 20 minutes",
        "start a timer for 10 minutes and 20 seconds",
        "set a timer for 90 seconds",
        "set a pizza timer for 12 minutes",
        "how much time is left on the tea timer",
        "cancel the pizza timer",
        "cancel all timers",
        "add two minutes to the timer",
        "what time is it",
        "what's the date today",
        "what day is it",
        "never mind",
        "stop",
        "please turn on the Bed Light",
        "turn off all of the Kitchen lights",
        "turn Bed Light off",
        "is the Front Door locked",
        "set Bed Light brightness to 75 percent",
        "set the lights in the office to blue",
        "what is the EcoBee temperature",
        "what's the weather in New York",
        "pause the TV",
    ],
)
def test_what_people_say_is_in_the_grammar(grammar: Grammar, text: str) -> None:
    assert grammar.accepts(spoken_words(text))


@pytest.mark.parametrize(
    "text",
    ["", "set a", "turn on the", "open the blinds", "play some jazz", "turn on the fan", "lock the bed light", "cancel the moussaka timer"],
)
def test_what_leads_nowhere_is_not_in_the_grammar(grammar: Grammar, text: str) -> None:
    assert not grammar.accepts(spoken_words(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("banana", PrefixClass.OFF_GRAMMAR),
        ("turn on banana", PrefixClass.OFF_GRAMMAR),
        ("", PrefixClass.PREFIX),
        ("set a timer for five", PrefixClass.PREFIX),
        ("set a timer for five minutes", PrefixClass.EXTENDABLE),
        ("set a timer for five minutes please", PrefixClass.COMPLETE),
    ],
)
def test_how_far_a_sentence_has_come(grammar: Grammar, text: str, expected: PrefixClass) -> None:
    assert grammar.prefix_class(spoken_words(text)) is expected


def test_the_words_that_may_follow(grammar: Grammar) -> None:
    assert grammar.next_words(("what", "time")) == ["is"]


def test_nothing_follows_what_is_off_the_grammar(grammar: Grammar) -> None:
    assert grammar.next_words(("banana",)) == []


def test_names_are_written_as_the_owner_writes_them(grammar: Grammar) -> None:
    assert grammar.text(("pause", "the", "tv")) == "pause the TV"


def test_every_state_leads_to_an_end(grammar: Grammar) -> None:
    ending = set(grammar.finals)
    for _ in grammar.arcs:
        ending |= {state for state, arcs in enumerate(grammar.arcs) if ending.intersection(arcs.values())}
    assert len(ending) == len(grammar.arcs)


def test_no_two_states_are_the_same(grammar: Grammar) -> None:
    seen = {(state in grammar.finals, tuple(sorted(arcs.items()))) for state, arcs in enumerate(grammar.arcs)}
    assert len(seen) == len(grammar.arcs)


def test_it_stays_small(grammar: Grammar) -> None:
    assert sum(map(len, grammar.arcs)) < 16_000  # 1.6 kB each in a decoder


def test_optionals_and_alternatives(tmp_path: Path) -> None:
    grammar = compiled(tmp_path, "brew [some] (green|black) tea")
    assert [grammar.accepts(text.split()) for text in ("brew green tea", "brew some black tea", "brew tea")] == [True, True, False]


def test_permutations(tmp_path: Path) -> None:
    grammar = compiled(tmp_path, "brew (tea;now)")
    assert [grammar.accepts(text.split()) for text in ("brew tea now", "brew now tea", "brew tea")] == [True, True, False]


def test_endings_belong_to_the_word_before_them(tmp_path: Path) -> None:
    grammar = compiled(tmp_path, "brew cup[s]")
    assert grammar.next_words(("brew",)) == ["cup", "cups"]


def test_what_may_be_written_together_is_said_apart(tmp_path: Path) -> None:
    grammar = compiled(tmp_path, "brew {1..3:cups}[ |-]cups")
    assert grammar.accepts(("brew", "two", "cups"))


def test_ranges_are_numbers_in_words(tmp_path: Path) -> None:
    grammar = compiled(tmp_path, "brew {20..22:cups}")
    assert [grammar.accepts(spoken_words(f"brew {number}")) for number in (19, 20, 21, 22, 23)] == [False, True, True, True, False]


def test_a_hundred_is_said_in_two_ways(tmp_path: Path) -> None:
    grammar = compiled(tmp_path, "brew {100..100:cups}")
    assert grammar.next_words(("brew",)) == ["a", "one"]


def test_rules_and_own_lists(tmp_path: Path) -> None:
    more = "expansion_rules:\n  pot: (pot|cup)\nlists:\n  leaf:\n    values: [{in: '(earl|lady) grey', out: grey}, mint]"
    grammar = compiled(tmp_path, "brew a <pot> of {leaf}", more=more)
    assert grammar.accepts(["brew", "a", "cup", "of", "lady", "grey"]) and grammar.accepts(["brew", "a", "pot", "of", "mint"])
